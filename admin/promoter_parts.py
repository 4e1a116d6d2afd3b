"""Words and amounts of the pages about promoters, and whom a row is about."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, or_, select

from admin.amounts import money, sums
from admin.guard import tenant_id
from app.core.db import db
from app.domain.affiliates import EntryKind, PromoterState, Referral, WithdrawalState
from app.domain.members import read_number, shown_name
from app.domain.money import Money
from app.models import Member, Promoter
from app.services import members
from app.services.affiliates import wording

STATES: dict[PromoterState, tuple[str, Any]] = {
    PromoterState.ACTIVE: ("ok", _l("Active")),
    PromoterState.PAUSED: ("warn", _l("Paused")),
}
OUTCOMES: dict[Referral, tuple[str, Any]] = {
    Referral.BOUND: ("ok", _l("Bound to him")),
    Referral.SELF: ("idle", _l("His own link")),
    Referral.KNOWN: ("idle", _l("Was a member before")),
    Referral.TAKEN: ("idle", _l("Bound to another promoter")),
    Referral.LOOP: ("idle", _l("Stands above him")),
    Referral.PAUSED: ("warn", _l("Came while he was paused")),
}
ENTRIES: dict[EntryKind, tuple[str, Any]] = {
    kind: (tone, _l(wording.ENTRIES[kind]))
    for kind, tone in (
        (EntryKind.EARNED, "ok"),
        (EntryKind.REVERSED, "bad"),
        (EntryKind.WITHDRAWAL, "info"),
        (EntryKind.RETURNED, "idle"),
        (EntryKind.ADJUSTED, "warn"),
    )
}
WITHDRAWALS: dict[WithdrawalState, tuple[str, Any]] = {
    WithdrawalState.REQUESTED: ("warn", _l("To be decided")),
    WithdrawalState.APPROVED: ("info", _l("To be paid")),
    WithdrawalState.PAID: ("ok", _l("Paid out")),
    WithdrawalState.REFUSED: ("bad", _l("Refused")),
    WithdrawalState.CANCELLED: ("idle", _l("Cancelled by the promoter")),
}


def headline(amounts: Mapping[str, int]) -> tuple[str, str]:
    """The largest amount by itself and the others behind it, for a figure that stands in large letters."""
    first, *others = sorted(amounts.items(), key=lambda one: -abs(one[1])) or [("", 0)]
    if not first[1]:
        return "—", ""
    return money(first[1], first[0]), sums(dict(others)) if any(minor for _, minor in others) else ""


def plain_sums(amounts: Mapping[str, int]) -> str:
    """The same for files."""
    return "; ".join(str(Money(minor, currency)) for currency, minor in amounts.items() if minor)


def decimal(minor: int, currency: str) -> Decimal:
    """An amount in the currency's own unit, for files and charts."""
    return Money(minor, currency).decimal()


def members_of(telegram_ids: Iterable[int]) -> dict[int, Member]:
    """The tenant's members by Telegram id."""
    query = select(Member).where(Member.tenant_id == tenant_id(), Member.telegram_id.in_(list(telegram_ids)))
    return {member.telegram_id: member for member in db.session.scalars(query)}


def name_of(telegram_id: int, member: Member | None) -> str:
    """What to call somebody who may have been erased."""
    if telegram_id < 0:
        return str(gettext("Erased person"))
    return shown_name(member.first_name, member.last_name, telegram_id) if member else f"#{telegram_id}"


def matching(words: str) -> ColumnElement[bool]:
    """Promoters whom a search means: by name, @username, Telegram number or the code of their link."""
    found = select(Member.telegram_id).where(Member.tenant_id == tenant_id(), members.matching(words))
    return or_(
        Promoter.telegram_id.in_(found),
        Promoter.telegram_id == (read_number(words.strip()) or 0),
        Promoter.code == words.strip().upper(),
    )
