"""Showing a buyer once more how to pay an order, when he presses its button and the first message is far up."""

import html
from collections.abc import Callable
from functools import partial

from app.core.i18n import N_
from app.domain.payments import Provider
from app.domain.sending import MAX_CAPTION, visible_length
from app.gateways.payments import stars
from app.models import Order, Payment
from app.services import service_accounts
from app.services.payments import messages
from bots.context import Context
from bots.keyboards import Button, Keyboard, data
from bots.telegram.sender import Call, perform


def again(ctx: Context, order: Order, payment: Payment) -> Callable[[], object] | None:
    """What sends it, once the transaction is over; None where the order's card has the button, or will have it soon."""
    match payment.provider:
        case Provider.STARS:
            name = order.product_name
            bill = stars.invoice(name, messages.summary(order), payment.reference, payment.amount_minor)
            params = {"chat_id": ctx.event.chat_id, **bill}
            return partial(perform, Call(ctx.config, "sendInvoice"), params)
        case Provider.MANUAL:
            return _transfer(ctx, order, payment)
        case Provider.PINGPONG:
            return None


def _transfer(ctx: Context, order: Order, payment: Payment) -> Callable[[], object] | None:
    account = service_accounts.manual(order.tenant_id)
    if account is None:
        return None
    text = html.escape(f"{messages.summary(order)}\n\n{account.instructions}", quote=False)
    keyboard = Keyboard([[Button(ctx.t(N_("✅ I have paid")), data(messages.PAID_BUTTON, payment.id))]])
    if account.picture_id is not None and visible_length(text) <= MAX_CAPTION:
        return partial(ctx.show_picture, account.picture_id, text, keyboard)
    return partial(ctx.say, text, keyboard, html=True)
