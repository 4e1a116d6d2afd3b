"""Outgoing sync: the partners that get every change, how far each is, and what a boss can do about it."""

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, ask_password, sent
from admin.base import PageView
from admin.changes import tried
from admin.credit_client_parts import chosen, shown_once, verifier_example
from admin.credit_partner_form import NewPartnerForm, PartnerForm, stored
from admin.credit_partner_parts import LagRow, lag_rows
from admin.credit_parts import source_names
from admin.guard import tenant_id
from admin.menu import Group
from app.core import clock
from app.core.queue import transaction
from app.domain.people import Role
from app.models import CreditPartner
from app.services.credit_sync import partners


class CreditPartnersView(PageView):
    """`/admin/credit-partners/`."""

    role = Role.MANAGER
    group, menu_of = Group.MONEY, "credit_overview"
    lead = _l("Partners with balances of their own get every change from here.")

    # --- looking
    @expose("/")
    def index_view(self) -> Any:
        """All partners."""
        return self.render("admin/credit_partners/list.html", lags=lag_rows())

    @expose("/live/")
    def list_live(self) -> Any:
        """The list alone."""
        return self.render("admin/credit_partners/_list.html", lags=lag_rows())

    @expose("/details/")
    def details_view(self) -> Any:
        """One partner."""
        row = _row()
        return self.render(
            "admin/credit_partners/details.html",
            row=row,
            which=_which(row.partner),
            now=clock.now(),
            example=verifier_example(row.partner.url, row.partner.key_id, "…"),
        )

    @expose("/details/live/")
    def details_live(self) -> Any:
        """How far it is."""
        return make_response(self.render("admin/credit_partners/_state.html", row=_row()))

    # --- changing
    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new partner; its secret is shown in the answer."""
        if (asked := ask_password(url_for(".create_view"))) is not None:
            return asked
        form: Any = NewPartnerForm(request.form or None)
        if request.method == "POST" and form.validate():
            made = tried(
                form,
                lambda: partners.create(
                    tenant_id(), form.name.data, form.url.data, start=form.start.data, **form.filters()
                ),
            )
            if made is not None:
                return self._shown(made)
        return self.render("admin/credit_partners/new.html", form=form)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Name, address, and what is sent."""
        partner = chosen(CreditPartner)
        if (asked := ask_password(url_for(".edit_view", id=partner.id))) is not None:
            return asked
        form: Any = PartnerForm(request.form or None, data=stored(partner))
        if request.method == "POST" and form.validate():
            wanted = {"name": form.name.data, "url": form.url.data, **form.filters()}
            if tried(form, lambda: partners.change(partner.id, **wanted)) is not None:
                flash(gettext("Saved"), "success")
                return self._back(partner)
        return self.render("admin/credit_partners/edit.html", form=form, partner=partner)

    @expose("/secret/", methods=("GET", "POST"))
    def secret_view(self) -> Any:
        """A new secret; the old one signs as well for a while."""
        partner = chosen(CreditPartner)
        if (asked := ask_password(url_for(".secret_view", id=partner.id))) is not None:
            return asked
        if request.method == "POST":
            sent("id")
            with transaction():
                made = partners.new_secret(partner.id)
            return self._shown(made)
        return self.render("admin/credit_partners/secret.html", partner=partner)

    @expose("/pause/", methods=("POST",))
    def pause(self) -> Any:
        """Sends nothing for now."""
        return self._do(partners.pause, gettext("Paused. Changes are kept and sent once you resume."))

    @expose("/resume/", methods=("POST",))
    def resume(self) -> Any:
        """Goes on."""
        return self._do(partners.resume, gettext("It goes on where it stopped."))

    @expose("/try-now/", methods=("POST",))
    def try_now(self) -> Any:
        """Does not wait for the next try."""
        return self._do(partners.try_now, gettext("It is tried now."))

    @expose("/remove/", methods=("POST",))
    def remove(self) -> Any:
        """Forgets it."""
        partner = chosen(CreditPartner)
        sent("id")
        if (asked := ask_password(url_for(".details_view", id=partner.id))) is not None:
            return asked
        act(lambda: partners.remove(partner.id), gettext("Removed"))
        return redirect(url_for(".index_view"), 303)

    # --- helpers
    def _do(self, do: Any, said: str) -> Any:
        partner = chosen(CreditPartner)
        sent("id")
        act(lambda: do(partner.id), said)
        return self._back(partner)

    def _shown(self, made: partners.NewPartner) -> Any:
        return shown_once(
            self.render(
                "admin/credit_partners/made.html",
                partner=made.partner,
                key_id=made.key_id,
                secret_key=made.secret_key,
                example=verifier_example(made.partner.url, made.key_id, made.secret_key),
            )
        )

    @staticmethod
    def _back(partner: CreditPartner) -> Any:
        return redirect(url_for(".details_view", id=partner.id), 303)


def _row() -> LagRow:
    partner = chosen(CreditPartner)
    return next(row for row in lag_rows() if row.partner.id == partner.id)


def _which(partner: CreditPartner) -> str:
    """What is sent, in words."""
    if partner.sources:
        found = [str(source) for source in partner.sources]
        names = source_names(found)
        return "、".join(str(names[source]) for source in found)
    if partner.except_source:
        name = source_names([partner.except_source])[partner.except_source]
        return str(gettext("All but those of %(source)s", source=name))
    return str(gettext("All of them"))


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditPartnersView(_l("Outgoing sync"), endpoint="credit_partners", url="credit-partners")]
