"""The boss's check of the money: each day against what the payment providers say, and the callbacks that came in."""

from datetime import date, timedelta
from typing import Any, ClassVar

from flask import redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, ask_password, row_id, sent
from admin.amounts import money
from admin.base import PageView
from admin.guard import tenant_id, viewer
from admin.menu import Group
from admin.order_parts import MONEY, STATES, VERDICTS, WAYS
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.queue import transaction
from app.domain.payments import SETTLEMENTS, Difference, Settlement, Verdict
from app.domain.people import Role
from app.domain.shop_alerts import AlertKind
from app.models import Order, ReconciliationLine
from app.services import reconciliation, shop_alerts
from app.services.payments import accounts, lookup
from app.services.shop_figures import comparing, days

DAYS = 30
MOST = 200
PAGE = 50
DIFFERENCES: dict[Difference, tuple[str, Any]] = {
    Difference.NONE: ("ok", _l("Agrees")),
    Difference.UNPAID_HERE: ("bad", _l("Paid there, not paid here")),
    Difference.UNKNOWN_THERE: ("bad", _l("Paid here, not known there")),
    Difference.AMOUNT: ("bad", _l("Another amount")),
    Difference.REFUNDED_THERE: ("warn", _l("Refunded there, not here")),
    Difference.NOT_REFUNDED_THERE: ("warn", _l("Refunded here, not known there")),
}
BUTTONS: dict[Settlement, tuple[str, str, Any, Any]] = {
    Settlement.MARK_PAID: (
        "primary",
        "circle-check",
        _l("Confirm the payment"),
        _l("The order is taken as paid and delivered by itself."),
    ),
    Settlement.REFUND: ("secondary", "undo-2", _l("Pay it back"), _l("The money goes back to the buyer.")),
    Settlement.MARK_REFUNDED: (
        "primary",
        "undo-2",
        _l("Mark as refunded"),
        _l("It is written down that the money went back already."),
    ),
    Settlement.ACCEPT: (
        "quiet",
        "check",
        _l("Leave it so"),
        _l("Nothing is changed. The line counts as looked at."),
    ),
}
"""Kind, icon, words and question of each button."""


class ReconciliationView(PageView):
    """`/admin/reconciliation/`."""

    group, icon, order = Group.MONEY, "database", 30
    lead = _l("Every morning each payment of the day before is compared with the payment provider.")
    roles: ClassVar[dict[str, Role | None]] = {"settle": Role.MANAGER}

    @expose("/")
    def index_view(self) -> Any:
        """The sums of the last days, the differences, and the lines of a chosen day."""
        span = days.span(viewer().timezone, DAYS)
        day = _day()
        open_ones = reconciliation.lines(tenant_id(), open_only=True, limit=MOST)
        chosen = reconciliation.lines(tenant_id(), day, limit=MOST) if day else []
        return self.render(
            "admin/payments/reconciliation.html",
            totals=comparing.totals(tenant_id(), span.first, span.last),
            open_lines=self._with_codes(open_ones),
            day=day,
            lines=self._with_codes(chosen),
            differences=DIFFERENCES,
            settlements=SETTLEMENTS,
            buttons=BUTTONS,
            difference_of=Difference,
            theirs=MONEY,
            ours={state.value: words for state, words in STATES.items()},
            ways=WAYS,
            money=money,
            may_change=viewer().may(Role.MANAGER),
        )

    @expose("/settle/", methods=("POST",))
    def settle(self) -> Any:
        """One line, by one of its buttons; asks for the password where money is moved."""
        line_id, how, day = sent("id", "how", "day")
        if how not in list(Settlement):
            raise BadInput
        back = url_for(".index_view", day=day or None)
        with transaction():
            line = _own(row_id(line_id))
        if how != Settlement.ACCEPT and (asked := ask_password(back)) is not None:
            return asked

        def settle() -> None:
            reconciliation.settle(line.id, Settlement(how), viewer().name or viewer().email)
            if not reconciliation.lines(tenant_id(), open_only=True, limit=1):
                by = viewer().name or viewer().email
                shop_alerts.settle_kind(tenant_id(), [AlertKind.RECONCILIATION_DIFFERENCE], by)

        act(settle, gettext("Settled."))
        return redirect(back, 303)

    @staticmethod
    def _with_codes(found: list[ReconciliationLine]) -> list[tuple[ReconciliationLine, str]]:
        orders = {one.order_id: db.session.get_one(Order, one.order_id) for one in found}
        return [(one, orders[one.order_id].code) for one in found]


class CallbacksView(PageView):
    """`/admin/callbacks/`."""

    role = Role.MANAGER
    group, icon, order = Group.MONEY, "webhook", 40
    lead = _l("What payment providers told us, and what became of it.")
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/")
    def index_view(self) -> Any:
        """The newest first."""
        verdict = next((one for one in Verdict if one == request.args.get("verdict")), None)
        before = row_id(request.args.get("before", "0"))
        rows = lookup.list_events(tenant_id(), verdict, before=before, limit=PAGE + 1)
        return self.render(
            "admin/payments/callbacks.html",
            rows=rows[:PAGE],
            more=rows[PAGE - 1][0].id if len(rows) > PAGE else None,
            before=before,
            verdict=verdict,
            verdicts=VERDICTS,
            ways=WAYS,
            notify_url=accounts.notify_url(),
        )


def _own(line_id: int) -> ReconciliationLine:
    line = db.session.get(ReconciliationLine, line_id)
    if line is None or line.tenant_id != tenant_id():
        raise NotFound
    return line


def _day() -> date | None:
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return None
    return day if abs(day - date(2100, 1, 1)) < timedelta(days=36500) else None


def views() -> list[Any]:
    """The views of this file."""
    return [
        ReconciliationView(_l("Reconciliation"), endpoint="reconciliation", url="reconciliation"),
        CallbacksView(_l("Payment callbacks"), endpoint="callbacks", url="callbacks"),
    ]
