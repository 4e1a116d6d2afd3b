"""Ties a person's place in a tenant to his Telegram account, by a one-time code that he sends to the bot."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import contains_eager

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.ids import one_time_code
from app.models import LinkCode, Membership, User
from app.services import audit

LIVES = timedelta(minutes=15)


def create_link_code(membership: Membership) -> str:
    """A code that works once within 15 minutes; former ones of this membership stop working."""
    db.session.execute(
        delete(LinkCode).where(LinkCode.membership_id == membership.id, LinkCode.used_at.is_(None))
    )
    code = one_time_code()
    db.session.add(
        LinkCode(
            tenant_id=membership.tenant_id,
            membership_id=membership.id,
            code=code,
            expires_at=clock.now() + LIVES,
        )
    )
    return code


def use_link_code(tenant_id: int, code: str, telegram_id: int, name: str) -> Membership | None:
    """Links the sender of a code. None for a code that is wrong, used, too old or of another tenant.

    Whoever had linked this Telegram account in the tenant before loses it: one account is one person.
    """
    now, code = clock.now(), code.strip().upper()
    if not (code.isascii() and code.isalnum()):
        return None
    membership_id = db.session.execute(
        update(LinkCode)
        .where(LinkCode.code == code, LinkCode.tenant_id == tenant_id)
        .where(LinkCode.used_at.is_(None), LinkCode.expires_at > now)
        .values(used_at=now)
        .returning(LinkCode.membership_id)
    ).scalar()
    if membership_id is None:
        return None
    db.session.execute(
        update(Membership)
        .where(Membership.tenant_id == tenant_id, Membership.telegram_id == telegram_id)
        .values(telegram_id=None, telegram_name=None, telegram_linked_at=None)
    )
    membership = db.session.get_one(Membership, membership_id)
    membership.telegram_id, membership.telegram_name, membership.telegram_linked_at = telegram_id, name, now
    audit.record(tenant_id, "staff.telegram_linked", ("membership", membership.id, membership.user.email))
    db.session.flush()
    return membership


def unlink(tenant_id: int, membership_id: int) -> None:
    """Forgets the Telegram account. Raises NotFound."""
    membership = db.session.get(Membership, membership_id)
    if membership is None or membership.tenant_id != tenant_id:
        raise NotFound
    membership.telegram_id = membership.telegram_name = membership.telegram_linked_at = None
    audit.record(tenant_id, "staff.telegram_unlinked", ("membership", membership.id, membership.user.email))


def find_linked(tenant_id: int, telegram_id: int, *, lock: bool = False) -> Membership | None:
    """Whose Telegram account this is in the tenant, with the role of this moment; None where his account is closed.

    `lock` lets him do one thing at a time, and lets his role change only after this transaction.
    """
    query = (
        select(Membership)
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id == tenant_id, Membership.telegram_id == telegram_id, User.active)
        .options(contains_eager(Membership.user))
        .execution_options(populate_existing=True)
    )
    return db.session.scalar(query.with_for_update(of=Membership, key_share=True) if lock else query)


def linked_members(tenant_id: int) -> Sequence[Membership]:
    """The people of the tenant who linked a Telegram account: those whom alerts reach."""
    return db.session.scalars(
        select(Membership)
        .where(Membership.tenant_id == tenant_id, Membership.telegram_id.is_not(None))
        .order_by(Membership.id)
    ).all()
