"""Sending refunds: claim (commit), call, complete (commit), again and again until the provider says what became of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.domain.money import Money
from app.domain.orders import Actor
from app.domain.payments import MoneyStatus, RefundState
from app.gateways.payments.base import Gateway, ProviderFailed, ProviderRefused, RefundAnswer, RefundWish
from app.models import Order, Payment, PaymentReceipt, Refund
from app.services.orders import lookup as orders
from app.services.payments import accounts, alerts, refunds

LEASE_SECONDS: Final = 90
MAX_ATTEMPTS: Final = 40
"""About two days; after that a person has to look."""
_WAITS: Final = (5, 15, 60, 300, 900, 3600)

_CLAIM = text("""
UPDATE refund SET state = 'sending', lease_token = lease_token + 1, lease_until = :until, attempts = attempts + 1
WHERE id = :id AND ((state = 'queued' AND (not_before IS NULL OR not_before <= :now))
                    OR (state = 'sending' AND lease_until < :now))
RETURNING lease_token, attempts
""")


@dataclass(frozen=True, slots=True)
class Sending:
    """What is to be asked of whom. `lease` fences what a former claimer still writes."""

    refund_id: int
    tenant_id: int
    lease: int
    attempts: int
    wish: RefundWish
    gateway: Gateway | None = field(repr=False)


def claim(refund_id: int) -> Sending | None:
    """Takes a refund that is due; None when somebody else has it, or it is done."""
    now = clock.now()
    until = now + timedelta(seconds=LEASE_SECONDS)
    row = db.session.execute(_CLAIM, {"id": refund_id, "now": now, "until": until}).first()
    if row is None:
        return None
    refund = refunds.get(refund_id)
    db.session.refresh(refund)
    receipt = db.session.get_one(PaymentReceipt, refund.receipt_id)
    payment = db.session.get_one(Payment, receipt.payment_id)
    order = orders.get(refund.order_id)
    wish = RefundWish(
        payment.reference,
        receipt.transaction,
        refund.reference,
        Money(refund.amount_minor, refund.currency),
        order.telegram_id,
        accounts.notify_url(),
    )
    return Sending(
        refund_id, refund.tenant_id, row.lease_token, row.attempts, wish, accounts.gateway_of(payment)
    )


def send(sending: Sending) -> RefundAnswer:
    """Calls the provider. Whoever tries again asks first what became of the last try. Raises ProviderFailed."""
    if sending.gateway is None:
        raise ProviderRefused("the account is not there any more", key_bad=True)
    if sending.attempts > 1:
        known = sending.gateway.query_refund(sending.wish)
        if known.status is not MoneyStatus.UNKNOWN:
            return known
    return sending.gateway.refund(sending.wish)


def complete(sending: Sending, answer: RefundAnswer) -> None:
    """Writes down what the provider said."""
    held = _held(sending)
    if held is None:
        return
    order, refund = held
    match answer.status:
        case MoneyStatus.SUCCESS | MoneyStatus.REFUNDED:
            refunds.finish(order, refund, Actor.WORKER, transaction=answer.transaction)
        case MoneyStatus.FAILED | MoneyStatus.CLOSED:
            refunds.give_up(order, refund, answer.reason or "the provider refused it", refused=True)
        case MoneyStatus.PROCESSING | MoneyStatus.UNKNOWN:
            refund.transaction = answer.transaction or refund.transaction
            _again(order, refund, "")


def fail(sending: Sending, error: ProviderFailed) -> None:
    """It is tried again later; what is refused for good is for the boss to look at."""
    held = _held(sending)
    if held is None:
        return
    order, refund = held
    if isinstance(error, ProviderRefused) and not error.key_bad:
        refunds.give_up(order, refund, str(error), refused=True)
        return
    if isinstance(error, ProviderRefused):
        alerts.service_refused(order.tenant_id, "refund", str(error), key_bad=True)
    _again(order, refund, str(error))


def _held(sending: Sending) -> tuple[Order, Refund] | None:
    """The order and its refund, both locked; None when somebody else has it meanwhile."""
    order = orders.get(refunds.get(sending.refund_id).order_id, lock=True)
    refund = refunds.get(sending.refund_id, lock=True)
    mine = refund.state is RefundState.SENDING and refund.lease_token == sending.lease
    return (order, refund) if mine else None


def _again(order: Order, refund: Refund, reason: str) -> None:
    if refund.attempts >= MAX_ATTEMPTS:
        refunds.give_up(order, refund, reason or "no answer for two days", refused=False)
        return
    refund.state, refund.lease_until, refund.error = RefundState.QUEUED, None, reason[:300] or None
    wait = _WAITS[min(refund.attempts, len(_WAITS)) - 1]
    refund.not_before = clock.now() + timedelta(seconds=wait)
