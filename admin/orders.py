"""The boss's orders: the list with its filters and files, and one order from the first press to the delivery."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import make_response, request
from flask_admin import expose
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from admin.acts import MOST_DIGITS
from admin.amounts import money
from admin.base import PageView
from admin.exports import download
from admin.forms import viewer_zone
from admin.guard import tenant_id, viewer
from admin.lotteries import page_number
from admin.lottery_parts import person
from admin.menu import Group
from admin.order_facts import facts_of
from admin.order_parts import STATES, WAYS, chosen_order, state_of
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.orders import OrderState
from app.domain.payments import Provider
from app.domain.people import Role
from app.models import Product
from app.services import audit
from app.services.orders import exports, listing
from app.services.orders.exports import Format
from app.services.orders.listing import Wanted

MAX_SEARCH = 100
MOST_PRODUCTS = 300
WORKING = (OrderState.PAID, OrderState.GENERATING)
TABS: tuple[tuple[str, Any, tuple[OrderState, ...]], ...] = (
    ("", _l("All"), ()),
    ("todo", _l("Waits for you"), ()),
    ("working", _l("In work"), WORKING),
    ("pending", _l("Not paid"), (OrderState.PENDING,)),
    ("completed", _l("Completed"), (OrderState.COMPLETED,)),
    ("failed", _l("Failed"), (OrderState.FAILED,)),
    ("refunded", _l("Refunded"), (OrderState.REFUNDED,)),
    ("expired", _l("Not paid, closed"), (OrderState.EXPIRED,)),
)
FILTERS = ("product", "provider", "since", "until", "search", "buyer")
PACE = {
    OrderState.PENDING: "5",
    OrderState.PAID: "2",
    OrderState.GENERATING: "2",
    OrderState.COMPLETED: "20",
    OrderState.FAILED: "10",
    OrderState.EXPIRED: "15",
    OrderState.REFUNDED: "15",
}
"""Seconds between looks at an order's page, by its state."""


class OrdersView(PageView):
    """`/admin/orders/`."""

    group, icon, order, phone_tab = Group.BUSINESS, "receipt", 5, True
    lead = _l("Who bought what, and how far it is.")
    roles: ClassVar[dict[str, Role | None]] = {"export": Role.MANAGER}

    @expose("/")
    def index_view(self) -> Any:
        """A page of the list."""
        products = db.session.execute(
            select(Product.id, Product.name)
            .where(Product.tenant_id == tenant_id())
            .order_by(Product.name)
            .limit(MOST_PRODUCTS)
        ).all()
        return self.render("admin/orders/list.html", products=products, **self._list())

    @expose("/live/")
    def list_live(self) -> Any:
        """The rows alone."""
        return self.render("admin/orders/_list.html", **self._list())

    @expose("/details/")
    def details_view(self) -> Any:
        """One order."""
        return self.render("admin/orders/details.html", **facts_of(chosen_order()))

    @expose("/details/live/")
    def details_live(self) -> Any:
        """What changes of one order by itself."""
        order = chosen_order()
        page = make_response(self.render("admin/orders/_order.html", **facts_of(order)))
        page.headers["Live-Every"] = PACE[order.state]
        return page

    @expose("/export/")
    def export(self) -> Any:
        """What the list shows, as a file."""
        if request.args.get("kind") not in list(Format):
            raise NotFound
        kind, (_, wanted) = Format(request.args["kind"]), wanted_now()
        words = {state.value: str(text) for state, (_, text) in STATES.items()}
        words |= {way.value: str(text) for way, text in WAYS.items()}
        with transaction():
            # Whoever takes the list of customers along is named in the log.
            audit.record(tenant_id(), "orders.exported", ("orders", "", ""))
            return download(
                lambda file: exports.write(
                    listing.every(tenant_id(), wanted),
                    kind,
                    file,
                    locale=str(get_locale()),
                    zone=viewer().timezone,
                    words=words,
                ),
                exports.MIME_TYPES[kind],
                f"orders-{datetime.now(viewer_zone()):%Y%m%d-%H%M}.{kind}",
            )

    @staticmethod
    def _list() -> dict[str, Any]:
        tab, wanted = wanted_now()
        page = page_number()
        rows = listing.page(tenant_id(), wanted, page)
        kept = {name: value for name in FILTERS if (value := request.args.get(name, "").strip()[:MAX_SEARCH])}
        return {
            "rows": rows[: listing.PAGE],
            "more": len(rows) > listing.PAGE,
            "page": page,
            "tab": tab,
            "tabs": [(name, label) for name, label, _ in TABS],
            "todo": listing.todo_count(tenant_id()),
            "kept": kept,
            "ways": WAYS,
            "state_of": state_of,
            "money": money,
            "person": person,
            "may_change": viewer().may(Role.MANAGER),
        }


def wanted_now() -> tuple[str, Wanted]:
    """(tab, what the list is narrowed by) as the address says; values that make no sense narrow nothing."""
    tab = next((each for each in TABS if each[0] == request.args.get("tab", "")), TABS[0])
    until = _day("until")
    return tab[0], Wanted(
        states=tab[2],
        todo=tab[0] == "todo",
        product_id=_number("product"),
        provider=next((one for one in Provider if one == request.args.get("provider")), None),
        telegram_id=_number("buyer"),
        since=_day("since"),
        until=until + timedelta(days=1) if until else None,
        words=request.args.get("search", "").replace("\0", "").strip()[:MAX_SEARCH],
    )


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _day(name: str) -> datetime | None:
    """Midnight of a day in the tenant's zone; far-off years are no days of ours."""
    try:
        day = datetime.strptime(request.args.get(name, ""), "%Y-%m-%d").replace(tzinfo=viewer_zone())
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


def views() -> list[Any]:
    """The views of this feature."""
    return [OrdersView(_l("Orders"), endpoint="orders", url="orders")]
