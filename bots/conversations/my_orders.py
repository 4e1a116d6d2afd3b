"""A buyer's own orders: the list, the card of one, and what he can do with it. Only in his own chat with the bot."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.core.errors import NotFound
from app.core.i18n import N_
from app.domain.orders import OrderState
from app.models import Order
from app.services.fulfilment.delivery import again as send_again
from app.services.orders import contact, expiry, lookup, ways
from app.services.orders.contact import TooManyMessages
from app.services.orders.expiry import is_payable
from app.services.payments.begin import again as pay_again
from app.services.payments.begin import switch
from app.services.payments.messages import PAID_BUTTON
from app.services.payments.transfers import claim_transfer
from app.services.products import lookup as products
from bots import order_card, paying
from bots.conversations.lotteries import at_home
from bots.conversations.order_confirm import chosen_way
from bots.conversations.shop import turning
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.product_card import shop_button
from bots.router import Context, Router

router = Router()
router.menu_entry(60, "menu_orders", data("orders"))
_LAST_PAGE: Final = 999
_ASK: Final = "order_message"


@router.command("orders")
def orders_command(ctx: Context) -> None:
    """The list; a code behind the command opens that order. What somebody bought concerns nobody else in a group."""
    if not ctx.private:
        ctx.say(ctx.t(N_("Please send me this in a private chat.")))
    elif ctx.event.argument:
        from_link(ctx)
    else:
        _show_list(ctx, 0)


@router.button("orders")
def orders_button(ctx: Context) -> None:
    """Without an argument the first page, else that one."""
    at_home(ctx)
    number = ctx.press.id() if ctx.press.arguments else 0
    if number > _LAST_PAGE:
        raise ButtonExpired
    _show_list(ctx, number)


@router.start_link("o_")
def from_link(ctx: Context) -> None:
    """`o_<code>`; somebody else's order looks as if it did not exist."""
    with ctx.transaction():
        order = lookup.find_of_buyer(ctx.event.argument, ctx.person.telegram_id)
        card = _card(ctx, order) if order is not None else None
    if card is None:
        text = N_("You have no such order. Perhaps the code is incomplete.")
        ctx.say(ctx.t(text), Keyboard([[Button(ctx.main_text("menu_orders"), data("orders"))]]))
    else:
        ctx.say(*card, html=True)


@router.button("ord")
def card_button(ctx: Context) -> None:
    with _acting(ctx) as order:
        card = _card(ctx, order)
    ctx.show(*card, html=True)


@router.button("opay")
def pay_button(ctx: Context) -> None:
    """The way to pay once more: the link, or the message that it was."""
    with _acting(ctx) as order:
        payment = pay_again(order.id) if is_payable(order) else None
        ask = paying.again(ctx, order, payment) if payment is not None else None
        card = _card(ctx, order)
    if ask is not None:
        ask()
        return
    ctx.show(*card, html=True)
    if payment is not None and payment.url is None:
        ctx.toast(ctx.t(N_("The payment page is on its way, in a moment I send you the button.")))


@router.button(PAID_BUTTON)
def paid_button(ctx: Context) -> None:
    """He has transferred the money: the boss is told to look, once."""
    at_home(ctx)
    try:
        with ctx.transaction():
            first = claim_transfer(ctx.press.id(), ctx.person.telegram_id)
    except NotFound:
        raise ButtonExpired from None
    if not first:
        ctx.toast(ctx.t(N_("The shop has been told already and checks your transfer.")), alert=True)


@router.button("oway")
def way_button(ctx: Context) -> None:
    """Another way to pay, for the price on the button where that is still the price."""
    wanted = chosen_way(ctx)
    with _acting(ctx) as order:
        payable = is_payable(order)
        offered = wanted in ways.offered(products.get(order.product_id))
        if payable and offered:
            switch(order.id, wanted.provider, wanted.price.minor, wanted.price.currency)
        card = _card(ctx, lookup.get(order.id))
    ctx.show(*card, html=True)
    told = (
        N_("How to pay follows in the next message.") if offered else N_("The price has changed meanwhile.")
    )
    ctx.toast(ctx.t(told), alert=not offered)


@router.button("ocancel")
def cancel_button(ctx: Context) -> None:
    """Asks once more, then cancels."""
    sure = len(ctx.press.arguments) > 1
    with _acting(ctx) as order:
        if sure and order.state is OrderState.PENDING:
            expiry.cancel(order.id)
        card = _card(ctx, order)
        code, waits = order.code, order.state is OrderState.PENDING
    if sure or not waits:
        ctx.show(*card, html=True)
        return
    rows = [
        [Button(ctx.t(N_("🚫 Yes, cancel it")), data("ocancel", code, "yes"))],
        [Button(ctx.t(N_("« Back")), data("ord", code))],
    ]
    ctx.show(ctx.t(N_("Do you really want to cancel order %(code)s?"), code=code), Keyboard(rows))


@router.button("oagain")
def again_button(ctx: Context) -> None:
    """Whatever he got comes once more; one press brings it once, however often it is handled."""
    with _acting(ctx) as order:
        send_again(order.id, ctx.event.query_id or "")
    ctx.toast(ctx.t(N_("📨 It comes in a moment.")))


@router.button("oask")
def ask_button(ctx: Context) -> None:
    with _acting(ctx) as order:
        code = order.code
    ctx.expect(_ASK, code=code)
    text = N_(
        "Please write your question about order %(code)s; I pass it on to the shop. /cancel stops this."
    )
    ctx.say(ctx.t(text, code=code))


@router.step(_ASK)
def asked(ctx: Context) -> None:
    """The next message goes to the shop."""
    code = str(ctx.step.data.get("code", "")) if ctx.step else ""
    if not ctx.event.text.strip():
        ctx.say(ctx.t(N_("Please write it as a text message.")))
        return
    try:
        order = _pass_on(ctx, code)
    except (TooManyMessages, NotFound):
        ctx.forget()
        raise
    ctx.forget()
    back = Keyboard([[Button(ctx.t(N_("📦 Show the order")), data("ord", order.code))]])
    ctx.say(ctx.t(N_("✅ Thank you, the shop has your message.")), back)


def _pass_on(ctx: Context, code: str) -> Order:
    with ctx.transaction():
        found = lookup.find_of_buyer(code, ctx.person.telegram_id)
        if found is None:
            raise NotFound
        order = lookup.get(found.id, lock=True)
        contact.pass_on(order, ctx.person, ctx.event.text, ctx.event.message_id or 0)
    return order


@contextmanager
def _acting(ctx: Context) -> Iterator[Order]:
    """A transaction about the order that the button names. Raises ButtonExpired where it is not the presser's own."""
    at_home(ctx)
    with ctx.transaction():
        order = lookup.find_of_buyer(ctx.press.word(), ctx.person.telegram_id)
        if order is None:
            raise ButtonExpired
        yield order


def _card(ctx: Context, order: Order) -> tuple[str, Keyboard]:
    shown = order_card.look(order)
    return order_card.text(ctx, shown), order_card.keyboard(ctx, shown)


def _show_list(ctx: Context, number: int) -> None:
    with ctx.transaction():
        page = lookup.list_of_buyer(ctx.config.tenant_id, ctx.person.telegram_id, number)
        lines = [order_card.line(ctx, order) for order in page.orders]
    home = Button(ctx.t(N_("« Main menu")), data("menu"))
    if not page.orders:
        ctx.show(ctx.t(N_("You have not ordered anything yet.")), Keyboard([[shop_button(ctx)], [home]]))
        return
    head = ctx.t(N_("📦 Your orders"))
    if page.number or page.more:
        head += " " + ctx.t(N_("(page %(number)s)"), number=page.number + 1)
    rows = [[order_card.list_button(order)] for order in page.orders]
    turns = turning(ctx, "orders", page.number, more=page.more)
    ctx.show("\n\n".join([head, *lines]), Keyboard([*rows, *turns, [shop_button(ctx), home]]))
