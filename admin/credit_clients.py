"""Partner projects that post credits: the list, a new one, and the page of one with its keys."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, ask_password, row_id, sent
from admin.base import PageView
from admin.changes import tried
from admin.credit_client_parts import (
    SCOPES,
    base_url,
    chosen,
    client_state,
    key_state,
    keys_by_client,
    last_use,
    sdk_example,
    works,
)
from admin.credit_key_form import ClientForm, LimitsForm
from admin.guard import tenant_id
from admin.menu import Group
from app.core import clock
from app.domain.credit_clients import MAX_KEYS
from app.domain.credits import OWN_SOURCES
from app.domain.people import Role
from app.domain.plans import API_CALLS, Plan
from app.models import CreditClient
from app.services import tenants
from app.services.credit_clients import manage


class CreditClientsView(PageView):
    """`/admin/credit-clients/`."""

    role = Role.MANAGER
    group, menu_of = Group.MONEY, "credit_overview"
    lead = _l("Programs of yours or your partners that post to the same balances.")

    @expose("/")
    def index_view(self) -> Any:
        """All projects."""
        rows = manage.list_clients(tenant_id())
        keys = keys_by_client([row.id for row in rows])
        now = clock.now()
        return self.render(
            "admin/credit_clients/list.html",
            rows=[
                (
                    row,
                    client_state(row, keys[row.id]),
                    sum(works(key, now) for key in keys[row.id]),
                    last_use(keys[row.id]),
                )
                for row in rows
            ],
            hourly=_hourly(),
        )

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new project; its first key is made next."""
        if (asked := ask_password(url_for(".create_view"))) is not None:
            return asked
        form: Any = ClientForm(request.form or None)
        if request.method == "POST" and form.validate():
            wanted = form.source.data, form.name.data
            made = tried(form, lambda: manage.create_client(tenant_id(), *wanted), "source")
            if made is not None:
                flash(gettext("Created. Now make its first key."), "success")
                return redirect(url_for("credit_keys.create_view", client=made.id), 303)
        return self.render("admin/credit_clients/new.html", form=form, reserved=sorted(OWN_SOURCES))

    @expose("/details/")
    def details_view(self) -> Any:
        """One project: its keys, and how a developer begins."""
        client = chosen(CreditClient)
        keys, now = keys_by_client([client.id])[client.id], clock.now()
        working = [key for key in keys if works(key, now)]
        return self.render(
            "admin/credit_clients/details.html",
            client=client,
            state=client_state(client, keys),
            rows=[(key, key_state(key, now), key in working) for key in keys],
            full=len(working) >= MAX_KEYS,
            most=MAX_KEYS,
            scopes=SCOPES,
            hourly=_hourly(),
            base_url=base_url(),
            example=sdk_example(client, working[0].key_id + ".…" if working else "ck_….…", "…"),
        )

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Name and limits."""
        client = chosen(CreditClient)
        form: Any = LimitsForm(request.form or None, obj=client)
        if request.method == "POST" and form.validate():
            values = form.values()
            if act(lambda: manage.change_client(client.id, **values), gettext("Saved")):
                return redirect(url_for(".details_view", id=client.id), 303)
        return self.render("admin/credit_clients/edit.html", form=form, client=client, hourly=_hourly())

    @expose("/switch-off/", methods=("POST",))
    def switch_off(self) -> Any:
        """Refuses all its calls."""
        return self._switch(gettext("Switched off. Its calls are refused from now on."), disabled=True)

    @expose("/switch-on/", methods=("POST",))
    def switch_on(self) -> Any:
        """Takes its calls again."""
        return self._switch(gettext("Switched on. Its keys work again."), disabled=False)

    @staticmethod
    def _switch(said: str, *, disabled: bool) -> Any:
        client = chosen(CreditClient)
        row_id(sent("id")[0])
        act(lambda: manage.change_client(client.id, disabled=disabled), said)
        return redirect(url_for(".details_view", id=client.id), 303)


def _hourly() -> int:
    """The plan's calls in an hour, shared by all projects."""
    return API_CALLS[Plan(tenants.get(tenant_id()).plan)]


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditClientsView(_l("Projects and keys"), endpoint="credit_clients", url="credit-clients")]
