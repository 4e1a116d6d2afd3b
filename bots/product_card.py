"""A product as a buyer sees it in the bot: a line of the shop's list, the card, and what it costs."""

import html
from collections.abc import Sequence
from typing import Final

from app.core.i18n import N_
from app.domain.products import LOW_STOCK
from app.domain.sending import MAX_CAPTION, MAX_TEXT, utf16_length, visible_length
from app.models import Product
from app.services.orders import ways
from app.services.orders.ways import Way
from app.services.products import stock
from app.services.products.lookup import is_sold_in
from bots.context import Context
from bots.keyboards import Button, Keyboard, data, shortened

UNPAYABLE: Final = N_("Sorry, this can't be bought just now. Please have a look again later.")


def price(ctx: Context, way: Way) -> str:
    """What he pays by this way."""
    return ctx.place.money(way.price.minor, way.price.currency)


def prices(ctx: Context, offered: Sequence[Way]) -> str:
    """Each price once, in the boss's order."""
    return " / ".join(dict.fromkeys(price(ctx, way) for way in offered))


def line(ctx: Context, product: Product) -> str:
    """The product in the shop's list. Needs a transaction."""
    costs = prices(ctx, ways.offered(product))
    sold_out = ctx.t(N_("sold out")) if stock.available(product) == 0 else ""
    told = " · ".join(part for part in (costs or ctx.t(N_("not to be had just now")), sold_out) if part)
    return f"• {product.name}\n   {told}"


def text(ctx: Context, product: Product) -> str:
    """The card in Telegram's HTML; a long description gives way under a picture. Needs a transaction."""
    head = f"<b>{html.escape(product.name, quote=False)}</b>"
    costs = prices(ctx, ways.offered(product))
    tail = [f"💰 {costs}" if costs else "🙏 " + ctx.t(UNPAYABLE)]
    tail += _stock(ctx, product)
    limit = MAX_TEXT if product.picture_id is None else MAX_CAPTION
    room = limit - visible_length("\n\n".join([head, "\n".join(tail)])) - 2
    described = html.escape(_cut(product.description, room), quote=False)
    return "\n\n".join(part for part in (head, described, "\n".join(tail)) if part)


def _stock(ctx: Context, product: Product) -> list[str]:
    left = stock.available(product)
    if left == 0:
        return ["📦 " + ctx.t(N_("Sold out at the moment"))]
    if left is not None and left < LOW_STOCK:
        return ["📦 " + ctx.t(N_("Only %(count)s left"), count=left)]
    return []


def _cut(words: str, room: int) -> str:
    if utf16_length(words) <= room:
        return words
    # A sign counts twice at most, so this fits whatever the signs are.
    while utf16_length(words) >= room:
        words = words[: len(words) - max(1, (utf16_length(words) - room) // 2)]
    return words.rstrip() + "…"


def way_to_buy(ctx: Context, product: Product) -> Way | None:
    """The first way to pay, where it can be bought now. Needs a transaction."""
    if not is_sold_in(product, ctx.config.id) or stock.available(product) == 0:
        return None
    return next(iter(ways.offered(product)), None)


def keyboard(ctx: Context, product: Product, way: Way | None) -> Keyboard:
    """Buying by this way, where there is one, and the ways back. No transaction may be open."""
    rows = []
    if way is not None:
        label = ctx.t(N_("🛒 Buy for %(price)s"), price=price(ctx, way))
        rows.append([Button(label, data("buy", product.code))])
    rows.append([shop_button(ctx), Button(ctx.main_text("menu_orders"), data("orders"))])
    return Keyboard(rows)


def shop_button(ctx: Context) -> Button:
    """The way to the shop's list. No transaction may be open."""
    return Button(ctx.main_text("menu_shop"), data("shop"))


def list_button(product: Product) -> Button:
    """Opens the product's card."""
    return Button(shortened(product.name), data("prod", product.code))
