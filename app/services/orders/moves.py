"""The one door for single moves of an order: what may follow what, the history, and what a move brings with it."""

from collections.abc import Mapping

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.domain.orders import MOVES, Actor, OrderState, Phase, is_erased
from app.domain.shop_alerts import AlertKind
from app.models import Order, OrderEvent
from app.services import affiliates, shop_alerts
from app.services.orders import lines, taking_back, withholding
from app.services.orders.errors import BuyerErased, IllegalMove
from app.services.products import stock


def move(
    order: Order,
    to: OrderState,
    *,
    actor: Actor,
    why: str,
    name: str = "",
    details: Mapping[str, object] | None = None,
    **columns: object,
) -> OrderEvent:
    """Moves an order and writes the line of its history; the caller holds the row's lock. Raises IllegalMove.

    `why` is a short code, `name` who of the staff it was, `columns` what else changes in the same UPDATE (`phase`,
    `lease_token`, ...). What follows from the state by itself is set here: see `_columns`.
    """
    with db.session.no_autoflush:
        # Whoever forgot the lock, or looked before he had it, moves nothing that somebody else has moved meanwhile.
        state = db.session.scalar(select(Order.state).where(Order.id == order.id).with_for_update())
    if state is None or state is not order.state or to not in MOVES[state]:
        raise IllegalMove(state or order.state)
    for column, value in {**_columns(order, to), **columns}.items():
        setattr(order, column, value)
    order.state = to
    event = lines.write(order, why, actor, before=state, name=name, details=details)
    _follow(order, to, actor)
    return event


def note(
    order: Order, why: str, actor: Actor, *, name: str = "", details: Mapping[str, object] | None = None
) -> OrderEvent:
    """A line of the history about something that is no move."""
    return lines.write(order, why, actor, before=order.state, name=name, details=details)


def created(order: Order, actor: Actor) -> OrderEvent:
    """The first line of every history."""
    return lines.write(order, "created", actor, before=None)


def _columns(order: Order, to: OrderState) -> dict[str, object]:
    """What a state says about the other columns. An order that is tried again keeps its place in the queue."""
    columns: dict[str, object] = {"phase": None, "lease_until": None}
    if to is OrderState.GENERATING:
        return {"phase": Phase.PRODUCING}
    if to is OrderState.PAID and order.paid_at is None:
        columns["paid_at"] = clock.now()
    if to is OrderState.COMPLETED:
        columns |= {"completed_at": clock.now(), "not_before": None, "error": None}
    if to is OrderState.REFUNDED:
        # Whoever is at work on it finds his lease gone.
        columns["lease_token"] = order.lease_token + 1
    return columns


def _follow(order: Order, to: OrderState, actor: Actor) -> None:
    if to is OrderState.COMPLETED:
        affiliates.earn(order)
    elif to is OrderState.REFUNDED:
        affiliates.reverse(order)
        stock.release(order)
        withholding.withhold(order, "the order was refunded")
        taking_back.take_back(order, actor)
    elif to is OrderState.EXPIRED:
        stock.release(order)
    elif to is OrderState.PAID and is_erased(order.telegram_id):
        fail_erased(order)


def fail_erased(order: Order) -> None:
    """Ends a paid order whose buyer was erased, so that nothing is delivered to a chat that is nobody's.

    His money can only be given back, which the boss is told. Whoever is at work on it finds his lease gone.
    """
    if order.state is OrderState.PAID:
        move(order, OrderState.GENERATING, actor=Actor.SWEEP, why="buyer_erased")
    if order.state is not OrderState.GENERATING:
        return
    lease, error = order.lease_token + 1, BuyerErased.code
    move(order, OrderState.FAILED, actor=Actor.SWEEP, why="buyer_erased", lease_token=lease, error=error)
    shop_alerts.raise_alert(
        order.tenant_id, AlertKind.ORDER_FAILED, f"order_failed:{order.id}:{order.turn}", order_id=order.id
    )
