"""The first page about credits: what came and went, through which project, whether the books agree, what waits."""

from datetime import datetime
from typing import Any, Final

from flask import request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.base import PageView
from admin.credit_partner_parts import lag_rows
from admin.credit_parts import day_starts, hour_starts, source_names
from admin.credit_postings import wanting
from admin.guard import tenant_id, viewer
from admin.menu import Group
from app.domain.credits import OWN_SOURCES
from app.domain.people import Role
from app.services.credits import figures
from app.services.credits.figures import Flow, Movement
from app.services.shop_figures import days

CHOICES: Final = (1, *days.CHOICES)
MONTH: Final = 30


class CreditOverviewView(PageView):
    """`/admin/credit-overview/?days=30`."""

    group, icon, order = Group.MONEY, "coins", 10
    lead = _l("One balance for every member, whatever project it is used in.")

    @expose("/")
    def index_view(self) -> Any:
        """All of it."""
        count = _count()
        starts = _starts(count)
        stock = figures.stock(tenant_id())
        flow = figures.flow(tenant_id(), starts)
        names = source_names(one.source for one in flow.sources)
        return self.render(
            "admin/credits/overview.html",
            days=count,
            choices=CHOICES,
            stock=stock,
            flow=flow,
            chart_spec=flow_chart(flow, starts, hours=count == 1),
            rows=[_row(one, flow, names, count) for one in _movements(flow, names)],
            check=figures.last_check(tenant_id()),
            lags=lag_rows(),
            may_give=viewer().may(Role.MANAGER),
        )


def flow_chart(flow: Flow, starts: list[datetime], *, hours: bool) -> dict[str, object]:
    """What came above the line and what went below it, as `charts.js` draws it."""
    labels = [f"{at:%H:%M}" if hours else f"{at:%m-%d}" for at in starts]
    return {
        "type": "bar",
        "labels": labels,
        "stacked": True,
        "series": [
            {"name": gettext("Added"), "values": flow.came, "tone": "chart-1"},
            {"name": gettext("Taken"), "values": [-value for value in flow.went], "tone": "chart-3"},
        ],
    }


def _starts(count: int) -> list[datetime]:
    zone = viewer().timezone
    return hour_starts(zone) if count == 1 else day_starts(days.span(zone, count).days, zone)


def _movements(flow: Flow, names: dict[str, Any]) -> list[Movement]:
    """Of everybody who posted, and of the projects that did not."""
    posted = {one.source for one in flow.sources}
    return [
        *flow.sources,
        *(Movement(name) for name in names if name not in posted and name not in OWN_SOURCES),
    ]


def _row(one: Movement, flow: Flow, names: dict[str, Any], count: int) -> dict[str, Any]:
    since = days.span(viewer().timezone, count).first
    return {
        "one": one,
        "name": names[one.source],
        "project": one.source not in OWN_SOURCES,
        "share": round(100 * one.moved / flow.moved) if flow.moved else 0,
        "url": url_for("credit_postings.index_view", **wanting(source=one.source, since=since)),
    }


def _count() -> int:
    asked = request.args.get("days", "")
    return next((count for count in CHOICES if str(count) == asked), MONTH)


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditOverviewView(_l("Credits"), endpoint="credit_overview", url="credit-overview")]
