"""Transfers by hand: the buyer says that he has paid, the boss looks into his account and confirms it."""

from app.core import clock
from app.core.errors import NotFound
from app.domain.money import Money
from app.domain.orders import Actor
from app.domain.payments import MoneyStatus, PaymentState, Provider, Receipt, Verdict
from app.domain.shop_alerts import AlertKind
from app.models import Payment
from app.services import audit
from app.services.orders import moves
from app.services.payments import lookup, marking, messages
from app.services.payments.errors import NothingToConfirm
from app.services.shop_alerts import raise_alert


def claim_transfer(payment_id: int, telegram_id: int) -> bool:
    """The buyer says that he has transferred the money; the boss is told. False when he said so before.

    Raises NotFound for a payment that is not his, NothingToConfirm for one that is over.
    """
    order, payment = marking.lock(payment_id)
    if order.telegram_id != telegram_id or payment.provider is not Provider.MANUAL:
        raise NotFound
    if payment.state is not PaymentState.OPEN:
        raise NothingToConfirm
    if payment.claimed_at is not None:
        return False
    payment.claimed_at = clock.now()
    moves.note(order, "transfer_claimed", Actor.BUYER, details={"payment": payment.id})
    messages.tell_claimed(order, payment)
    raise_alert(
        order.tenant_id, AlertKind.TRANSFER_CLAIMED, f"transfer_claimed:{payment.id}", order_id=order.id
    )
    return True


def confirm_transfer(payment_id: int, name: str) -> Verdict:
    """The boss has seen the money. `name` is who says so. Raises NothingToConfirm for other ways of paying."""
    payment = lookup.get(payment_id)
    if payment.provider is not Provider.MANUAL:
        raise NothingToConfirm
    return _vouch(payment, f"transfer:{payment.reference}", name)


def vouch(payment_id: int, name: str) -> Verdict:
    """A person says that the money of any payment is there, after having looked into the provider's own pages."""
    payment = lookup.get(payment_id)
    return _vouch(payment, payment.transaction or "", name)


def newest(order_id: int) -> Payment | None:
    """The order's latest payment by transfer, also one that is closed: it may still be confirmed."""
    found = [one for one in lookup.payments_of(order_id) if one.provider is Provider.MANUAL]
    return found[-1] if found else None


def _vouch(payment: Payment, transaction: str, name: str) -> Verdict:
    amount = Money(payment.amount_minor, payment.currency)
    receipt = Receipt(payment.reference, MoneyStatus.SUCCESS, transaction, amount, at=clock.now())
    verdict = marking.mark_paid(payment.id, receipt, told_by=Actor.STAFF, name=name)
    audit.record(
        payment.tenant_id,
        "payment.confirmed",
        ("payment", payment.id, payment.reference),
        {"verdict": verdict.value},
    )
    return verdict
