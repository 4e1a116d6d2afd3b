"""The boss's products: the list, and one product with its link and how it sells."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import request
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from admin.amounts import money
from admin.base import PageView
from admin.bot_parts import qr_code
from admin.guard import tenant_id, viewer
from admin.lotteries import page_number
from admin.menu import Group
from admin.product_parts import (
    KINDS,
    STATES,
    WAYS,
    bots_of,
    chosen_product,
    commission_words,
)
from admin.product_presets import PRESETS
from admin.product_preview import typed_card
from app.domain.links import product_link
from app.domain.payments import Provider
from app.domain.people import Role
from app.domain.products import LOW_STOCK, ProductKind, ProductState
from app.models import Product
from app.services import bots, tenants
from app.services.products import figures, lookup, stock, ways
from app.services.products.spec import body

MAX_SEARCH = 80
SIZE = 20
TABS: tuple[tuple[str, Any, Sequence[ProductState]], ...] = (
    ("", _l("All"), ()),
    ("on", _l("On sale"), (ProductState.ON_SALE,)),
    ("off", _l("Not on sale"), (ProductState.DRAFT, ProductState.OFF_SALE)),
    ("archived", _l("Archived"), (ProductState.ARCHIVED,)),
)


class ProductsView(PageView):
    """`/admin/products/`."""

    group, icon, order = Group.BUSINESS, "shopping-bag", 10
    lead = _l("What your bots sell.")
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/")
    def index_view(self) -> Any:
        """A page of the list."""
        return self.render("admin/products/list.html", **self._list())

    @expose("/live/")
    def list_live(self) -> Any:
        """The rows alone."""
        return self.render("admin/products/_list.html", **self._list())

    @expose("/details/")
    def details_view(self) -> Any:
        """One product."""
        product = chosen_product()
        links = [(bot, product_link(bot.username, product.code)) for bot in bots_of(product)]
        links = [(bot, link) for bot, link in links if link]
        ready = ways.set_up(product.tenant_id)
        written = body(product)
        working = [one for one in product.providers if Provider(str(one)) in ready]
        return self.render(
            "admin/products/details.html",
            product=product,
            kind=KINDS[product.kind],
            state=STATES[product.state],
            links=links,
            qr_code=qr_code(links[0][1]) if links else "",
            price=money(product.price_minor, product.currency),
            commission=commission_words(product),
            sold=figures.sold([product.id], viewer().timezone)[product.id],
            counts=stock.counts(product.id) if product.kind is ProductKind.DIGITAL_GOODS else None,
            left=stock.available(product),
            low=LOW_STOCK,
            payable=ways.works(product, ready),
            ways=[(*WAYS[Provider(str(one))], Provider(str(one)) in ready) for one in product.providers],
            card=typed_card(written | {"providers": working}, tenants.get(product.tenant_id).locale),
            picture=product.picture_id,
            written=written,
            may_change=viewer().may(Role.MANAGER),
        )

    @staticmethod
    def _list() -> dict[str, Any]:
        tab = next((each for each in TABS if each[0] == request.args.get("tab", "")), TABS[0])
        words = request.args.get("search", "").replace("\0", "").strip()[:MAX_SEARCH]
        page = lookup.list_all(tenant_id(), tab[2], words, page=page_number(), size=SIZE)
        ids = [product.id for product in page.products]
        sold, counts = figures.sold(ids, viewer().timezone), stock.counts_of(ids)
        ready = ways.set_up(tenant_id())
        return {
            "rows": [(product, sold[product.id], _left(product, counts)) for product in page.products],
            "unpayable": {product.id for product in page.products if not ways.works(product, ready)},
            "more": page.more,
            "page": page.number,
            "tab": tab[0],
            "tabs": [(name, label) for name, label, _ in TABS],
            "words": words,
            "kinds": KINDS,
            "states": STATES,
            "price": money,
            "low": LOW_STOCK,
            "presets": PRESETS,
            "has_bot": bool(bots.list_bots(tenant_id(), limit=1)),
            "may_change": viewer().may(Role.MANAGER),
        }


def _left(product: Product, counts: Any) -> int | None:
    """How many can be sold; None = any number."""
    if product.kind is not ProductKind.DIGITAL_GOODS:
        return product.stock
    free: int = counts[product.id].free
    return free


def views() -> list[Any]:
    """The views of this feature."""
    return [ProductsView(_l("Products"), endpoint="products")]
