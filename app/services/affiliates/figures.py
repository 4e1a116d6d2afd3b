"""What a promoter brought: visitors, buyers, orders, earnings; for himself, the boss's list, and the chart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text

from app.core.db import db
from app.domain.affiliates import EntryKind, Referral
from app.domain.orders import OrderState
from app.models import CommissionEntry, Member, Order, Promoter, PromoterAccount, PromoterTouch

PAGE = 10
_COMMISSIONS = (EntryKind.EARNED, EntryKind.REVERSED)
# A day is one of the zone's; days without an entry are in it as well.
_DAYS = text("""
SELECT CAST(day AS date) AS day, CAST(coalesce(sum(e.amount), 0) AS bigint) AS amount
FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS day
LEFT JOIN promoter_account a ON a.tenant_id = :tenant_id AND a.currency = :currency
    AND (CAST(:promoter_id AS bigint) IS NULL OR a.promoter_id = :promoter_id)
LEFT JOIN commission_entry e ON e.account_id = a.id AND e.kind IN ('earned', 'reversed')
    AND CAST(e.created_at AT TIME ZONE :zone AS date) = CAST(day AS date)
    AND e.created_at >= :since
GROUP BY 1 ORDER BY 1
""")


@dataclass(slots=True)
class Figures:
    """Of one promoter. Money is minor units by currency; what was taken back is taken off."""

    touched: int = 0
    """People who opened his link, himself not counted."""
    bound: int = 0
    buyers: int = 0
    orders: int = 0
    earned: dict[int, dict[str, int]] = field(default_factory=lambda: {1: {}, 2: {}})
    """By level."""
    balances: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> dict[str, int]:
        """What both levels brought."""
        whole = dict(self.earned[1])
        for currency, amount in self.earned[2].items():
            whole[currency] = whole.get(currency, 0) + amount
        return whole

    def share(self, part: int) -> float:
        """A part of all who opened the link, 0 where nobody did."""
        return part / self.touched if self.touched else 0.0


def of(promoter_id: int) -> Figures:
    """Of one promoter."""
    return many([promoter_id])[promoter_id]


def many(promoter_ids: Sequence[int]) -> dict[int, Figures]:
    """Of several, in four questions however many they are."""
    found = {promoter_id: Figures() for promoter_id in promoter_ids}
    _count_touches(found)
    _count_orders(found)
    _sum_entries(found)
    accounts = select(PromoterAccount.promoter_id, PromoterAccount.currency, PromoterAccount.balance)
    rows = accounts.where(PromoterAccount.promoter_id.in_(found)).order_by(PromoterAccount.currency)
    for promoter_id, currency, balance in db.session.execute(rows):
        found[promoter_id].balances[currency] = balance
    return found


def _count_touches(found: dict[int, Figures]) -> None:
    rows = db.session.execute(
        select(
            PromoterTouch.promoter_id,
            func.count(),
            func.count().filter(PromoterTouch.outcome == Referral.BOUND),
        )
        .where(PromoterTouch.promoter_id.in_(found), PromoterTouch.outcome != Referral.SELF)
        .group_by(PromoterTouch.promoter_id)
    )
    for promoter_id, touched, bound in rows:
        found[promoter_id].touched, found[promoter_id].bound = touched, bound


def _count_orders(found: dict[int, Figures]) -> None:
    rows = db.session.execute(
        select(Order.promoter_id, func.count(), func.count(Order.telegram_id.distinct()))
        .where(Order.promoter_id.in_(found), Order.state == OrderState.COMPLETED)
        .group_by(Order.promoter_id)
    )
    for promoter_id, orders, buyers in rows:
        if promoter_id is not None:
            found[promoter_id].orders, found[promoter_id].buyers = orders, buyers


def _sum_entries(found: dict[int, Figures]) -> None:
    rows = db.session.execute(
        select(
            PromoterAccount.promoter_id,
            PromoterAccount.currency,
            CommissionEntry.level,
            func.sum(CommissionEntry.amount),
        )
        .join(CommissionEntry, CommissionEntry.account_id == PromoterAccount.id)
        .where(PromoterAccount.promoter_id.in_(found), CommissionEntry.kind.in_(_COMMISSIONS))
        .group_by(PromoterAccount.promoter_id, PromoterAccount.currency, CommissionEntry.level)
        .order_by(PromoterAccount.currency)
    )
    for promoter_id, currency, level, amount in rows:
        found[promoter_id].earned[level or 1][currency] = int(amount)


def by_day(
    tenant_id: int, promoter_id: int | None, currency: str, days: tuple[date, date], zone: str
) -> list[tuple[date, int]]:
    """Commissions of each day of the zone from the first to the last, of one promoter or of all."""
    first, last = days
    values = {
        "tenant_id": tenant_id,
        "promoter_id": promoter_id,
        "currency": currency,
        "first": first,
        "last": last,
        "zone": zone,
        "since": datetime.combine(first, datetime.min.time(), ZoneInfo(zone)),
    }
    return [(row.day, row.amount) for row in db.session.execute(_DAYS, values)]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who opened the link. `name` is his first name, empty where he was erased."""

    id: int
    telegram_id: int
    name: str
    outcome: Referral
    at: datetime


def visitors(promoter_id: int, before: int | None = None, limit: int = PAGE) -> list[Visitor]:
    """Who opened a promoter's link, latest first; `before` = the id of the last one of the page before."""
    query = (
        select(PromoterTouch, Member.first_name)
        .outerjoin(
            Member,
            (Member.tenant_id == PromoterTouch.tenant_id) & (Member.telegram_id == PromoterTouch.telegram_id),
        )
        .where(PromoterTouch.promoter_id == promoter_id)
        .order_by(PromoterTouch.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(PromoterTouch.id < before)
    return [
        Visitor(touch.id, touch.telegram_id, name or "", touch.outcome, touch.at)
        for touch, name in db.session.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the ledger. `amount` and `balance` are minor units."""

    id: int
    kind: EntryKind
    amount: int
    balance: int
    currency: str
    order_code: str
    order_id: int | None
    level: int | None
    note: str
    at: datetime


def lines(promoter_id: int, before: int | None = None, limit: int = PAGE) -> list[Line]:
    """A promoter's entries in all currencies, latest first."""
    query = (
        select(CommissionEntry, PromoterAccount.currency, Order.code)
        .join(PromoterAccount, PromoterAccount.id == CommissionEntry.account_id)
        .outerjoin(Order, Order.id == CommissionEntry.order_id)
        .where(PromoterAccount.promoter_id == promoter_id)
        .order_by(CommissionEntry.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(CommissionEntry.id < before)
    return [_line(*row) for row in db.session.execute(query)]


def _line(entry: CommissionEntry, currency: str, code: str | None) -> Line:
    return Line(
        entry.id,
        entry.kind,
        entry.amount,
        entry.balance,
        currency,
        code or "",
        entry.order_id,
        entry.level,
        entry.note,
        entry.created_at,
    )


def busy_currencies(tenant_id: int, promoter_id: int | None = None) -> list[str]:
    """Currencies in which commissions were earned, the one with most entries first."""
    query = (
        select(PromoterAccount.currency)
        .join(CommissionEntry, CommissionEntry.account_id == PromoterAccount.id)
        .where(PromoterAccount.tenant_id == tenant_id, CommissionEntry.kind.in_(_COMMISSIONS))
        .group_by(PromoterAccount.currency)
        .order_by(func.count().desc(), PromoterAccount.currency)
    )
    if promoter_id is not None:
        query = query.where(PromoterAccount.promoter_id == promoter_id)
    return list(db.session.scalars(query))


def brought(promoter_id: int) -> Sequence[Promoter]:
    """Promoters who stand directly below."""
    query = select(Promoter).where(Promoter.parent_id == promoter_id).order_by(Promoter.id.desc()).limit(50)
    return db.session.scalars(query).all()
