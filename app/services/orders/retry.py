"""The boss lets an order be tried once more that had failed."""

from app.core.queue import TaskName, enqueue
from app.domain.orders import Actor, OrderState, is_erased
from app.models import Order
from app.services.orders import lookup, moves
from app.services.orders.errors import BuyerErased, IllegalMove


def retry(order_id: int, name: str) -> Order:
    """Back to `paid`, with all its tries before it; what was produced is kept. `name` says who of the staff it was.

    Raises IllegalMove for an order that has not failed, BuyerErased, NotFound.
    """
    order = lookup.get(order_id, lock=True)
    if order.state is not OrderState.FAILED:
        raise IllegalMove(order.state)
    if is_erased(order.telegram_id):
        raise BuyerErased
    moves.move(
        order,
        OrderState.PAID,
        actor=Actor.STAFF,
        why="retry",
        name=name,
        details={"error": order.error} if order.error else None,
        attempts=0,
        deaths=0,
        turn=order.turn + 1,
        first_tried_at=None,
        not_before=None,
        noted_at=None,
        error=None,
    )
    enqueue(TaskName.ORDERS_SWEEP)
    return order
