"""Making a payment at its provider: claim (commit), call, complete (commit). Each try has the same reference, so however
often it is made, there is one payment.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.domain.links import order_link
from app.domain.money import Money
from app.domain.orders import OrderState
from app.domain.payments import PaymentState
from app.gateways.payments.base import Gateway, Made, ProviderFailed, ProviderRefused, Wish
from app.models import Bot, Order, Payment
from app.services import breakers
from app.services.breakers import Wait
from app.services.payments import accounts, alerts, begin, marking, messages

LEASE_SECONDS: Final = 60
SLOW_SECONDS: Final = 60
"""After this long without a page the buyer is told that it takes longer."""
_WAITS: Final = (2, 5, 10, 20, 40, 60, 120)

_CLAIM = text("""
UPDATE payment SET lease_until = :until, attempts = attempts + 1
WHERE id = :id AND state = 'creating' AND (lease_until IS NULL OR lease_until < :now)
  AND (not_before IS NULL OR not_before <= :now)
RETURNING attempts
""")


@dataclass(frozen=True, slots=True)
class Making:
    """What is to be asked of whom. `turn` fences what a former claimer still writes."""

    payment_id: int
    tenant_id: int
    turn: int
    wish: Wish
    gateway: Gateway = field(repr=False)


def claim(payment_id: int) -> Making | None:
    """Takes a payment that has no page yet; None when there is nothing to do, or somebody else does it."""
    order, payment = marking.lock(payment_id)
    now = clock.now()
    until = now + timedelta(seconds=LEASE_SECONDS)
    turn = db.session.scalar(_CLAIM, {"id": payment_id, "now": now, "until": until})
    if turn is None:
        return None
    db.session.refresh(payment)
    if order.state is not OrderState.PENDING:
        begin.close_open(order.id, "the order is not open any more")
        return None
    gateway = accounts.gateway_of(payment)
    if gateway is None:
        _refuse(order, payment, "the account is not there any more", key_bad=True)
        return None
    allowed = breakers.allow(payment.tenant_id, payment.provider.value)
    if isinstance(allowed, Wait):
        _later(order, payment, "waits for the provider", min(allowed.seconds, _WAITS[-1]))
        return None
    return Making(payment.id, payment.tenant_id, turn, _wish(order, payment), gateway)


def make(making: Making) -> Made:
    """Calls the provider. Raises ProviderFailed, ProviderRefused."""
    return making.gateway.create(making.wish)


def complete(making: Making, made: Made) -> bool:
    """The page is there: the buyer gets his button. False when the payment was paid, closed or taken over meanwhile."""
    order, payment = marking.lock(making.payment_id)
    breakers.succeeded(payment.tenant_id, payment.provider.value)
    if payment.state is not PaymentState.CREATING or payment.attempts != making.turn:
        return False
    payment.state, payment.url = PaymentState.OPEN, made.url
    payment.lease_until = payment.not_before = payment.error = None
    if order.state is OrderState.PENDING:
        messages.pay_button(order, payment)
    else:
        begin.close_open(order.id, "the order is not open any more")
    return True


def fail(making: Making, error: ProviderFailed) -> None:
    """There is no page: tries again later, or tells boss and buyer that there will be none."""
    order, payment = marking.lock(making.payment_id)
    if payment.state is not PaymentState.CREATING or payment.attempts != making.turn:
        return
    if isinstance(error, ProviderRefused):
        _refuse(order, payment, str(error), key_bad=error.key_bad)
        return
    alerts.service_failed(payment.tenant_id, payment.provider.value, str(error))
    _later(order, payment, str(error), _WAITS[min(making.turn, len(_WAITS)) - 1])


def _later(order: Order, payment: Payment, reason: str, seconds: float) -> None:
    now = clock.now()
    payment.lease_until, payment.error = None, reason[:300]
    payment.not_before = now + timedelta(seconds=seconds)
    if now - payment.created_at >= timedelta(seconds=SLOW_SECONDS):
        messages.tell_slow(order, payment)


def _refuse(order: Order, payment: Payment, reason: str, *, key_bad: bool) -> None:
    payment.error = reason[:300]
    db.session.flush()
    begin.close_open(order.id, reason[:300])
    messages.tell_refused(order, payment)
    alerts.service_refused(order.tenant_id, payment.provider.value, reason, key_bad=key_bad)


def _wish(order: Order, payment: Payment) -> Wish:
    bot = db.session.get_one(Bot, order.bot_id)
    return Wish(
        payment.reference,
        Money(payment.amount_minor, payment.currency),
        order.product_name,
        order.code,
        accounts.notify_url(),
        order_link(bot.username, order.code),
        order.expires_at,
    )
