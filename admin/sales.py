"""Sales figures: money by day and currency, how far people come with each product, what sells, what AI costs."""

from collections.abc import Iterable
from typing import Any, ClassVar

from flask import request
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.amounts import money
from admin.base import PageView
from admin.exports import download
from admin.guard import tenant_id, viewer
from admin.menu import Group
from admin.order_parts import STATES
from app.core import csv_files
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.money import Money
from app.domain.orders import OrderState
from app.domain.people import Role
from app.services import audit
from app.services.shop_figures import days, funnel, revenue, top
from app.services.shop_figures.days import Span
from app.services.shop_figures.funnel import Funnel
from app.services.shop_figures.revenue import Revenue

STEPS = (_l("Looked at it"), _l("Began"), _l("Ordered"), _l("Paid"), _l("Has it"))
MONTH = 30
MICRO = 1_000_000


class SalesView(PageView):
    """`/admin/sales/?days=30`."""

    group, icon, order = Group.BUSINESS, "chart-column", 8
    lead = _l("What comes in, what sells, and where buyers stop.")
    roles: ClassVar[dict[str, Role | None]] = {"export": Role.MANAGER}

    @expose("/")
    def index_view(self) -> Any:
        """All of them."""
        count = _count()
        span = days.span(viewer().timezone, count)
        found = revenue.revenue(tenant_id(), span)
        funnels = funnel.funnels(tenant_id(), span)
        return self.render(
            "admin/sales/index.html",
            days=count,
            choices=days.CHOICES,
            revenue=found,
            charts=[(one, revenue_chart(found, one)) for one in found.currencies],
            states=[(STATES[state], found.states.get(state, 0), TAB_OF[state]) for state in OrderState],
            made=sum(found.states.values()),
            funnels=[(one, funnel_chart([one])) for one in funnels],
            whole=funnel_chart(funnels),
            step_names=STEPS,
            products=top.products(tenant_id(), span),
            promoters=top.promoters(tenant_id(), span),
            cost=sum(found.cost_micro) / MICRO,
            cost_chart=cost_chart(found),
            money=money,
            may_export=viewer().may(Role.MANAGER),
        )

    @expose("/export/")
    def export(self) -> Any:
        """The money by day, or the funnel, as a CSV file."""
        what, span = request.args.get("what", ""), days.span(viewer().timezone, _count())
        if what not in {"days", "funnel"}:
            raise NotFound
        with transaction():
            audit.record(tenant_id(), "sales.exported", ("sales", "", ""))
            header, rows = _days_csv(span) if what == "days" else _funnel_csv(span)
            return download(
                lambda file: csv_files.write(file, header, rows),
                "text/csv",
                f"sales-{what}-{span.first}-{span.last}.csv",
            )


TAB_OF = {
    OrderState.PENDING: "pending",
    OrderState.PAID: "working",
    OrderState.GENERATING: "working",
    OrderState.COMPLETED: "completed",
    OrderState.EXPIRED: "expired",
    OrderState.FAILED: "failed",
    OrderState.REFUNDED: "refunded",
}
"""The tab of the list of orders in which orders of a state stand."""


def revenue_chart(found: Revenue, one: revenue.Money) -> dict[str, object]:
    """One currency's days as `charts.js` draws them, in whole units of the currency."""
    series: list[dict[str, object]] = [
        {"name": gettext("Received"), "values": _units(one.received, one.currency), "tone": "chart-1"}
    ]
    if any(one.refunded):
        back = _units(one.refunded, one.currency)
        series.append({"name": gettext("Refunded"), "values": back, "tone": "bad"})
    labels = [f"{day:%m-%d}" for day in found.days]
    return {"type": "bar" if len(labels) <= MONTH else "line", "labels": labels, "series": series}


def cost_chart(found: Revenue) -> dict[str, object]:
    """What reports cost by day, in US dollars."""
    values = [round(cost / MICRO, 4) for cost in found.cost_micro]
    labels = [f"{day:%m-%d}" for day in found.days]
    return {
        "type": "bar",
        "labels": labels,
        "series": [{"name": "US$", "values": values, "tone": "chart-3"}],
        "precision": 3,
    }


def funnel_chart(funnels: Iterable[Funnel]) -> list[tuple[str, int, int]]:
    """(step, persons, the most of any step) of products added up."""
    sums = [sum(numbers) for numbers in zip(*(one.steps for one in funnels), strict=True)] or [0] * len(STEPS)
    most = max([*sums, 1])
    return [(str(name), number, most) for name, number in zip(STEPS, sums, strict=True)]


def _units(values: Iterable[int], currency: str) -> list[float]:
    return [float(Money(value, currency).decimal()) for value in values]


def _count() -> int:
    asked = request.args.get("days", "")
    return next((count for count in days.CHOICES if str(count) == asked), MONTH)


def _days_csv(span: Span) -> tuple[list[str], Iterable[list[object]]]:
    found = revenue.revenue(tenant_id(), span)
    header = [gettext("Date"), gettext("Currency"), gettext("Received"), gettext("Refunded"), gettext("Net")]
    rows: list[list[object]] = []
    for one in found.currencies:
        for day, came, went in zip(found.days, one.received, one.refunded, strict=True):
            amounts = [str(Money(value, one.currency).decimal()) for value in (came, went, came - went)]
            rows.append([day, one.currency, *amounts])
    return header, rows


def _funnel_csv(span: Span) -> tuple[list[str], Iterable[list[object]]]:
    header = [gettext("Product"), *(str(name) for name in STEPS)]
    return header, [[one.name, *one.steps] for one in funnel.funnels(tenant_id(), span)]


def views() -> list[Any]:
    """The views of this feature."""
    return [SalesView(_l("Sales figures"), endpoint="sales", url="sales")]
