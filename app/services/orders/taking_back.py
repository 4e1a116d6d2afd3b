"""Bought credits whose money goes back: taken out of the buyer's account, as far as he still has them."""

from typing import Final

from sqlalchemy import exists, select

from app.core.db import db
from app.domain.credits import InsufficientCredits
from app.domain.orders import Actor, Step, StepState
from app.domain.products import ProductKind
from app.models import Order, OrderEvent, OrderStep
from app.services import credits as ledger

TAKEN_BACK: Final = "credits_taken_back"
"""`OrderEvent.why` of the line that says how many were taken, and how many were spent already."""
SOURCE: Final = "order"
"""Of the posting in the ledger."""


def take_back(order: Order, actor: Actor) -> None:
    """Takes them once, however often it is asked for; nobody owes anything. The caller holds the order's lock."""
    bought = _added(order)
    if not bought or _is_done(order):
        return
    taken = _take(order, bought)
    event = OrderEvent(
        tenant_id=order.tenant_id,
        order_id=order.id,
        from_state=order.state,
        to_state=order.state,
        actor=actor,
        actor_name="",
        why=TAKEN_BACK,
        details={"taken": taken, "missing": bought - taken},
    )
    db.session.add(event)
    db.session.flush()


def _added(order: Order) -> int:
    """How many were added for this order."""
    if order.product.get("kind") != ProductKind.CREDITS:
        return 0
    query = select(OrderStep.result).where(
        OrderStep.order_id == order.id, OrderStep.step == Step.HANDOUT, OrderStep.state == StepState.DONE
    )
    amount = (db.session.scalar(query) or {}).get("amount")
    return amount if isinstance(amount, int) else 0


def _is_done(order: Order) -> bool:
    line = exists().where(OrderEvent.order_id == order.id, OrderEvent.why == TAKEN_BACK)
    return bool(db.session.scalar(select(line)))


def _take(order: Order, bought: int) -> int:
    """How many could be taken."""
    try:
        _post(order, bought)
    except InsufficientCredits as short:
        balance = short.params["balance"]
        left = min(max(balance, 0), bought) if isinstance(balance, int) else 0
        if left:
            _post(order, left)
        return left
    return bought


def _post(order: Order, amount: int) -> None:
    ledger.post(
        order.tenant_id,
        order.telegram_id,
        -amount,
        source=SOURCE,
        reference=f"order:{order.id}:back",
        reason=order.product_name,
    )
