"""Lines of an order's history, which only grows."""

from collections.abc import Mapping

from app.core.db import db
from app.domain.orders import Actor, OrderState
from app.models import Order, OrderEvent


def write(
    order: Order,
    why: str,
    actor: Actor,
    *,
    before: OrderState | None,
    name: str = "",
    details: Mapping[str, object] | None = None,
) -> OrderEvent:
    """`why` is a short code, `before` the state until now, `name` who of the staff it was."""
    event = OrderEvent(
        tenant_id=order.tenant_id,
        order_id=order.id,
        from_state=before,
        to_state=order.state,
        actor=actor,
        actor_name=name,
        why=why,
        details=dict(details or {}),
    )
    db.session.add(event)
    db.session.flush()
    return event
