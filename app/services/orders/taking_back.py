"""Bought credits whose payment is disputed or goes back: held or taken, as far as the buyer still has them."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import exists, select

from app.core.db import db
from app.domain.credit_holds import LONGEST, HoldClosed, HoldState, UnknownHold
from app.domain.credits import ORDER
from app.domain.orders import Actor, Step, StepState
from app.domain.products import ProductKind
from app.models import CreditHold, Order, OrderEvent, OrderStep
from app.services import audit
from app.services import credits as ledger
from app.services.credits import accounts, holds
from app.services.orders import lines

HELD: Final = "credits_held"
"""`OrderEvent.why` of the line that says how many are held because of a dispute, and how many were spent already."""
LET_GO: Final = "credits_let_go"
TAKEN_BACK: Final = "credits_taken_back"
"""Of the line that says how many were taken, and how many were spent already."""

_WITHOUT_LOSS: Final = frozenset({HoldState.VOIDED, HoldState.EXPIRED})


@dataclass(frozen=True, slots=True)
class Held:
    """The latest dispute about delivered credits. `hold` is None where all were spent already."""

    hold: CreditHold | None
    missing: int
    """How many were spent before it."""

    @property
    def is_open(self) -> bool:
        return self.hold is not None and self.hold.state is HoldState.ACTIVE


def hold_back(order: Order, actor: Actor) -> None:
    """Holds what the buyer still has, once for a dispute, and anew where an earlier one was won.

    Nobody falls below zero, not even where an overdraft is allowed. The caller holds the order's lock.
    """
    bought, earlier = _added(order), find_held(order)
    again = earlier is None or (earlier.hold is not None and earlier.hold.state in _WITHOUT_LOSS)
    if not bought or not again or _is_done(order):
        return
    left = _left(order, bought)
    hold = _reserve(order, left) if left else None
    details = {"hold": hold.id if hold else None, "held": left, "missing": bought - left}
    lines.write(order, HELD, actor, before=order.state, details=details)
    audit.record(order.tenant_id, "order.credits_held", ("order", order.id, order.code), {"amount": left})


def find_held(order: Order) -> Held | None:
    """What the latest dispute holds or held; None where there was none, and of an erased buyer."""
    line = db.session.scalar(
        select(OrderEvent)
        .where(OrderEvent.order_id == order.id, OrderEvent.why == HELD)
        .order_by(OrderEvent.id.desc())
        .limit(1)
    )
    if line is None:
        return None
    number, missing = line.details.get("hold"), line.details.get("missing")
    missing = missing if isinstance(missing, int) else 0
    if not isinstance(number, int):
        return Held(None, missing)
    try:
        return Held(holds.get(order.tenant_id, number, ORDER), missing)
    except UnknownHold:
        return None


def let_go(order: Order, name: str) -> bool:
    """The dispute is won: the buyer has his credits again. False where nothing is held any more.

    The caller holds the order's lock.
    """
    held = find_held(order)
    if held is None or held.hold is None or not held.is_open:
        return False
    holds.void(order.tenant_id, held.hold.id)
    details = {"let_go": held.hold.amount}
    lines.write(order, LET_GO, Actor.STAFF, before=order.state, name=name, details=details)
    return True


def take_held(order: Order, name: str) -> bool:
    """The dispute is lost: what is held is taken. False where nothing is held any more.

    The caller holds the order's lock.
    """
    held = find_held(order)
    if held is None or not held.is_open:
        return False
    take_back(order, Actor.STAFF, name)
    return True


def take_back(order: Order, actor: Actor, name: str = "") -> None:
    """Takes them once, however often it is asked for; nobody owes anything. The caller holds the order's lock.

    After a dispute that was not won, only what it holds.
    """
    bought = _added(order)
    if not bought or _is_done(order):
        return
    taken = _capture(order)
    if taken is None:
        taken = _take(order, bought)
    details = {"taken": taken, "missing": bought - taken}
    lines.write(order, TAKEN_BACK, actor, before=order.state, name=name, details=details)


def renew(limit: int) -> int:
    """Gives holds of open disputes more time before they run out: only the boss knows when a dispute ends."""
    # No other holds have this source.
    return holds.extend(ORDER, LONGEST, limit)


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


def _left(order: Order, bought: int) -> int:
    """How many of them the buyer can still spend; his account stays as it is until the transaction's end."""
    account = accounts.lock(order.tenant_id, [order.telegram_id])[order.telegram_id]
    return min(max(account.balance - account.held, 0), bought)


def _reserve(order: Order, amount: int) -> CreditHold:
    earlier = select(OrderEvent.id).where(OrderEvent.order_id == order.id, OrderEvent.why == HELD)
    number = len(db.session.scalars(earlier).all()) + 1
    return holds.reserve(
        order.tenant_id,
        order.telegram_id,
        amount,
        source=ORDER,
        reference=f"order:{order.id}:dispute:{number}",
        reason=order.product_name,
        lasts=LONGEST,
    )


def _capture(order: Order) -> int | None:
    """How many a dispute's hold gave; None where there is none that could."""
    held = find_held(order)
    if held is None or held.hold is None:
        return None if held is None else 0
    if held.hold.state is not HoldState.ACTIVE:
        return None
    try:
        holds.capture(order.tenant_id, held.hold.id)
    except HoldClosed:
        return None
    return held.hold.amount


def _take(order: Order, bought: int) -> int:
    """How many could be taken."""
    left = _left(order, bought)
    if left:
        ledger.post(
            order.tenant_id,
            order.telegram_id,
            -left,
            source=ORDER,
            reference=f"order:{order.id}:back",
            reason=order.product_name,
        )
    return left
