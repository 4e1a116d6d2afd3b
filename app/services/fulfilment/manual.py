"""Orders that the boss delivers himself."""

from app.core import clock
from app.core.db import db
from app.domain.orders import Actor, OrderState, Phase, Step, StepState
from app.domain.shop_alerts import AlertKind
from app.models import Order, OrderStep
from app.services import shop_alerts
from app.services.fulfilment import steps, telling
from app.services.fulfilment.wording import words_of
from app.services.orders import lookup, moves
from app.services.orders.errors import IllegalMove


def done(order_id: int, note: str = "", *, name: str = "") -> Order:
    """The boss has delivered it; the buyer is told, with the boss's own words if he has some.

    `name` says who of the staff it was. Raises IllegalMove for an order that does not wait for the boss, NotFound.
    """
    order = lookup.get(order_id, lock=True)
    if order.state is not OrderState.GENERATING or order.phase is not Phase.BY_HAND:
        raise IllegalMove(order.state)
    _keep(order, note.strip())
    telling.say(order, words_of(order).done_by_hand(note.strip()), f"order:{order.id}:ready:{order.turn}")
    shop_alerts.settle_kind(order.tenant_id, [AlertKind.MANUAL_ORDER], name, order_id=order.id)
    moves.move(order, OrderState.COMPLETED, actor=Actor.STAFF, why="done_by_hand", name=name)
    return order


def _keep(order: Order, note: str) -> None:
    """So that it can be sent again."""
    row = steps.find(order.id, Step.HANDOUT) or OrderStep(
        tenant_id=order.tenant_id, order_id=order.id, step=Step.HANDOUT, started_at=clock.now()
    )
    row.state, row.source, row.result, row.done_at = StepState.DONE, "boss", {"note": note}, clock.now()
    db.session.add(row)
    db.session.flush()
