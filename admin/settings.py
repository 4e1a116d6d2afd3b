"""The tenant's own settings: name, language, time zone, addresses, API keys, and its data as a whole."""

import tempfile
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from flask import flash, redirect, request, send_file, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from admin.acts import act, ask_password, row_id, sent
from admin.base import PageView
from admin.forms import AdminForm, CleanStringField
from admin.guard import tenant_id, viewer
from admin.menu import Group
from app.core.db import db
from app.core.errors import AppError, NotFound
from app.core.i18n import EN, ZH
from app.core.outbound import FetchFailed, safe_fetch
from app.core.queue import transaction
from app.core.safe_url import UnsafeUrl
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain.people import Role
from app.domain.tenants import MAX_NAME
from app.services import api_keys, domains, tenant_data, tenants

NOT_PLACES = ("Etc/", "posix/", "right/", "SystemV/")
ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(NOT_PLACES))
FIRST_ZONES = ("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Taipei", "UTC")


class BasicsForm(AdminForm):
    """What is asked for first."""

    name = CleanStringField(_l("Name of your business"), [InputRequired(), Length(max=MAX_NAME)])
    locale = SelectField(
        _l("Language of your bots"), choices=[SelectChoice(ZH, "简体中文"), SelectChoice(EN, "English")]
    )
    timezone = SelectField(
        _l("Time zone"), choices=[SelectChoice(zone) for zone in dict.fromkeys((*FIRST_ZONES, *ZONES))]
    )


class AddressForm(BasicsForm):
    """The same where tenants have addresses under TENANT_DOMAIN."""

    slug = CleanStringField(_l("Short address"), [Length(max=40)])


class DomainForm(AdminForm):
    """A host name of one's own."""

    host = CleanStringField(
        _l("Domain"), [InputRequired(), Length(max=253)], render_kw={"placeholder": "shop.example.com"}
    )


class KeyForm(AdminForm):
    """What a new key is for."""

    name = CleanStringField(_l("What is it for?"), [InputRequired(), Length(max=MAX_NAME)])


class SettingsView(PageView):
    """`/admin/settings/`; owners only."""

    role = Role.OWNER
    group, icon, order = Group.SETTINGS, "settings", 10
    lead = _l("Name, language and time zone of your business.")

    # --- basics
    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Name, language, time zone, short address."""
        with transaction():
            tenant = tenants.get(tenant_id())
        kind = AddressForm if get_settings().tenant_domain else BasicsForm
        form = kind(request.form or None, obj=tenant)
        if request.method == "POST" and form.validate() and act(lambda: _save(form), gettext("Saved")):
            return redirect(url_for(".index"), 303)
        return self.render(
            "admin/settings/index.html",
            basics_form=form,
            tenant=tenant,
            tenant_domain=get_settings().tenant_domain,
        )

    # --- domains
    @expose("/domains/", methods=("GET", "POST"))
    def domains(self) -> Any:
        """One's own host names, proven or not."""
        form = DomainForm(request.form or None)
        if (
            request.method == "POST"
            and form.validate()
            and act(lambda: domains.add(tenant_id(), form.host.data))
        ):
            return redirect(url_for(".domains"), 303)
        rows = [(row, domains.check_of(row)) for row in domains.list_all(tenant_id())]
        return self.render("admin/settings/domains.html", domain_form=form, rows=rows)

    @expose("/domains/verify/", methods=("POST",))
    def verify_domain(self) -> Any:
        """Looks for the file."""
        (key,) = sent("id")
        with transaction():
            check = domains.check_of(domains.get(tenant_id(), row_id(key)))
        if _proven(check):
            act(lambda: domains.confirm(tenant_id(), check.domain_id), gettext("The domain is yours."))
        else:
            flash(domains.NotProven(url=check.url).text(str(get_locale())), "error")
        return redirect(url_for(".domains"), 303)

    @expose("/domains/remove/", methods=("POST",))
    def remove_domain(self) -> Any:
        """Takes a domain away."""
        (key,) = sent("id")
        act(lambda: domains.remove(tenant_id(), row_id(key)), gettext("Removed"))
        return redirect(url_for(".domains"), 303)

    # --- keys
    @expose("/keys/", methods=("GET", "POST"))
    def keys(self) -> Any:
        """API keys; a new one is shown once."""
        if (asked := ask_password(url_for(".keys"))) is not None:
            return asked
        form, made = KeyForm(request.form or None), []
        if request.method == "POST" and form.validate():
            act(lambda: made.append(api_keys.create(tenant_id(), form.name.data, viewer().user_id)))
        rows = api_keys.list_all(tenant_id())
        return self.render(
            "admin/settings/keys.html",
            key_form=KeyForm(formdata=None) if made else form,
            rows=rows,
            made=made[0] if made else None,
        )

    @expose("/keys/revoke/", methods=("POST",))
    def revoke_key(self) -> Any:
        """Ends a key."""
        (key,) = sent("id")
        act(lambda: api_keys.revoke(tenant_id(), row_id(key)), gettext("The key no longer works."))
        return redirect(url_for(".keys"), 303)

    # --- everything
    @expose("/data/")
    def data(self) -> Any:
        """Take everything along, or erase it."""
        if (asked := ask_password(url_for(".data"))) is not None:
            return asked
        with transaction():
            tenant = tenants.get(tenant_id())
        return self.render("admin/settings/data.html", tenant=tenant)

    @expose("/data/export/", methods=("POST",))
    def export(self) -> Any:
        """All data as a zip of JSON lines."""
        sent()
        if (asked := ask_password(url_for(".data"))) is not None:
            return asked
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "data.zip"
            with transaction():
                tenant_data.export(tenant_id(), path)
            # The open file outlives its name: nothing is left behind, whatever becomes of the download.
            file = path.open("rb")
        return send_file(file, "application/zip", as_attachment=True, download_name="laoban.zip")

    @expose("/data/erase-member/", methods=("POST",))
    def erase_member(self) -> Any:
        """Erases one customer by his Telegram number."""
        (number,) = sent("telegram_id")
        if (asked := ask_password(url_for(".data"))) is not None:
            return asked
        try:
            act(
                lambda: tenant_data.erase_member(tenant_id(), row_id(number.strip())),
                gettext("Everything about this customer was erased."),
            )
        except NotFound:
            flash(gettext("There is no customer with this number."), "error")
        return redirect(url_for(".data"), 303)

    @expose("/data/erase/", methods=("POST",))
    def erase(self) -> Any:
        """Erases the tenant when its name was typed."""
        (typed,) = sent("typed")
        if (asked := ask_password(url_for(".data"))) is not None:
            return asked
        doomed = tenant_id()
        try:
            with system_scope():
                _erase(doomed, typed)
        except AppError as error:
            flash(error.text(str(get_locale())), "error")
            return redirect(url_for(".data"), 303)
        db.session.expunge_all()
        return redirect(url_for("pages.landing"), 303)


def _erase(doomed: int, typed: str) -> None:
    with transaction():
        tokens = tenant_data.leave_telegram(doomed, typed)
    tenant_data.forget_webhooks(tokens)
    with transaction():
        tenant_data.erase(doomed, typed)


def _save(form: BasicsForm) -> None:
    tenants.change(tenant_id(), **form.values())


def _proven(check: domains.Check) -> bool:
    try:
        answer = safe_fetch(check.url)
    except (FetchFailed, UnsafeUrl):
        return False
    return check.proves(answer.status, answer.body)


def views() -> list[Any]:
    """The views of this feature."""
    return [SettingsView(_l("Settings"), endpoint="settings", url="settings")]
