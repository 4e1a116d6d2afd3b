"""Before something is delivered its provider is asked whether the money is there: a signature alone is not enough.

question = confirm.question(order_id)        # in a transaction; None = nothing to ask
receipt = confirm.ask(question)              # outside of one
outcome = confirm.judge(order_id, receipt)   # in the next
"""

from dataclasses import dataclass, field

from app.core import clock
from app.domain.money import Money
from app.domain.orders import Actor
from app.domain.payments import MoneyStatus, Provider, Receipt
from app.domain.shop_alerts import AlertKind
from app.gateways.payments.base import Gateway, ProviderRefused
from app.services.orders import lookup as orders
from app.services.orders import moves
from app.services.payments import accounts, hearing, lookup
from app.services.shop_alerts import raise_alert


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of whom. `gateway` None = the account that it was paid to is not ours any more."""

    order_id: int
    payment_id: int
    reference: str
    transaction: str
    gateway: Gateway | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The money is there."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """The provider does not say so (yet); to be asked again later."""

    status: MoneyStatus


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The provider speaks of another amount, or the money went back. The boss was told."""


def question(order_id: int) -> Question | None:
    """What to ask; None for Stars and transfers by hand, and where the provider itself was the one who told us.

    A person's word about an account that is gone is taken as it is: nobody is left to be asked.
    """
    receipt = lookup.accepted(order_id)
    if receipt is None:
        return None
    if receipt.provider is not Provider.PINGPONG or receipt.confirmed_at is not None:
        return None
    payment = lookup.get(receipt.payment_id)
    gateway = accounts.gateway_of(payment)
    if gateway is None and receipt.told_by.startswith(Actor.STAFF):
        return None
    return Question(order_id, payment.id, payment.reference, receipt.transaction, gateway)


def ask(asked: Question) -> Receipt:
    """Asks the provider. Raises ProviderFailed, which is OutsideFailed."""
    if asked.gateway is None:
        raise ProviderRefused("the account is not there any more", key_bad=True)
    return asked.gateway.query(asked.reference, asked.transaction)


def judge(order_id: int, told: Receipt) -> Confirmed | NotYet | Mismatch:
    """What the answer means; takes it in where it is news."""
    order = orders.get(order_id, lock=True)
    receipt = lookup.accepted(order_id)
    if receipt is None:
        return NotYet(told.status)
    if told.status is MoneyStatus.REFUNDED:
        hearing.hear(receipt.payment_id, told, told_by=Actor.RECONCILIATION)
        return Mismatch()
    if told.status is not MoneyStatus.SUCCESS:
        return NotYet(told.status)
    if told.amount != Money(receipt.amount_minor, receipt.currency):
        details: dict[str, object] = {"received": str(told.amount), "transaction": told.transaction}
        moves.note(order, "confirm_mismatch", Actor.WORKER, details=details)
        key = f"confirm_mismatch:{receipt.id}"
        raise_alert(order.tenant_id, AlertKind.AMOUNT_MISMATCH, key, order_id=order_id, details=details)
        return Mismatch()
    receipt.confirmed_at = clock.now()
    moves.note(order, "confirmed", Actor.WORKER, details={"transaction": told.transaction})
    return Confirmed()
