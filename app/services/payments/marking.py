"""The one door for "paid": callbacks, questions to the provider, Stars and people all come through here."""

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, enqueue
from app.domain.money import Money
from app.domain.orders import Actor, OrderState
from app.domain.payments import MoneyStatus, PaymentState, Provider, Receipt, Verdict
from app.domain.shop_alerts import AlertKind
from app.models import Order, Payment
from app.services.orders import lookup as orders
from app.services.orders import moves
from app.services.payments import begin, lookup, refunds
from app.services.shop_alerts import raise_alert

RANK = (
    MoneyStatus.UNKNOWN,
    MoneyStatus.PROCESSING,
    MoneyStatus.FAILED,
    MoneyStatus.CLOSED,
    MoneyStatus.SUCCESS,
    MoneyStatus.REFUNDED,
)
"""News come in any order; what is further on here is never replaced by what is not."""
_INSERT = text("""
INSERT INTO payment_receipt (tenant_id, order_id, payment_id, provider, transaction, amount_minor, currency, accepted,
                             told_by, confirmed_at)
VALUES (:tenant_id, :order_id, :payment_id, :provider, :transaction, :amount, :currency, :accepted, :told_by, :confirmed)
ON CONFLICT (tenant_id, provider, transaction) DO NOTHING RETURNING id
""")
_ADOPT = text("""
UPDATE payment_receipt SET transaction = :transaction WHERE payment_id = :payment_id AND transaction = :nameless
  AND NOT EXISTS (SELECT FROM payment_receipt o WHERE o.tenant_id = payment_receipt.tenant_id
                  AND o.provider = :provider AND o.transaction = :transaction)
""")
_CONFIRMING = frozenset({Actor.RECONCILIATION, Actor.STARS})
"""Whoever has it from the provider itself."""


def mark_paid(payment_id: int, receipt: Receipt, *, told_by: Actor, name: str = "") -> Verdict:
    """The money of this receipt is there. Says accepted, repeated, amount_mismatch or paid_twice.

    Every call leaves a line in the order's history. What is refused is told to the boss; a second payment of one order
    is on its way back when this returns. Raises ValueError for a receipt of money that is not there.
    """
    if receipt.status is not MoneyStatus.SUCCESS:
        raise ValueError("no money came in")
    order, payment = lock(payment_id)
    remember_status(payment, receipt.status)
    if receipt.amount != Money(payment.amount_minor, payment.currency):
        return _mismatch(order, payment, receipt, told_by, name)
    return accept(order, payment, receipt.transaction, told_by, name)


def lock(payment_id: int) -> tuple[Order, Payment]:
    """The payment and its order, always locked in this order: the order first."""
    order = orders.get(lookup.get(payment_id).order_id, lock=True)
    return order, lookup.get(payment_id, lock=True)


def remember_status(payment: Payment, status: MoneyStatus) -> None:
    """Keeps what the provider said last, where it is news."""
    known = payment.last_status
    if known is None or RANK.index(status) > RANK.index(known):
        payment.last_status = status


def accept(order: Order, payment: Payment, transaction: str, told_by: Actor, name: str = "") -> Verdict:
    """The payment's own amount came in; the caller holds both locks. `transaction` "" = the provider named none."""
    db.session.flush()
    transaction = _named(payment, transaction)
    accepted = lookup.accepted(order.id) is None
    values = {
        "tenant_id": order.tenant_id,
        "order_id": order.id,
        "payment_id": payment.id,
        "provider": payment.provider,
        "transaction": transaction,
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "accepted": accepted,
        "told_by": f"{told_by.value}:{name}" if name else told_by.value,
        "confirmed": clock.now() if _confirms(payment, told_by) else None,
    }
    receipt_id = db.session.scalar(_INSERT, values)
    if receipt_id is None:
        return _known(order, payment, transaction, told_by, name)
    _close(payment, transaction)
    details: dict[str, object] = {
        "transaction": transaction,
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "provider": payment.provider.value,
        "payment": payment.id,
    }
    if not accepted:
        return _twice(order, receipt_id, told_by, name, details)
    _to_paid(order, told_by, name, details)
    return Verdict.ACCEPTED


def _confirms(payment: Payment, told_by: Actor) -> bool:
    """Whether nobody needs to be asked any more. A person's word is enough where no provider can be asked."""
    return told_by in _CONFIRMING or (told_by is Actor.STAFF and payment.provider is not Provider.PINGPONG)


def _to_paid(order: Order, told_by: Actor, name: str, details: dict[str, object]) -> None:
    begin.close_open(order.id, "paid by another payment")
    # He may have chosen another way meanwhile: what came in is what the books say.
    order.provider = Provider(str(details["provider"]))
    order.amount_minor, order.currency = int(str(details["amount"])), str(details["currency"])
    if order.state in {OrderState.PENDING, OrderState.EXPIRED}:
        late = order.state is OrderState.EXPIRED
        why = "paid_late" if late else "paid"
        moves.move(order, OrderState.PAID, actor=told_by, why=why, name=name, details=details)
        # A sweep that the schedule has just made is not made again; a worker that has room starts at once.
        enqueue(TaskName.ORDERS_WORK)
        enqueue(TaskName.ORDERS_SWEEP)
        return
    moves.note(order, "paid", told_by, name=name, details=details)
    if order.state is OrderState.REFUNDED:
        # Nothing lifts an order out of refunded: what comes in for it goes back.
        refunds.ask(order.id, reason="paid after the refund", actor=told_by)


def _twice(order: Order, receipt_id: int, told_by: Actor, name: str, details: dict[str, object]) -> Verdict:
    moves.note(order, "paid_twice", told_by, name=name, details=details)
    key = f"paid_twice:{receipt_id}"
    raise_alert(order.tenant_id, AlertKind.PAID_TWICE, key, order_id=order.id, details=details)
    refunds.ask(order.id, reason="paid twice", receipt_id=receipt_id, actor=told_by)
    return Verdict.PAID_TWICE


def _mismatch(order: Order, payment: Payment, receipt: Receipt, told_by: Actor, name: str) -> Verdict:
    details: dict[str, object] = {
        "wanted": str(Money(payment.amount_minor, payment.currency)),
        "received": str(receipt.amount) if receipt.amount is not None else "",
        "transaction": receipt.transaction,
    }
    moves.note(order, "amount_mismatch", told_by, name=name, details=details)
    key = f"amount_mismatch:{payment.id}:{receipt.transaction}:{receipt.amount}"
    raise_alert(order.tenant_id, AlertKind.AMOUNT_MISMATCH, key, order_id=order.id, details=details)
    return Verdict.AMOUNT_MISMATCH


def _known(order: Order, payment: Payment, transaction: str, told_by: Actor, name: str) -> Verdict:
    """The movement of money is on a receipt already: this payment's, or it is claimed for two payments."""
    found = lookup.find_receipt(payment.tenant_id, payment.provider, transaction)
    if found is None or found.payment_id != payment.id:
        details: dict[str, object] = {"transaction": transaction, "payment": payment.id}
        moves.note(order, "transaction_reused", told_by, name=name, details=details)
        key = f"transaction_reused:{payment.id}:{transaction}"
        raise_alert(order.tenant_id, AlertKind.AMOUNT_MISMATCH, key, order_id=order.id, details=details)
        return Verdict.AMOUNT_MISMATCH
    if found.confirmed_at is None and _confirms(payment, told_by):
        found.confirmed_at = clock.now()
    moves.note(order, "paid_again", told_by, name=name, details={"transaction": transaction})
    return Verdict.REPEATED


def _named(payment: Payment, transaction: str) -> str:
    """The movement's name. One that came without is kept under our own, until the provider tells the real one."""
    nameless = f"nameless:{payment.reference}"
    if not transaction:
        return payment.transaction or nameless
    values = {"payment_id": payment.id, "provider": payment.provider}
    db.session.execute(_ADOPT, values | {"transaction": transaction, "nameless": nameless})
    if payment.transaction == nameless:
        payment.transaction = transaction
    return transaction


def _close(payment: Payment, transaction: str) -> None:
    if payment.state is not PaymentState.PAID:
        payment.state, payment.transaction = PaymentState.PAID, transaction
    payment.query_at = payment.lease_until = payment.not_before = payment.closed_at = None
    db.session.flush()
