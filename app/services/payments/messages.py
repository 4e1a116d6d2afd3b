"""What the buyer is told about paying: written to the outbox, each message once, in his language and the shop's time."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.core.db import db
from app.core.i18n import N_, translate
from app.domain.buttons import data
from app.domain.money import shown_money
from app.domain.sending import MAX_CAPTION, utf16_length
from app.domain.wording import Place
from app.gateways.payments import stars
from app.models import Order, Payment, Refund, Tenant
from app.services import outbox
from app.services.service_accounts import ManualAccount

PAID_BUTTON: Final = "paid"
"""Data of the button under a transfer's details; its argument is the payment's id."""

_SUMMARY: Final = N_("🧾 Order %(code)s\n%(product)s\nTo pay: %(amount)s\nPlease pay by %(time)s.")
_PAY: Final = N_("💳 Pay %(amount)s")
_TRANSFERRED: Final = N_("✅ I have paid")
_SLOW: Final = N_(
    "The payment page for order %(code)s is not ready yet, because the payment service answers slowly. We keep trying and"
    " send you the button as soon as it is there."
)
_REFUSED: Final = N_(
    "Order %(code)s can't be paid this way right now. Please choose another way of paying, or try again later."
    " Nothing was charged."
)
_CLAIMED: Final = N_(
    "Thank you! The shop checks the transfer for order %(code)s and then you get what you ordered."
)
_REFUNDED: Final = N_("💰 %(amount)s for order %(code)s were paid back to you.")


def summary(order: Order) -> str:
    """What he ordered, what it costs, until when he may pay."""
    place = Place(order.locale, db.session.get_one(Tenant, order.tenant_id).timezone)
    return place.t(
        _SUMMARY,
        code=order.code,
        product=order.product_name,
        amount=place.money(order.amount_minor, order.currency),
        time=place.time(order.expires_at),
    )


def pay_button(order: Order, payment: Payment) -> None:
    """The summary with the button that opens the provider's page."""
    amount = shown_money(payment.amount_minor, payment.currency, order.locale)
    label = translate(order.locale, _PAY, amount=amount)
    rows = [[{"text": label, "url": payment.url}]]
    _send(order, "sendMessage", {"text": summary(order), **_buttons(rows)}, _key(payment))


def invoice(order: Order, payment: Payment) -> None:
    """Telegram's own message for paying with Stars; its button is Telegram's."""
    name = order.product_name
    params = stars.invoice(name, summary(order), payment.reference, payment.amount_minor)
    _send(order, "sendInvoice", params, _key(payment))


def transfer(order: Order, payment: Payment, account: ManualAccount) -> None:
    """The boss's instructions with his QR code, and the button for when it is done."""
    text = f"{summary(order)}\n\n{account.instructions}"
    rows = [[{"text": translate(order.locale, _TRANSFERRED), "callback_data": data(PAID_BUTTON, payment.id)}]]
    if account.picture_id is None:
        _send(order, "sendMessage", {"text": text, **_buttons(rows)}, _key(payment))
    elif utf16_length(text) <= MAX_CAPTION:
        picture: dict[str, object] = {"picture_id": account.picture_id, "caption": text, **_buttons(rows)}
        _send(order, "sendPhoto", picture, _key(payment))
    else:
        _send(order, "sendPhoto", {"picture_id": account.picture_id}, f"{_key(payment)}:picture")
        _send(order, "sendMessage", {"text": text, **_buttons(rows)}, _key(payment))


def tell_slow(order: Order, payment: Payment) -> None:
    """The provider does not answer; said once for each payment."""
    _say(order, _SLOW, f"{_key(payment)}:slow")


def tell_refused(order: Order, payment: Payment) -> None:
    """It can't be paid this way."""
    _say(order, _REFUSED, f"{_key(payment)}:refused")


def tell_claimed(order: Order, payment: Payment) -> None:
    """His word that he has transferred the money has arrived."""
    _say(order, _CLAIMED, f"{_key(payment)}:claimed")


def tell_refunded(order: Order, refund: Refund) -> None:
    """Money went back to him."""
    amount = shown_money(refund.amount_minor, refund.currency, order.locale)
    text = translate(order.locale, _REFUNDED, amount=amount, code=order.code)
    _send(order, "sendMessage", {"text": text}, f"order:{order.id}:refund:{refund.id}")


def _say(order: Order, msgid: str, key: str) -> None:
    _send(order, "sendMessage", {"text": translate(order.locale, msgid, code=order.code)}, key)


def _send(order: Order, method: str, payload: dict[str, object], key: str) -> None:
    outbox.queue_message(order.tenant_id, order.bot_id, order.telegram_id, method, payload, key)


def _buttons(rows: Sequence[Sequence[Mapping[str, str | None]]]) -> dict[str, object]:
    return {"reply_markup": {"inline_keyboard": rows}}


def _key(payment: Payment) -> str:
    return f"order:{payment.order_id}:pay:{payment.id}"
