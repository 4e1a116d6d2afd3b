"""The end of orders that were not paid: after their time, or because the buyer changed his mind."""

from datetime import timedelta
from typing import Final

from sqlalchemy import exists, select

from app.core import clock
from app.core.db import db
from app.domain.orders import Actor, OrderState
from app.domain.payments import PaymentState
from app.models import Order, Payment
from app.services.orders import lookup, moves
from app.services.orders.errors import IllegalMove

BATCH: Final = 200
CLAIM_DAYS: Final = 3
"""An order whose buyer says that he has transferred the money waits so long for the boss's look."""


def is_payable(order: Order) -> bool:
    """Whether its buyer may still begin to pay it. Money that he sent before counts later too."""
    return order.state is OrderState.PENDING and order.expires_at > clock.now()


def expire_due(limit: int = BATCH) -> int:
    """Ends orders whose time is over, and frees their stock; those that somebody else works on wait for the next time.

    How many they were: as many as `limit` means that there may be more. For the system scope.
    """
    now = clock.now()
    claimed = exists().where(
        Payment.order_id == Order.id,
        Payment.state == PaymentState.OPEN,
        Payment.claimed_at > now - timedelta(days=CLAIM_DAYS),
    )
    query = (
        select(Order)
        .where(Order.state == OrderState.PENDING, Order.expires_at <= now, ~claimed)
        .order_by(Order.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Order)
        .execution_options(populate_existing=True)
    )
    due = list(db.session.scalars(query))
    # Always in one order, as whoever ends several orders locks their products.
    for order in sorted(due, key=lambda one: (one.product_id, one.id)):
        moves.move(order, OrderState.EXPIRED, actor=Actor.SWEEP, why="expired")
    return len(due)


def cancel(order_id: int, name: str = "") -> Order:
    """The buyer does not want it any more, or the boss, whose `name` says so. Money that comes all the same is honoured.

    Raises IllegalMove, NotFound.
    """
    order = lookup.get(order_id, lock=True)
    if order.state is not OrderState.PENDING:
        raise IllegalMove(order.state)
    actor = Actor.STAFF if name else Actor.BUYER
    moves.move(order, OrderState.EXPIRED, actor=actor, why="cancelled", name=name)
    return order
