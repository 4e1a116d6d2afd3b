"""The boss's list of orders: what it may be narrowed by, its pages, and all of it for a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, exists, func, or_, select, union_all

from app.core.db import db
from app.domain.members import read_number
from app.domain.orders import OrderState, Phase
from app.domain.payments import PaymentState, Provider
from app.models import Member, Order, Payment
from app.services import members

PAGE: Final = 25
BATCH: Final = 1000
MOST_BUYERS: Final = 500
"""People whom the words of a search may mean; more are no search."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders. `todo` = only those that wait for the boss; `since` and `until` are about when it was made."""

    states: Sequence[OrderState] = ()
    todo: bool = False
    product_id: int | None = None
    provider: Provider | None = None
    telegram_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """An order with its buyer, where he is known, and when a transfer was said to be made."""

    order: Order
    member: Member | None
    claimed_at: datetime | None


def page(tenant_id: int, wanted: Wanted, number: int = 0, size: int = PAGE) -> list[Listed]:
    """One page of `size` and, where there are more, one row of the next; the newest first."""
    query = _query(tenant_id, wanted).order_by(Order.id.desc()).offset(number * size).limit(size + 1)
    return _listed(query)


def every(tenant_id: int, wanted: Wanted) -> Iterator[Listed]:
    """All of them, the newest first, a batch at a time."""
    query, before = _query(tenant_id, wanted).order_by(Order.id.desc()).limit(BATCH), None
    while rows := _listed(query if before is None else query.where(Order.id < before)):
        yield from rows
        before = rows[-1].order.id


def todo_count(tenant_id: int) -> int:
    """How many wait for the boss."""
    return db.session.scalar(select(func.count()).select_from(_todo(tenant_id).subquery())) or 0


def _query(tenant_id: int, wanted: Wanted) -> Select[Order, Member]:
    return (
        select(Order, Member)
        .outerjoin(Member, and_(Member.tenant_id == Order.tenant_id, Member.telegram_id == Order.telegram_id))
        .where(Order.tenant_id == tenant_id, *_conditions(tenant_id, wanted))
    )


def _conditions(tenant_id: int, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.states:
        yield Order.state.in_(wanted.states)
    if wanted.todo:
        yield Order.id.in_(_todo(tenant_id))
    if wanted.product_id is not None:
        yield Order.product_id == wanted.product_id
    if wanted.provider is not None:
        yield Order.provider == wanted.provider
    if wanted.telegram_id is not None:
        yield Order.telegram_id == wanted.telegram_id
    if wanted.since is not None:
        yield Order.created_at >= wanted.since
    if wanted.until is not None:
        yield Order.created_at < wanted.until
    if wanted.words:
        yield _fits(tenant_id, wanted.words)


def _todo(tenant_id: int) -> CompoundSelect[int]:
    """Ids of those that failed, are delivered by hand, or are paid by a transfer that the buyer says he has made.

    Each part has an index of its own, which one condition with OR would not use.
    """
    mine = (Order.tenant_id == tenant_id,)
    failed = select(Order.id).where(*mine, Order.state == OrderState.FAILED)
    by_hand = select(Order.id).where(
        *mine, Order.state == OrderState.GENERATING, Order.phase == Phase.BY_HAND
    )
    said = exists().where(
        Payment.order_id == Order.id, Payment.state == PaymentState.OPEN, Payment.claimed_at.is_not(None)
    )
    claimed = select(Order.id).where(*mine, Order.state == OrderState.PENDING, said)
    return union_all(failed, by_hand, claimed)


def _fits(tenant_id: int, words: str) -> ColumnElement[bool]:
    """The beginning of a code, a Telegram number, or a buyer's name."""
    found = select(Member.telegram_id).where(Member.tenant_id == tenant_id, members.matching(words))
    buyers = list(db.session.scalars(found.limit(MOST_BUYERS)))
    if (number := read_number(words)) is not None:
        buyers.append(number)
    return or_(Order.code.istartswith(words.upper(), autoescape=True), Order.telegram_id.in_(buyers))


def _listed(query: Select[Order, Member]) -> list[Listed]:
    rows = [(order, member) for order, member in db.session.execute(query)]
    pending = [order.id for order, _ in rows if order.state is OrderState.PENDING]
    claims: dict[int, datetime | None] = {}
    if pending:
        said = select(Payment.order_id, Payment.claimed_at).where(
            Payment.order_id.in_(pending), Payment.state == PaymentState.OPEN, Payment.claimed_at.is_not(None)
        )
        claims = {order_id: at for order_id, at in db.session.execute(said)}  # noqa: C416
    return [Listed(order, member, claims.get(order.id)) for order, member in rows]
