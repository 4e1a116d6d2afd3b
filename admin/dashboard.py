"""The home page: how the bots are, what happened today, what waits, what to do next. Its parts refresh by themselves."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import current_app, redirect, url_for
from flask_admin import AdminIndexView, expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.amounts import money
from admin.audit import actor, sentence
from admin.credit_partner_parts import lag_rows
from admin.dead_letters import DeadLettersView
from admin.forms import viewer_zone
from admin.guard import Guarded, tenant_id, viewer
from admin.members import newcomers
from admin.sales import revenue_chart
from admin.shop_alerts import told
from app.core import clock
from app.domain.bots import BotState
from app.domain.people import Role
from app.models import Bot
from app.services import dashboard, dead_letters, shop_alerts
from app.services.lotteries import figures
from app.services.shop_figures import days, revenue
from app.services.shop_figures.today import today as shop_today

WEEK, MOST_CHARTS, MOST_ALERTS = 7, 2, 3
STATES: dict[BotState, tuple[str, Any]] = {
    BotState.STARTING: ("busy", _l("Starting")),
    BotState.RUNNING: ("ok", _l("Running")),
    BotState.STOPPED: ("idle", _l("Stopped")),
    BotState.REVOKED: ("bad", _l("Token refused")),
    BotState.CONFLICT: ("bad", _l("Used elsewhere")),
    BotState.UNREACHABLE: ("warn", _l("Not connected")),
}


def state_of(bot: Bot) -> tuple[str, Any]:
    """Tone and words for a bot's state."""
    return STATES[BotState.STOPPED] if not bot.enabled else STATES[bot.state]


def today_chart(today: dashboard.Today, entries: Sequence[int] = ()) -> dict[str, object]:
    """Updates and entries to lotteries per hour of the day as `charts.js` draws them."""
    series: list[dict[str, object]] = [
        {"name": gettext("Answered"), "values": [handled for _, handled, _ in today.hours], "tone": "chart-1"}
    ]
    if today.failed:
        series.append(
            {"name": gettext("Failed"), "values": [failed for _, _, failed in today.hours], "tone": "bad"}
        )
    if any(entries):
        series.append({"name": gettext("Lottery entries"), "values": list(entries), "tone": "chart-2"})
    return {
        "type": "bar",
        # Entries are no part of the messages, so they stand beside them.
        "stacked": not any(entries),
        "labels": [f"{hour:02}:00" for hour, _, _ in today.hours],
        "series": series,
    }


def shop(tenant: int, zone: str) -> dict[str, Any]:
    """What a shop's boss sees first; a tenant that sells nothing sees nothing of it."""
    today = shop_today(tenant, zone)
    found = revenue.revenue(tenant, days.span(zone, WEEK)) if today.sells else None
    charts = [(one, revenue_chart(found, one)) for one in found.currencies] if found else []
    return {
        "shop": today,
        "shop_charts": charts[:MOST_CHARTS],
        "alerts": told(shop_alerts.list_open(tenant, limit=MOST_ALERTS)),
        "open_alerts": shop_alerts.count_open(tenant),
        "money": money,
    }


class HomeView(Guarded, AdminIndexView):
    """`/admin/`."""

    icon = "house"
    order = 0
    phone_tab = True
    roles: ClassVar[dict[str, Role | None]] = {}

    def __init__(self) -> None:
        super().__init__(name=_l("Home"))

    @expose("/")
    def index(self) -> Any:
        """The whole page."""
        if viewer().tenant_id is None:
            return redirect(url_for("tenants.index_view"))
        return self.render("admin/home.html", **self._facts())

    @expose("/live/")
    def live(self) -> Any:
        """The part that changes by itself."""
        return self.render("admin/_home_live.html", **self._facts())

    def _facts(self) -> dict[str, Any]:
        me, tenant = viewer(), tenant_id()
        today = dashboard.today(tenant, me.timezone)
        lotteries = figures.today(tenant, me.timezone)
        return {
            "steps": dashboard.steps(tenant, me.user_id),
            "today": today,
            "chart_of_today": today_chart(today, lotteries.hours),
            "lotteries": lotteries,
            **shop(tenant, me.timezone),
            "tiles": dashboard.tiles(tenant, me.timezone),
            "newcomers": newcomers(clock.now().astimezone(viewer_zone()).date()),
            "members": dashboard.member_count(tenant),
            "dead": dead_letters.count(tenant) if me.may(DeadLettersView.role) else 0,
            "lags": lag_rows(),
            "events": dashboard.recent_changes(tenant) if me.may(Role.MANAGER) else [],
            "state_of": state_of,
            "sentence": sentence,
            "actor": actor,
            "can_add_bot": me.may(Role.MANAGER) and "bots.create_view" in current_app.view_functions,
        }
