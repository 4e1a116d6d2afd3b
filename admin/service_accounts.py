"""Accounts at outside services: which is used now, one's own keys, and whether they work. Secrets are never shown again."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import format_decimal, get_locale, gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from admin.acts import act, ask_password, sent
from admin.base import PageView
from admin.changes import refuse
from admin.forms import AdminForm, CleanStringField
from admin.guard import tenant_id, viewer
from admin.menu import Group
from admin.pictures import PictureField
from app.core.errors import AppError, BadInput, NotFound
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.payments import Service
from app.domain.people import Role
from app.domain.shop_alerts import AlertKind
from app.services import breakers, service_accounts, service_checks, shop_alerts
from app.services.payments import accounts
from app.services.service_accounts import SALTED, SCHEMES, AccountNotValid, Shown

TITLES: dict[Service, tuple[str, Any, Any]] = {
    Service.PINGPONG: ("credit-card", _l("PingPong"), _l("Takes cards for your orders.")),
    Service.MANUAL: (
        "handshake",
        _l("Transfer by hand"),
        _l("Buyers transfer to your own account; you confirm that the money is there."),
    ),
    Service.YUANFENJU: ("sparkles", _l("Yuanfenju"), _l("Calculates birth charts.")),
    Service.DEEPSEEK: ("sparkles", _l("DeepSeek"), _l("Writes the words of BaZi reports.")),
}
BUILT_IN = frozenset({Service.YUANFENJU, Service.DEEPSEEK})
CAN_BE_TRIED = frozenset({Service.PINGPONG, Service.YUANFENJU, Service.DEEPSEEK})


class SecretField(CleanStringField):
    """A secret: taken, and never given out again."""

    def _value(self) -> str:
        return ""


HIDDEN = {"autocomplete": "off", "spellcheck": "false"}


class PingPongForm(AdminForm):
    """A merchant's account."""

    also_posted = frozenset({"service"})
    client_id = CleanStringField(
        "clientId", [InputRequired(), Length(max=40)], render_kw={"inputmode": "numeric"}
    )
    acc_id = CleanStringField("accId", [InputRequired(), Length(max=40)], render_kw={"inputmode": "numeric"})
    secret = SecretField("salt", [Optional(), Length(max=200)], render_kw=HIDDEN)
    scheme = RadioField(
        _l("Signature"),
        choices=[
            SelectChoice(SALTED, _l("Salted SHA-256 (usual)")),
            SelectChoice(SCHEMES[1], _l("HMAC-SHA256 (only if PingPong told you so)")),
        ],
        default=SALTED,
    )
    enabled = BooleanField(_l("Use this account"), default=True)


class ManualForm(AdminForm):
    """How to transfer."""

    also_posted = frozenset({"service"})
    instructions = TextAreaField(
        _l("How to pay"),
        [InputRequired(), Length(max=1500)],
        render_kw={"rows": 6},
    )
    picture = PictureField(_l("QR code"), [Optional()])
    enabled = BooleanField(_l("Offer this way of paying"), default=True)


class YuanfenjuForm(AdminForm):
    """A key."""

    also_posted = frozenset({"service"})
    secret = SecretField(_l("Key"), [Optional(), Length(max=200)], render_kw=HIDDEN)
    enabled = BooleanField(_l("Use this key"), default=True)


class DeepSeekForm(YuanfenjuForm):
    """A key, a model, and the most that a buyer may cost."""

    model = CleanStringField(_l("Model"), [Optional(), Length(max=80)])
    buyer_daily_usd = CleanStringField(
        _l("Most for one buyer on a day"), [Optional(), Length(max=10)], render_kw={"inputmode": "decimal"}
    )


FORMS: dict[Service, type[AdminForm]] = {
    Service.PINGPONG: PingPongForm,
    Service.MANUAL: ManualForm,
    Service.YUANFENJU: YuanfenjuForm,
    Service.DEEPSEEK: DeepSeekForm,
}


class ServiceAccountsView(PageView):
    """`/admin/service-accounts/`."""

    role = Role.MANAGER
    group, icon, order = Group.MONEY, "key-round", 60
    lead = _l("Who takes the money and who makes the reports: your own accounts, or what is there already.")
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(("edit_view", "remove"), Role.OWNER)

    @expose("/")
    def index_view(self) -> Any:
        """Every service with what is used now."""
        return self.render(
            "admin/services/index.html",
            rows=[(service, *TITLES[service], self._now(service)) for service in Service],
            troubles=breakers.troubles(tenant_id()),
            can_be_tried=CAN_BE_TRIED,
            notify_url=accounts.notify_url(),
            may_change=viewer().may(Role.OWNER),
            caps=(get_settings().ai_tenant_daily_usd, get_settings().ai_buyer_daily_usd),
        )

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """One's own account at one service; asks for the password before."""
        service = _service(request.values.getlist("service"))
        if (asked := ask_password(url_for(".edit_view", service=service.value))) is not None:
            return asked
        shown = service_accounts.shown(tenant_id(), service)
        form: Any = FORMS[service](request.form or None, data=_entered(shown))
        if request.method == "POST" and form.validate() and _save(service, form):
            flash(gettext("Saved"), "success")
            return redirect(url_for(".index_view"), 303)
        icon, title, lead = TITLES[service]
        return self.render(
            "admin/services/edit.html",
            form=form,
            service=service,
            title=title,
            service_lead=lead,
            service_icon=icon,
            shown=shown,
            notify_url=accounts.notify_url() if service is Service.PINGPONG else "",
            model=get_settings().deepseek_model,
        )

    @expose("/remove/", methods=("POST",))
    def remove(self) -> Any:
        """Forgets one's own account; the one behind it is used from then on."""
        service = _service(sent("service"))
        if (asked := ask_password(url_for(".index_view"))) is not None:
            return asked
        act(lambda: service_accounts.remove(tenant_id(), service), gettext("Removed"))
        return redirect(url_for(".index_view"), 303)

    @expose("/test/", methods=("POST",))
    def test(self) -> Any:
        """Asks the service whether it takes what would be used now."""
        service = _service(sent("service"))
        try:
            with transaction():
                account = service_checks.account(tenant_id(), service)
            found = service_checks.ask(account)
        except AppError as error:
            flash(error.text(str(get_locale())), "error")
            return redirect(url_for(".index_view"), 303)
        with transaction():
            name = viewer().name or viewer().email
            shop_alerts.settle_service(tenant_id(), AlertKind.SERVICE_KEY_BAD, service.value, name)
        said = gettext("It works.")
        if found.calls is not None:
            said = gettext("It works. %(count)s calls are left.", count=format_decimal(found.calls))
        flash(said, "success")
        return redirect(url_for(".index_view"), 303)

    @staticmethod
    def _now(service: Service) -> tuple[Shown, str, Any]:
        """(the account, a tone, which one is used now)."""
        shown = service_accounts.shown(tenant_id(), service)
        if shown.own and shown.enabled:
            return shown, "ok", _l("Your own account is used")
        if shown.operators:
            return shown, "ok", _l("The platform's account is used")
        if service in BUILT_IN:
            return shown, "info", _l("The built-in one is used, without an account and for nothing")
        return shown, "idle", _l("Not set up: this way of paying is not offered")


def _service(given: list[str]) -> Service:
    if len(set(given)) != 1 or given[0] not in list(Service):
        raise NotFound
    return Service(given[0])


def _entered(shown: Shown) -> dict[str, Any]:
    """What stands in the form; the secret never does."""
    if not shown.own:
        return {}
    return {**shown.public, "enabled": shown.enabled, "picture": shown.picture_id}


def _save(service: Service, form: Any) -> bool:
    values = form.values()
    secret, picture = values.pop("secret", None), values.pop("picture", None)
    enabled = values.pop("enabled")
    public = {name: str(value or "") for name, value in values.items()}
    try:
        with transaction():
            service_accounts.save(
                tenant_id(), service, public, secret=secret or None, picture_id=picture, enabled=enabled
            )
    except AccountNotValid as error:
        for name in str(error.params.get("field", "")).split(", "):
            form.add_error(_missing(name), "picture" if name == "picture_id" else name)
        return False
    except BadInput as error:
        refuse(error, form)
        return False
    return True


def _missing(name: str) -> str:
    words = {
        "secret": gettext("Please enter it; it is letters, digits and signs without blanks."),
        "client_id": gettext("This is a number; it stands in PingPong's pages for developers."),
        "acc_id": gettext("This is a number; it begins with the clientId."),
        "buyer_daily_usd": gettext("An amount in US dollars, such as 1.50."),
    }
    return str(words.get(name) or gettext("This is not valid."))


def views() -> list[Any]:
    """The views of this feature."""
    return [ServiceAccountsView(_l("Services and keys"), endpoint="service_accounts", url="service-accounts")]
