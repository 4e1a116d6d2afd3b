"""What the pages about credits share: names of sources and members, where a reference leads, parts of a day."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select

from admin.guard import tenant_id
from app.core import clock
from app.core.db import db
from app.domain import credits as rules
from app.domain.credit_holds import HoldState
from app.domain.members import shown_name
from app.models import CreditAccount, CreditClient, CreditHold, CreditPosting, Member
from app.services.credits import statement

OWN_NAMES: Final = {
    rules.LOTTERY: _l("Lottery"),
    rules.ORDER: _l("Order"),
    rules.ADMIN: _l("By hand"),
    rules.TRANSFER: _l("Transfer"),
    rules.MIGRATION: _l("Taken over"),
}
HOLD_STATES: Final = {
    HoldState.ACTIVE: ("busy", _l("Held")),
    HoldState.CAPTURED: ("ok", _l("Captured")),
    HoldState.VOIDED: ("idle", _l("Released")),
    HoldState.EXPIRED: ("warn", _l("Ran out")),
}
_OF_LOTTERY = re.compile(r"lottery:([0-9]{1,18}):", re.ASCII)
_OF_ORDER = re.compile(r"order:([0-9]{1,18})(?::|$)", re.ASCII)


def named_id() -> str | None:
    """The row that a request means; None where it names none, or two."""
    ids = set(request.values.getlist("id"))
    return ids.pop() if len(ids) == 1 else None


def project_names() -> dict[str, str]:
    """The names of the tenant's projects, by source."""
    query = select(CreditClient.source, CreditClient.name).where(CreditClient.tenant_id == tenant_id())
    return dict(db.session.execute(query).all())


def source_names(found: Iterable[str] = ()) -> dict[str, Any]:
    """How pages call every source, in one order: our own, the projects, and those of `found` that have no name."""
    named = {**OWN_NAMES, **project_names()}
    return named | {source: source for source in found if source not in named}


def member_name(member: Member) -> str:
    """How pages call a member."""
    return shown_name(member.first_name, member.last_name, member.telegram_id)


def members_of(telegram_ids: Iterable[int]) -> dict[int, Member]:
    """The members with these numbers, by number; some may be gone, or have never come."""
    query = select(Member).where(Member.tenant_id == tenant_id(), Member.telegram_id.in_(set(telegram_ids)))
    return {member.telegram_id: member for member in db.session.scalars(query)}


def name_of(telegram_id: int, known: Mapping[int, Member]) -> str:
    """A name, or the number of somebody who has none here."""
    member = known.get(telegram_id)
    return member_name(member) if member else f"#{telegram_id}"


def with_names(rows: Any) -> Any:
    """The same accounts, postings or holds with `telegram_id` and `name` of their owners, asked for all at once."""
    others = {row.account_id for row in rows if not isinstance(row, CreditAccount)}
    query = select(CreditAccount.id, CreditAccount.telegram_id).where(CreditAccount.id.in_(others))
    numbers = dict(db.session.execute(query).all()) if others else {}
    for row in rows:
        if not isinstance(row, CreditAccount):
            row.telegram_id = numbers[row.account_id]
    known = members_of(row.telegram_id for row in rows)
    for row in rows:
        row.name = name_of(row.telegram_id, known)
    return rows


def with_source_names(rows: Any) -> Any:
    """The same postings or holds with `source_name`, how pages call their source."""
    names = source_names(row.source for row in rows)
    for row in rows:
        row.source_name = names[row.source]
    return rows


def name_cell(_view: Any, _context: Any, row: Any, _column: str) -> Markup:
    """The name that `with_names` gave a row."""
    return Markup("<bdi>{}</bdi>").format(row.name)


def leads_to(source: str, reference: str) -> tuple[str, str] | None:
    """(words, address) of the lottery or order that a posting of ours came from."""
    if source == rules.LOTTERY and (found := _OF_LOTTERY.match(reference)):
        return gettext("To the lottery"), url_for("lotteries.details_view", id=found[1])
    if source == rules.ORDER and (found := _OF_ORDER.match(reference)):
        return gettext("To the order"), url_for("orders.details_view", id=found[1])
    return None


def other_sides(postings: Iterable[CreditPosting]) -> dict[int, tuple[int, int]]:
    """(account, Telegram number) of the other member of each transfer, by the posting's id."""
    transfers = {row.reference: row.id for row in postings if row.source == rules.TRANSFER}
    found = statement.other_sides(tenant_id(), transfers)
    return {transfers[reference]: (other.account_id, other.telegram_id) for reference, other in found.items()}


def day_starts(days: Iterable[date], zone: str) -> list[datetime]:
    """The moments at which days of a zone begin."""
    return [datetime.combine(day, time(), ZoneInfo(zone)) for day in days]


def hour_starts(zone: str) -> list[datetime]:
    """The moments at which the hours of today begin, so far: 23 or 25 of them where clocks are changed."""
    now = clock.now()
    first = datetime.combine(now.astimezone(ZoneInfo(zone)).date(), time(), ZoneInfo(zone)).astimezone(
        now.tzinfo
    )
    hours = int((now - first) / timedelta(hours=1)) + 1
    return [(first + timedelta(hours=n)).astimezone(ZoneInfo(zone)) for n in range(hours)]


def hold_state(hold: CreditHold) -> tuple[str, Any]:
    """Tone and words; a hold whose time is over counts as run out, though it is freed a moment later."""
    over = hold.state is HoldState.ACTIVE and hold.expires_at <= clock.now()
    return HOLD_STATES[HoldState.EXPIRED if over else hold.state]
