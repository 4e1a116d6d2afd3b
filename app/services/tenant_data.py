"""All data of one tenant: giving it out, and erasing it or one Telegram user from it."""

import base64
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Table,
    delete,
    exists,
    literal,
    or_,
    select,
    text,
    update,
)

from app.core import clock
from app.core.bells import Bell
from app.core.crypto import EncryptedText
from app.core.db import UNHURRIED, Base, db
from app.core.errors import BadInput, NotFound
from app.core.i18n import N_
from app.core.queue import ring
from app.core.tenancy import TenantOwned
from app.domain.inbox import UpdateState
from app.gateways import telegram
from app.models import (
    Bot,
    BotMember,
    LinkCode,
    Member,
    Membership,
    OutgoingMessage,
    Tenant,
    Update,
    User,
    UserSession,
)
from app.models.people import user_platform_role
from app.services import audit, broadcasts, tenants
from app.services.affiliates import erasing as affiliates
from app.services.credits import erasing as credits  # noqa: A004 - ours, not Python's
from app.services.lotteries import erasing as lotteries
from app.services.orders import erasing as orders

log = logging.getLogger(__name__)
BATCH = 500
SECRET = frozenset({"fingerprint", "token_fingerprint", "check_token"})
"""Columns that let somebody in, or tell what does; encrypted ones are left out by their type."""
WHOLLY_SECRET = frozenset({LinkCode.__tablename__})
ERASING = text("SELECT set_config('laoban.erasing', 'yes', true), set_config('statement_timeout', '0', true)")
PERSON = (User.id, User.email, User.name, User.locale, User.confirmed_at, User.created_at)


class WrongName(BadInput):
    """Erasing asks for the tenant's exact name."""

    code = "wrong_name"
    message = N_("The name is not right. Nothing was erased.")


def export(tenant_id: int, path: Path) -> None:
    """Writes a zip with one file of JSON lines per table, without secrets. Raises NotFound."""
    tenant = tenants.get(tenant_id)
    db.session.execute(UNHURRIED)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("tenant.json", _line(tenants.facts_of(tenant)))
        _write(archive, "people", _people(tenant_id))
        for table in _tables():
            if table.name not in WHOLLY_SECRET:
                _write(archive, table.name, _rows(table, table.c.tenant_id == tenant_id))
    audit.record(tenant_id, "tenant.exported", ("tenant", tenant_id, tenant.name))


def _tables() -> list[Table]:
    """The tables whose rows belong to tenants, parents first."""
    owned = {m.local_table for m in Base.registry.mappers if issubclass(m.class_, TenantOwned)}
    return [table for table in Base.metadata.sorted_tables if table in owned]


def _people(tenant_id: int) -> Iterator[dict[str, object]]:
    mine = select(Membership.user_id).where(Membership.tenant_id == tenant_id)
    for row in db.session.execute(select(*PERSON).where(User.id.in_(mine)).order_by(User.id)):
        yield dict(row._mapping)  # noqa: SLF001 - its public name


def _rows(table: Table, condition: ColumnElement[bool]) -> Iterator[dict[str, object]]:
    columns = [c for c in table.c if not isinstance(c.type, EncryptedText) and c.name not in SECRET]
    query = select(*columns).where(condition).order_by(*table.primary_key.columns)
    for row in db.session.execute(query.execution_options(yield_per=BATCH)):
        yield dict(row._mapping)  # noqa: SLF001


def _write(archive: ZipFile, name: str, rows: Iterator[dict[str, object]]) -> None:
    with archive.open(f"{name}.jsonl", "w") as file:
        for row in rows:
            file.write(_line(row))


def _line(row: dict[str, object]) -> bytes:
    return json.dumps(row, ensure_ascii=False, default=_plain).encode() + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(raw).decode()}
    return str(value)


def leave_telegram(tenant_id: int, name: str) -> list[str]:
    """Silences a tenant that is about to be erased; returns the tokens of bots whose webhook leads to us.

    Raises WrongName, NotFound.
    """
    if tenants.get(tenant_id).name != name:
        raise WrongName
    tenants.suspend(tenant_id)
    led = select(Bot.token).where(Bot.tenant_id == tenant_id, Bot.webhook_set_at.is_not(None))
    return list(db.session.scalars(led))


def forget_webhooks(tokens: list[str]) -> None:
    """Tells Telegram to stop delivering; where it does not answer, what it delivers is refused by us."""
    for token in tokens:
        try:
            telegram.delete_webhook(token)
        except telegram.TelegramFailed as error:
            log.info("webhook of an erased bot not removed", extra={"code": error.code})


def erase(tenant_id: int, name: str) -> None:
    """Deletes the tenant, every row that is its own, and people who work nowhere else. Raises WrongName, NotFound."""
    if tenants.get(tenant_id).name != name:
        raise WrongName
    db.session.execute(ERASING)
    people = list(db.session.scalars(select(Membership.user_id).where(Membership.tenant_id == tenant_id)))
    db.session.execute(
        update(UserSession)
        .where(UserSession.open_tenant_id == tenant_id)
        .values(open_tenant_id=None, opened_as=False)
    )
    for table in reversed(_tables()):
        db.session.execute(table.delete().where(table.c.tenant_id == tenant_id))
    db.session.execute(delete(Tenant).where(Tenant.id == tenant_id))
    homeless = ~exists().where(Membership.user_id == User.id)
    operator = exists().where(user_platform_role.c.user_id == User.id)
    db.session.execute(delete(User).where(User.id.in_(people), homeless, ~operator))
    tenants.told(tenant_id)


def erase_member(tenant_id: int, telegram_id: int) -> None:
    """Deletes what is known of a Telegram user: his row, messages, credits, invitations, entries. Raises NotFound.

    What is published of lotteries stays, without him (`lotteries.erasing`). The log notes that it happened, by our
    own number of the member, which then leads to nobody, and which credits went. What he did as one of the staff
    stays in the log.
    """
    db.session.execute(ERASING)
    member_id = db.session.execute(
        delete(Member)
        .where(Member.telegram_id == telegram_id, Member.tenant_id == tenant_id)
        .returning(Member.id)
    ).scalar()
    if member_id is None:
        raise NotFound
    db.session.execute(
        delete(BotMember).where(BotMember.tenant_id == tenant_id, BotMember.telegram_id == telegram_id)
    )
    db.session.execute(
        delete(OutgoingMessage).where(
            OutgoingMessage.tenant_id == tenant_id, OutgoingMessage.chat_id == telegram_id
        )
    )
    _blank_updates(tenant_id, telegram_id)
    broadcasts.forget(tenant_id, telegram_id)
    lotteries.erase(tenant_id, telegram_id)
    affiliates.erase(tenant_id, telegram_id)
    orders.erase(tenant_id, telegram_id)
    lost = credits.erase(tenant_id, telegram_id)
    # Processes that saw him lately remember his name, and would not write him down if he came back.
    ring(Bell.MEMBERS, telegram_id)
    changes: dict[str, object] = {"balance": [lost.balance, 0], "postings": [lost.postings, 0]}
    audit.record(tenant_id, "member.erased", ("member", member_id, ""), changes if lost.postings else None)


def _blank_updates(tenant_id: int, telegram_id: int) -> None:
    """The rows stay, empty, so that Telegram's repeats are still recognised."""
    # What he pressed or wrote in groups stands under the group's chat, with his id as the sender's.
    named = [f'"id":{gap}{telegram_id}{end}'.encode() for gap in ("", " ") for end in (",", "}")]
    mentions = [Update.raw.op("~~")(literal(b"%" + words + b"%", LargeBinary)) for words in named]
    db.session.execute(
        update(Update)
        .where(Update.tenant_id == tenant_id, or_(Update.chat_key == telegram_id, *mentions))
        .values(raw=b"{}", chat_key=0, state=UpdateState.DONE, done_at=clock.now(), error=None)
    )
