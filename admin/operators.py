"""The operator's pages: all tenants, and how the system is."""

from typing import Any

from flask import redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, row_id, sent
from admin.base import PageView
from admin.dashboard import STATES
from admin.guard import find_viewer
from admin.menu import Group
from app.core.tenancy import system_scope
from app.domain.bots import BotState
from app.domain.people import Role
from app.services import deployment, tenants

PAGE = 20
MOST_PAGES = 100_000


class OperatorPage(PageView):
    """A page for operators only, over all tenants."""

    group = Group.PLATFORM

    def is_accessible(self) -> bool:
        """Operators only."""
        found = find_viewer()
        return found is not None and found.is_operator

    def check_role(self, needed: Role) -> None:
        """An operator may do whatever these pages offer."""
        del needed

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        with system_scope():
            return super()._run_view(fn, *args, **kwargs)


class TenantsView(OperatorPage):
    """`/admin/tenants/`."""

    icon, order = "building-2", 10
    lead = _l("Everybody who runs a business here.")

    @expose("/")
    def index_view(self) -> Any:
        """All tenants, newest first."""
        search = request.args.get("search", "").strip()[:100].replace("\x00", "")
        page = min(row_id(request.args.get("page", "0")), MOST_PAGES)
        rows, total = tenants.list_all(search=search, page=page, size=PAGE)
        return self.render(
            "admin/operators/tenants.html",
            rows=rows,
            total=total,
            search=search,
            page=page,
            pages=-(-total // PAGE),
        )

    @expose("/suspend/", methods=("POST",))
    def suspend(self) -> Any:
        """Closes a tenant's pages and silences its bots."""
        (key,) = sent("id")
        act(lambda: tenants.suspend(row_id(key)), gettext("Suspended. Its data stays."))
        return redirect(url_for(".index_view"), 303)

    @expose("/resume/", methods=("POST",))
    def resume(self) -> Any:
        """Opens it again."""
        (key,) = sent("id")
        act(lambda: tenants.resume(row_id(key)), gettext("Open again."))
        return redirect(url_for(".index_view"), 303)


class SystemView(OperatorPage):
    """`/admin/system/`."""

    icon, order = "activity", 20
    lead = _l("Queues, workers and bots right now.")

    @expose("/")
    def index(self) -> Any:
        """The figures."""
        return self.render("admin/operators/system.html", **_facts())

    @expose("/live/")
    def live(self) -> Any:
        """The figures alone."""
        return self.render("admin/operators/_system.html", **_facts())


def _facts() -> dict[str, Any]:
    facts = deployment.facts()
    return {"facts": facts, "bots": [(STATES[BotState(state)][1], n) for state, n in facts.bots.items()]}


def views() -> list[Any]:
    """The views of this feature."""
    return [
        TenantsView(_l("Tenants"), endpoint="tenants", url="tenants"),
        SystemView(_l("System"), endpoint="system", url="system"),
    ]
