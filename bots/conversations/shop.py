"""The shop: what is on sale in this bot, page by page, and the card of one product."""

from app.core.i18n import N_
from app.domain.links import product_link
from app.domain.products import VisitStage
from app.services.products import lookup, visits
from app.services.products.lookup import Page
from bots import product_card
from bots.conversations.lotteries import at_home
from bots.keyboards import Button, ButtonExpired, Keyboard, data, shortened
from bots.router import Context, Router

router = Router()
router.menu_entry(50, "menu_shop", data("shop"))
_LAST_PAGE = 999
GONE = N_("This product is not on sale any more.")


@router.command("shop")
def shop_command(ctx: Context) -> None:
    """The list; a code behind the command opens that product."""
    if ctx.event.argument and ctx.private:
        show_card(ctx, ctx.event.argument)
        return
    _show(ctx, 0)


@router.button("shop")
def shop_button(ctx: Context) -> None:
    """Without an argument the first page, else that one."""
    at_home(ctx)
    number = ctx.press.id() if ctx.press.arguments else 0
    if number > _LAST_PAGE:
        raise ButtonExpired
    _show(ctx, number)


@router.button("prod")
def card_button(ctx: Context) -> None:
    at_home(ctx)
    show_card(ctx, ctx.press.word())


@router.start_link("p_")
def from_link(ctx: Context) -> None:
    """`p_<code>`; whatever else stands there is no code of ours."""
    show_card(ctx, ctx.event.argument)


def show_card(ctx: Context, code: str) -> None:
    """One product, where it is on sale in this bot."""
    with ctx.transaction():
        product = lookup.find_by_code(code) if code.isascii() and code.isalnum() else None
        if product is not None and lookup.is_sold_in(product, ctx.config.id):
            visits.record(product, ctx.person.telegram_id, VisitStage.VIEWED, ctx.config.timezone)
            text, way = product_card.text(ctx, product), product_card.way_to_buy(ctx, product)
        else:
            product = None
    if product is None:
        show_gone(ctx)
        return
    keyboard = product_card.keyboard(ctx, product, way)
    if product.picture_id is not None:
        ctx.show_picture(product.picture_id, text, keyboard)
    else:
        ctx.show(text, keyboard, html=True)


def show_gone(ctx: Context) -> None:
    """What he wants is not sold here; the shop is one press away."""
    ctx.show(ctx.t(GONE), Keyboard([[product_card.shop_button(ctx)]]))


def _show(ctx: Context, number: int) -> None:
    with ctx.transaction():
        page = lookup.list_on_sale(ctx.config.tenant_id, ctx.config.id, number)
        lines = [product_card.line(ctx, product) for product in page.products]
    if not page.products:
        ctx.show(ctx.t(N_("Nothing is on sale at the moment. Have a look again later!")), _home(ctx))
        return
    head = ctx.t(N_("🛒 The shop"))
    if page.number or page.more:
        head += " " + ctx.t(N_("(page %(number)s)"), number=page.number + 1)
    ctx.show("\n\n".join([head, *lines]), _buttons(ctx, page))


def _buttons(ctx: Context, page: Page) -> Keyboard:
    """In a group each button opens the product in the person's own chat with the bot."""
    if not ctx.private:
        bot = ctx.config.username
        return Keyboard(
            [Button(shortened(one.name), url=product_link(bot, one.code))] for one in page.products
        )
    rows = [[product_card.list_button(product)] for product in page.products]
    turns = turning(ctx, "shop", page.number, more=page.more)
    orders = Button(ctx.main_text("menu_orders"), data("orders"))
    return Keyboard([*rows, *turns, [orders, Button(ctx.t(N_("« Main menu")), data("menu"))]])


def turning(ctx: Context, name: str, number: int, *, more: bool) -> list[list[Button]]:
    """The row that turns the pages of a list; none for a list of one page."""
    turns = []
    if number:
        turns.append(Button(ctx.t(N_("⬅️ Previous")), data(name, number - 1) if number > 1 else data(name)))
    if more:
        turns.append(Button(ctx.t(N_("Next ➡️")), data(name, number + 1)))
    return [turns] if turns else []


def _home(ctx: Context) -> Keyboard:
    return Keyboard([[Button(ctx.t(N_("« Main menu")), data("menu"))]])
