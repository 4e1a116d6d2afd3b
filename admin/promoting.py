"""The terms of promoting: whether it is on, how long a binding holds, the least withdrawals, and the boss's own words."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.base import PageView
from admin.changes import refuse
from admin.guard import tenant_id, viewer
from admin.menu import Group
from admin.promoter_forms import LEAST, with_currencies
from admin.promoter_parts import decimal
from app.core.errors import AppError
from app.core.queue import transaction
from app.domain.people import Role
from app.services.affiliates import terms
from app.services.affiliates.terms import Terms


class PromotingView(PageView):
    """`/admin/promoting/`."""

    group, icon = Group.GROWTH, "percent"
    menu_of = "promoters"
    roles: ClassVar[dict[str, Role | None]] = {"save": Role.MANAGER}

    @expose("/")
    def index(self) -> Any:
        """The form, which lower roles can only read."""
        kept = terms.load(tenant_id())
        return self._page(with_currencies(self._currencies())(data=_filled(kept)))

    @expose("/", methods=("POST",))
    def save(self) -> Any:
        """Keeps the terms."""
        currencies = self._currencies()
        form = with_currencies(currencies)(request.form)
        if not form.validate():
            return self._page(form)
        try:
            with transaction():
                terms.save(tenant_id(), form.terms(currencies))
        except AppError as error:
            refuse(error, form)
            return self._page(form)
        flash(gettext("Saved."), "success")
        return redirect(url_for(".index"), 303)

    def _page(self, form: Any) -> Any:
        return self.render(
            "admin/promoters/terms.html",
            form=form,
            offered=terms.is_offered(tenant_id()),
            may_change=viewer().may(Role.MANAGER),
        )

    @staticmethod
    def _currencies() -> list[str]:
        return terms.currencies(tenant_id())


def _filled(kept: Terms) -> dict[str, Any]:
    least = {f"{LEAST}{currency}": str(decimal(minor, currency)) for currency, minor in kept.least.items()}
    return {"enabled": kept.enabled, "window_days": kept.window_days, "words": kept.words, **least}


def views() -> list[Any]:
    """The views of this feature."""
    return [PromotingView(_l("Terms of promoting"), endpoint="promoting", url="promoting")]
