"""What a boss allows with credits: unknown users, gifts between members, balances below zero."""

from typing import Any, ClassVar

from flask import redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, IntegerField
from wtforms.validators import InputRequired, NumberRange, Optional

from admin.acts import act
from admin.base import PageView
from admin.forms import AdminForm
from admin.guard import tenant_id, viewer
from admin.menu import Group
from app.domain import credits as rules
from app.domain.people import Role
from app.services.credits import figures, settings
from app.services.credits.settings import Settings


class RulesForm(AdminForm):
    """What members and projects may do."""

    auto_create = BooleanField(_l("Accounts for unknown users"), render_kw={"data-switch": True})
    transfers = BooleanField(_l("Members may give each other credits"), render_kw={"data-switch": True})
    transfer_daily = IntegerField(
        _l("The most that one member may give away in a day"),
        [Optional(), NumberRange(min=1, max=rules.MAX_AMOUNT)],
    )

    def changes(self) -> dict[str, Any]:
        """What is to be saved; a limit that is not shown stays as it is."""
        values = self.values()
        return (
            values if self.transfers.data else {name: values[name] for name in ("auto_create", "transfers")}
        )


class OverdraftForm(AdminForm):
    """How far balances may fall. `confirmed` repeats a larger number after the warning was read."""

    overdraft = IntegerField(
        _l("Overdraft of each member"), [InputRequired(), NumberRange(0, rules.MAX_AMOUNT)]
    )
    confirmed = HiddenField()


class CreditSettingsView(PageView):
    """`/admin/credit-settings/`: everybody reads it, managers change rules, owners the overdraft."""

    group, icon, menu_of = Group.MONEY, "coins", "credit_overview"
    lead = _l("What your members and projects may do with credits.")
    roles: ClassVar[dict[str, Role | None]] = {"save": Role.MANAGER, "overdraft": Role.OWNER}

    @expose("/")
    def index_view(self) -> Any:
        """The rules as they are."""
        return self._page()

    @expose("/save/", methods=("POST",))
    def save(self) -> Any:
        """Changes what members and projects may do."""
        form = RulesForm(request.form or None)
        if form.validate() and act(lambda: settings.save(tenant_id(), **form.changes()), gettext("Saved")):
            return redirect(url_for(".index_view"), 303)
        return self._page(rules_form=form)

    @expose("/overdraft/", methods=("POST",))
    def overdraft(self) -> Any:
        """Changes how far balances may fall; a wider one only after its warning was read."""
        form = OverdraftForm(request.form or None)
        if not form.validate():
            return self._page(overdraft_form=form)
        wanted = form.overdraft.data
        if wanted > settings.get(tenant_id()).overdraft and form.confirmed.data != str(wanted):
            form.confirmed.data = str(wanted)
            return self._page(overdraft_form=form, asked=wanted)
        act(lambda: settings.save(tenant_id(), overdraft=wanted), gettext("Saved"))
        return redirect(url_for(".index_view"), 303)

    def _page(
        self, rules_form: RulesForm | None = None, overdraft_form: OverdraftForm | None = None, asked: int = 0
    ) -> str:
        now: Settings = settings.get(tenant_id())
        stock = figures.stock(tenant_id())
        return self.render(
            "admin/credits/settings.html",
            now=now,
            stock=stock,
            asked=asked,
            rules_form=rules_form or RulesForm(formdata=None, obj=now),
            overdraft_form=overdraft_form or OverdraftForm(formdata=None, obj=now),
            may_change=viewer().may(Role.MANAGER),
            may_overdraw=viewer().may(Role.OWNER),
        )


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditSettingsView(_l("Rules for credits"), endpoint="credit_settings", url="credit-settings")]
