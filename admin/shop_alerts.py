"""What the boss must see about orders and money: open until he says that it is settled."""

from typing import Any, ClassVar

from flask import make_response, redirect, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, row_id, sent
from admin.base import PageView
from admin.guard import find_viewer, tenant_id, viewer
from admin.menu import Group
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.people import Role
from app.domain.shop_alerts import AlertKind
from app.models import ShopAlert
from app.services import audit, shop_alerts

SHOWN = 100
TONES = {
    AlertKind.LOW_STOCK: "warn",
    AlertKind.MANUAL_ORDER: "info",
    AlertKind.TRANSFER_CLAIMED: "info",
    AlertKind.WITHDRAWAL_REQUESTED: "info",
    AlertKind.SPENDING_CAP: "warn",
    AlertKind.PARTNER_FAILING: "warn",
    AlertKind.PARTNER_WELL: "info",
    AlertKind.PARTNER_LETTERS: "warn",
}


class AlertsView(PageView):
    """`/admin/alerts/`."""

    group, icon, order = Group.BUSINESS, "bell", 6
    lead = _l("What needs you: orders, payments, stock, services.")
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(("settle", "settle_all"), Role.SUPPORT)

    def menu_count(self) -> int:
        """How many are open."""
        found = find_viewer()
        return shop_alerts.count_open(found.tenant_id) if found is not None and found.tenant_id else 0

    @expose("/")
    def index_view(self) -> Any:
        """Open ones, and the last that were settled."""
        return self.render("admin/alerts/index.html", **self._facts())

    @expose("/live/")
    def live(self) -> Any:
        """The list alone."""
        page = make_response(self.render("admin/alerts/_alerts.html", **self._facts()))
        page.headers["Live-Every"] = "8"
        return page

    @expose("/settle/", methods=("POST",))
    def settle(self) -> Any:
        """One of them."""
        alert_id = row_id(sent("id")[0])
        with transaction():
            alert = _own(alert_id)
        act(lambda: _settle([alert]), gettext("Settled."))
        return redirect(url_for(".index_view"), 303)

    @expose("/settle-all/", methods=("POST",))
    def settle_all(self) -> Any:
        """All that were open when the page was made, up to the newest that it showed."""
        newest = row_id(sent("newest")[0])
        act(
            lambda: _settle(
                [one for one in shop_alerts.list_open(tenant_id(), limit=SHOWN) if one.id <= newest]
            ),
            gettext("Settled."),
        )
        return redirect(url_for(".index_view"), 303)

    @staticmethod
    def _facts() -> dict[str, Any]:
        return {
            "rows": told(shop_alerts.list_open(tenant_id(), limit=SHOWN)),
            "settled": told(shop_alerts.list_settled(tenant_id())),
            "may_settle": viewer().may(Role.SUPPORT),
        }


def told(alerts: list[ShopAlert]) -> list[tuple[ShopAlert, str, str, str]]:
    """(alert, tone, words, the page where it is settled)."""
    locale = str(get_locale())
    return [
        (one, TONES.get(AlertKind(one.kind), "bad"), shop_alerts.words(one, locale), shop_alerts.path(one))
        for one in alerts
    ]


def _own(alert_id: int) -> ShopAlert:
    alert = shop_alerts.get(alert_id)
    if alert.tenant_id != tenant_id():
        raise NotFound
    return alert


def _settle(alerts: list[ShopAlert]) -> None:
    name = viewer().name or viewer().email
    for alert in alerts:
        if shop_alerts.settle(alert.id, name):
            audit.record(
                alert.tenant_id, "shop_alert.settled", ("shop_alert", alert.id, ""), {"kind": alert.kind}
            )


def views() -> list[Any]:
    """The views of this feature."""
    return [AlertsView(_l("Alerts"), endpoint="alerts", url="alerts")]
