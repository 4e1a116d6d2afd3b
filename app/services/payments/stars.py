"""Paying with Telegram Stars: Telegram asks once more before it takes them, and tells when it has."""

from app.core import clock
from app.core.i18n import N_
from app.domain.money import STARS, Money
from app.domain.orders import Actor, OrderState
from app.domain.payments import MoneyStatus, PaymentState, Provider, Receipt, Verdict
from app.domain.shop_alerts import AlertKind
from app.services.orders import lookup as orders
from app.services.payments import hearing, lookup, marking
from app.services.shop_alerts import raise_alert

EXPIRED = N_("This order has expired, so nothing was charged. Please order again in the shop.")
DONE = N_("This order is paid already. Nothing was charged again.")
CHANGED = N_("The price or the order has changed, so nothing was charged. Please open the order again.")


def objection(reference: str, telegram_id: int, stars: int, currency: str) -> str | None:
    """Why these Stars must not be taken, as a msgid for the buyer; None when they may.

    Telegram waits ten seconds for the answer, so this looks and changes nothing.
    """
    payment = lookup.find_by_reference(Provider.STARS, reference)
    if payment is None:
        return CHANGED
    order = orders.get(payment.order_id)
    if order.telegram_id != telegram_id:
        return CHANGED
    if payment.state is PaymentState.PAID or order.state not in {OrderState.PENDING, OrderState.EXPIRED}:
        return DONE
    if order.state is OrderState.EXPIRED or order.expires_at <= clock.now():
        return EXPIRED
    fits = Money(stars, currency) == Money(payment.amount_minor, payment.currency)
    return None if fits and currency == STARS and payment.state is PaymentState.OPEN else CHANGED


def paid(tenant_id: int, reference: str, stars: int, currency: str, charge_id: str) -> Verdict:
    """Telegram has taken the Stars. Heard twice, it counts once: `charge_id` is the money's own name."""
    payment = lookup.find_by_reference(Provider.STARS, reference)
    if payment is None:
        details: dict[str, object] = {
            "provider": Provider.STARS.value,
            "transaction": charge_id,
            "amount": stars,
        }
        raise_alert(tenant_id, AlertKind.UNKNOWN_PAYMENTS, f"unknown_stars:{charge_id}", details=details)
        return Verdict.UNKNOWN_PAYMENT
    receipt = Receipt(reference, MoneyStatus.SUCCESS, charge_id, Money(stars, currency), at=clock.now())
    return marking.mark_paid(payment.id, receipt, told_by=Actor.STARS)


def given_back(reference: str, stars: int, currency: str, charge_id: str) -> Verdict:
    """Telegram has given the Stars back, by our wish or its own."""
    payment = lookup.find_by_reference(Provider.STARS, reference)
    if payment is None:
        return Verdict.UNKNOWN_PAYMENT
    receipt = Receipt(
        reference,
        MoneyStatus.REFUNDED,
        charge_id,
        refunded=Money(stars, currency),
        refund_transaction=charge_id,
        at=clock.now(),
    )
    return hearing.hear(payment.id, receipt, told_by=Actor.STARS)
