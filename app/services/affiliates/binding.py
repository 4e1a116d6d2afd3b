"""Whose link brought whom: the first touch of somebody new binds him to the promoter for the tenant's window."""

from datetime import timedelta

from sqlalchemy import exists, func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.domain.affiliates import PromoterState, Referral
from app.models import Member, Promoter, PromoterBinding, PromoterTouch
from app.services.affiliates import terms

CODE_LENGTH = 10
_ABOVE = text("""
WITH RECURSIVE above AS (
    SELECT parent_id FROM promoter WHERE tenant_id = :tenant_id AND id = :promoter_id
    UNION
    SELECT p.parent_id FROM promoter p JOIN above ON p.id = above.parent_id AND p.tenant_id = :tenant_id
)
SELECT EXISTS (SELECT FROM above JOIN promoter p ON p.id = above.parent_id AND p.tenant_id = :tenant_id
               WHERE p.telegram_id = :telegram_id)
""")


def promoter_of(tenant_id: int, telegram_id: int) -> int | None:
    """The promoter (id) who earns from what this person buys now; None without a valid binding to an active one."""
    found = db.session.scalar(
        select(Promoter.id)
        .join(PromoterBinding, PromoterBinding.promoter_id == Promoter.id)
        .where(
            PromoterBinding.tenant_id == tenant_id,
            PromoterBinding.telegram_id == telegram_id,
            PromoterBinding.until > clock.now(),
            Promoter.state == PromoterState.ACTIVE,
            Promoter.telegram_id != telegram_id,
        )
    )
    return found if found is not None and terms.load(tenant_id).enabled else None


def touch(tenant_id: int, code: str, telegram_id: int) -> Referral | None:
    """Writes down that somebody opened a promoter's link, and binds him where he is new; only the first time counts.

    Needs the transaction in which the person himself is written down: he is new when his row is of this transaction.
    So a repeated update finds either both or neither. None for an unknown code, and where promoting is off.
    """
    rules = terms.load(tenant_id)
    promoter = find_by_code(tenant_id, code) if rules.enabled else None
    if promoter is None:
        return None
    known = db.session.scalar(
        select(PromoterTouch.outcome).where(
            PromoterTouch.promoter_id == promoter.id, PromoterTouch.telegram_id == telegram_id
        )
    )
    if known is not None:
        return known
    outcome = _outcome(promoter, telegram_id)
    if outcome is Referral.BOUND and not _bind(promoter, telegram_id, rules.window_days):
        outcome = Referral.TAKEN
    db.session.execute(
        insert(PromoterTouch)
        .values(tenant_id=tenant_id, promoter_id=promoter.id, telegram_id=telegram_id, outcome=outcome)
        .on_conflict_do_nothing()
    )
    return outcome


def find_by_code(tenant_id: int, code: str) -> Promoter | None:
    """The promoter whose link this is; codes are typed by anybody."""
    if not code.isascii() or not code.isalnum() or len(code) > CODE_LENGTH:
        return None
    return db.session.scalar(select(Promoter).where(Promoter.tenant_id == tenant_id, Promoter.code == code))


def _outcome(promoter: Promoter, telegram_id: int) -> Referral:
    """What comes of it, the most telling reason first."""
    if promoter.telegram_id == telegram_id:
        return Referral.SELF
    if is_above(promoter, telegram_id):
        return Referral.LOOP
    if _is_taken(promoter.tenant_id, telegram_id):
        return Referral.TAKEN
    if not _is_new(promoter.tenant_id, telegram_id):
        return Referral.KNOWN
    return Referral.BOUND if promoter.state is PromoterState.ACTIVE else Referral.PAUSED


def is_above(promoter: Promoter, telegram_id: int) -> bool:
    """Whether somebody is among the promoters who, one through the other, brought this one."""
    values = {"tenant_id": promoter.tenant_id, "promoter_id": promoter.id, "telegram_id": telegram_id}
    return bool(db.session.execute(_ABOVE, values).scalar_one())


def _is_taken(tenant_id: int, telegram_id: int) -> bool:
    bound = exists().where(
        PromoterBinding.tenant_id == tenant_id,
        PromoterBinding.telegram_id == telegram_id,
        PromoterBinding.until > clock.now(),
    )
    return bool(db.session.scalar(select(bound)))


def _is_new(tenant_id: int, telegram_id: int) -> bool:
    new = select(Member.first_seen_at == func.now()).where(
        Member.tenant_id == tenant_id, Member.telegram_id == telegram_id
    )
    return bool(db.session.scalar(new))


def _bind(promoter: Promoter, telegram_id: int, days: int) -> bool:
    now = clock.now()
    made = db.session.execute(
        insert(PromoterBinding)
        .values(
            tenant_id=promoter.tenant_id,
            telegram_id=telegram_id,
            promoter_id=promoter.id,
            bound_at=now,
            until=now + timedelta(days=days),
        )
        .on_conflict_do_nothing()
        .returning(PromoterBinding.promoter_id)
    ).first()
    return made is not None
