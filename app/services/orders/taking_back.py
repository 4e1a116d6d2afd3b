"""What a refund takes back of an order: messages that are not sent yet, and credits that were added."""

from sqlalchemy import select

from app.core.db import db
from app.domain.credits import InsufficientCredits
from app.domain.orders import Step, StepState
from app.domain.products import ProductKind
from app.models import Order, OrderStep
from app.services import credits as ledger
from app.services import outbox

SOURCE = "order"
"""Of postings in the ledger of credits."""
_PARTS = ("text", "file", "copy", "ready", "again")


def withhold(order: Order, why: str) -> int:
    """What he was to get and has not got stays here; says how many messages that are."""
    beginnings = [f"order:{order.id}:{part}:" for part in _PARTS]
    return outbox.withhold(order.tenant_id, order.bot_id, order.telegram_id, beginnings, why)


def take_credits(order: Order) -> tuple[int, int] | None:
    """Takes bought credits out of the buyer's account, as far as he has them: (taken, bought); None = none were added.

    Once, however often it is asked for.
    """
    bought = _added(order)
    if not bought:
        return None
    taken = bought
    try:
        _post(order, taken)
    except InsufficientCredits as short:
        taken = min(max(int(str(short.params["balance"])), 0), bought)
        if taken:
            _post(order, taken)
    return taken, bought


def _added(order: Order) -> int:
    """How many were added for this order."""
    if order.product.get("kind") != ProductKind.CREDITS:
        return 0
    query = select(OrderStep.result).where(
        OrderStep.order_id == order.id, OrderStep.step == Step.HANDOUT, OrderStep.state == StepState.DONE
    )
    result = db.session.scalar(query) or {}
    amount = result.get("amount")
    return amount if isinstance(amount, int) else 0


def _post(order: Order, amount: int) -> None:
    name = str(order.product.get("name", ""))
    ledger.post(
        order.tenant_id,
        order.telegram_id,
        -amount,
        source=SOURCE,
        reference=f"order:{order.id}:refunded",
        reason=name,
    )
