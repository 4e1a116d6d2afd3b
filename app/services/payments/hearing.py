"""What a provider says of a payment, whoever brings the news: money came in, went back, or it is too early to tell."""

from app.core import clock
from app.domain.orders import Actor
from app.domain.payments import MoneyStatus, PaymentState, Receipt, RefundState, Verdict
from app.models import Order, Payment, PaymentReceipt
from app.services.payments import lookup, marking, refunds


def hear(payment_id: int, receipt: Receipt, *, told_by: Actor) -> Verdict:
    """Takes the news in. In whatever order and however often they come, the end is the same."""
    if receipt.refund_reference or receipt.status is MoneyStatus.REFUNDED:
        return _hear_refund(payment_id, receipt, told_by)
    if receipt.status is MoneyStatus.SUCCESS:
        return marking.mark_paid(payment_id, receipt, told_by=told_by)
    _, payment = marking.lock(payment_id)
    marking.remember_status(payment, receipt.status)
    if receipt.status is MoneyStatus.CLOSED:
        payment.query_at = None
        if payment.state in lookup.OPEN:
            payment.state, payment.closed_at = PaymentState.CLOSED, clock.now()
    return Verdict.NOTED


def _hear_refund(payment_id: int, receipt: Receipt, told_by: Actor) -> Verdict:
    """Money can only go back that came in: so a refund that is told before the payment tells of both."""
    order, payment = marking.lock(payment_id)
    if receipt.status is MoneyStatus.FAILED:
        return _hear_failed(order, receipt)
    if receipt.status is not MoneyStatus.REFUNDED:
        return Verdict.NOTED
    marking.remember_status(payment, MoneyStatus.REFUNDED)
    found = _receipt(payment, receipt)
    if found is None:
        # The movement that a refund names may be its own: the payment's is learnt when the payment is told.
        marking.accept(order, payment, "", told_by)
        found = _receipt(payment, receipt)
    if found is None:
        return Verdict.AMOUNT_MISMATCH
    return Verdict.ACCEPTED if refunds.hear(order, found, receipt, told_by) else Verdict.REPEATED


def _receipt(payment: Payment, told: Receipt) -> PaymentReceipt | None:
    """The money that it is about: the movement that is named, else what the order was paid with."""
    of_it = [one for one in lookup.receipts_of(payment.order_id) if one.payment_id == payment.id]
    of_it.sort(key=lambda one: (one.transaction != told.transaction, not one.accepted))
    return of_it[0] if of_it else None


def _hear_failed(order: Order, receipt: Receipt) -> Verdict:
    for refund in lookup.refunds_of(order.id):
        sent = refund.state in {RefundState.QUEUED, RefundState.SENDING}
        if sent and refund.reference == receipt.refund_reference:
            refunds.give_up(order, refunds.get(refund.id, lock=True), "the provider refused it", refused=True)
            return Verdict.ACCEPTED
    return Verdict.NOTED
