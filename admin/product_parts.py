"""Words of the products' pages, and which product a request means."""

from typing import Any

from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import row_id
from admin.amounts import money
from admin.guard import tenant_id
from app.core.errors import NotFound
from app.domain.affiliates import CommissionKind, read_commission
from app.domain.payments import Provider
from app.domain.products import ProductKind, ProductState, StockKind, StockState
from app.models import Bot, Product
from app.services import bots
from app.services.products import lookup

KINDS: dict[ProductKind, tuple[str, Any]] = {
    ProductKind.BAZI_REPORT: ("sparkles", _l("BaZi report")),
    ProductKind.DIGITAL_GOODS: ("ticket", _l("Codes and files")),
    ProductKind.CREDITS: ("coins", _l("Credits")),
    ProductKind.MANUAL: ("handshake", _l("Delivered by hand")),
}
STATES: dict[ProductState, tuple[str, Any]] = {
    ProductState.DRAFT: ("idle", _l("Draft")),
    ProductState.ON_SALE: ("ok", _l("On sale")),
    ProductState.OFF_SALE: ("warn", _l("Not on sale")),
    ProductState.ARCHIVED: ("idle", _l("Archived")),
}
WAYS: dict[Provider, tuple[str, Any, Any]] = {
    Provider.PINGPONG: (
        "credit-card",
        _l("Card (PingPong)"),
        _l("Visa, Mastercard and others, through PingPong."),
    ),
    Provider.STARS: (
        "star",
        _l("Telegram Stars"),
        _l("Needs no account. Telegram asks for it where digital goods are sold."),
    ),
    Provider.MANUAL: (
        "handshake",
        _l("Transfer by hand"),
        _l("Buyers transfer to you, and you confirm that the money is there."),
    ),
}
STOCK_STATES: dict[StockState, tuple[str, Any]] = {
    StockState.FREE: ("ok", _l("Available")),
    StockState.RESERVED: ("busy", _l("Reserved")),
    StockState.SOLD: ("idle", _l("Sold")),
}
STOCK_KINDS: dict[StockKind, tuple[str, Any]] = {
    StockKind.CODE: ("key-round", _l("Card code")),
    StockKind.LINK: ("link", _l("Link")),
    StockKind.FILE: ("file-text", _l("File")),
}


def chosen_product() -> Product:
    """The product that `id` names. NotFound for another tenant's, and where two are named."""
    ids = set(request.values.getlist("id"))
    if len(ids) != 1:
        raise NotFound
    product = lookup.get(row_id(ids.pop()))
    if product.tenant_id != tenant_id():
        raise NotFound
    return product


def commission_words(product: Product) -> str:
    """What promoters get of one sale."""
    commission = read_commission(product.commission)
    if commission.kind is CommissionKind.NONE:
        return str(gettext("none"))
    amounts = [money(commission.of(product.price_minor, level), product.currency) for level in (1, 2)]
    if not commission.second:
        return amounts[0]
    return str(gettext("%(first)s, second level %(second)s", first=amounts[0], second=amounts[1]))


def bots_of(product: Product) -> list[Bot]:
    """The bots in which it is sold."""
    found = bots.list_bots(product.tenant_id)
    return [bot for bot in found if product.bot_id in {None, bot.id}]
