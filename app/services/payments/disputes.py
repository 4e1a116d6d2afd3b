"""A buyer disputes the payment at his bank: nothing more is delivered, and the boss hears of it."""

from app.domain.orders import Actor, OrderState
from app.domain.shop_alerts import AlertKind
from app.models import Order
from app.services.orders import lookup as orders
from app.services.orders import moves, taking_back, withholding
from app.services.shop_alerts import raise_alert

DISPUTED = "disputed"
"""The error of an order that waits for the end of a dispute; the boss may then have it tried again, or pay it back."""


def stop(order_id: int, event: str, transaction: str) -> None:
    """Sets an order aside that is not delivered yet, by taking it as a worker would and failing it. What was delivered
    stays so, but what is left of bought credits is held until the boss says how the dispute ended: providers do not.
    """
    order = orders.get(order_id, lock=True)
    details: dict[str, object] = {"event": event, "transaction": transaction}
    if order.state is OrderState.PAID:
        moves.move(order, OrderState.GENERATING, actor=Actor.CALLBACK, why=DISPUTED, details=details)
    if order.state is OrderState.GENERATING:
        _set_aside(order, details)
    else:
        moves.note(order, DISPUTED, Actor.CALLBACK, details=details)
    taking_back.hold_back(order, Actor.CALLBACK)
    key = f"dispute:{order.id}:{event}:{transaction}"
    raise_alert(order.tenant_id, AlertKind.DISPUTE, key, order_id=order.id, details=details)


def won(order_id: int, name: str) -> bool:
    """The boss kept the money: the buyer's credits are free again. False where none are held. Raises NotFound."""
    return taking_back.let_go(orders.get(order_id, lock=True), name)


def lost(order_id: int, name: str) -> bool:
    """The bank gave the money back: the held credits are taken. False where none are held. Raises NotFound."""
    return taking_back.take_held(orders.get(order_id, lock=True), name)


def _set_aside(order: Order, details: dict[str, object]) -> None:
    withholding.withhold(order, "the payment is disputed")
    # Whoever is at work on it finds his lease gone.
    moves.move(
        order,
        OrderState.FAILED,
        actor=Actor.CALLBACK,
        why=DISPUTED,
        details=details,
        error=DISPUTED,
        lease_token=order.lease_token + 1,
    )
