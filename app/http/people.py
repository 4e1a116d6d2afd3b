"""Becoming a boss, joining one, and going from tenant to tenant."""

from flask import Blueprint, Flask, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_security.confirmable import send_confirmation_instructions
from flask_security.utils import hash_password, login_user, send_mail

from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.settings import Settings
from app.core.tenancy import system_scope
from app.domain.people import clean_email
from app.http.auth import operator_only, public, signed_in
from app.http.auth_forms import JoinForm, RegisterForm, refuse_unknown
from app.http.i18n import select_locale
from app.http.limits import limiter
from app.models import User
from app.services import people, tenants
from app.services.audit import Actor, act_as
from app.services.tenants import EmailTaken

HOME = "/admin/"
blueprint = Blueprint("auth", __name__)


@limiter.limit("10/minute;60/hour", methods=["POST"])
@public
def register() -> ResponseReturnValue:
    """A new account with its tenant, then straight in; where mail is set up, the address is proven first."""
    if g.viewer is not None:
        return redirect(HOME)
    form = RegisterForm()
    if not form.validate_on_submit():
        return render_template("security/register_user.html", register_user_form=form)
    settings: Settings = current_app.extensions["settings"]
    if settings.mail_url:
        return _register_by_mail(form)
    try:
        user = _create(form, confirmed=True)
    except EmailTaken:
        form.form_errors.append(_("No account could be made with this address. Sign in if you have one."))
        return render_template("security/register_user.html", register_user_form=form), 409
    with transaction():
        login_user(user, authn_via=["register"])
    return redirect(HOME)


def _create(form: RegisterForm, *, confirmed: bool) -> User:
    email = clean_email(form.email.data)
    act_as(Actor("user", None, email, ip=request.remote_addr))
    with system_scope(), transaction():
        made = people.register(
            form.name.data, email, form.password.data, locale=select_locale(), confirmed=confirmed
        )
        if not confirmed:
            send_confirmation_instructions(made.user)  # type: ignore[no-untyped-call]
    return made.user


def _register_by_mail(form: RegisterForm) -> ResponseReturnValue:
    """The same page whether the address was free or not; who owns it learns the difference by mail."""
    try:
        _create(form, confirmed=False)
    except EmailTaken:
        with transaction():
            hash_password(form.password.data)
            user = people.find_by_email(form.email.data)
            subject = _("You already have an account")
            send_mail(subject, clean_email(form.email.data), "security/email/welcome_existing", user=user)
    return render_template("security/check_mail.html", email=clean_email(form.email.data))


@blueprint.route("/invite/<token>", methods=["GET", "POST"])
@limiter.limit("30/minute;200/hour")
@public
def join(token: str) -> ResponseReturnValue:
    """Accepting an invitation: with the account one has, or with a new one."""
    with system_scope():
        invitation = people.find_invitation(token)
        known = people.find_by_email(invitation.email) is not None
        business = tenants.get(invitation.tenant_id).name
    form = JoinForm() if not known else None
    if request.method == "POST" and g.viewer is not None:
        return _join_as_self(token)
    if form is not None and g.viewer is None and form.validate_on_submit():
        return _join_as_new(token, form)
    page = "security/join.html"
    return render_template(page, invitation=invitation, business=business, known=known, join_form=form)


def _join_as_self(token: str) -> ResponseReturnValue:
    refuse_unknown()
    with system_scope(), transaction():
        user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's proxy
        tenant_id = people.accept(token, user)
        people.open_tenant(g.viewer.session_id, user.id, tenant_id)
    return redirect(HOME)


def _join_as_new(token: str, form: JoinForm) -> ResponseReturnValue:
    act_as(Actor("user", None, form.name.data, ip=request.remote_addr))
    with system_scope(), transaction():
        user, _tenant_id = people.accept_as_new(token, form.name.data, form.password.data, select_locale())
        login_user(user, authn_via=["invitation"])
    return redirect(HOME)


@blueprint.post("/switch")
@signed_in
def switch_tenant() -> ResponseReturnValue:
    """Opens another of one's own tenants."""
    refuse_unknown(frozenset({"csrf_token", "tenant_id"}))
    tenant_id = request.form.get("tenant_id", type=int) or 0
    with system_scope(), transaction():
        people.open_tenant(g.viewer.session_id, g.viewer.user_id, tenant_id)
    return redirect(HOME)


@blueprint.post("/operator/open/<int:tenant_id>")
@operator_only
def open_tenant(tenant_id: int) -> ResponseReturnValue:
    """The operator looks at a tenant as its owner does; the tenant's log says so."""
    refuse_unknown()
    act_as(_operator())
    with system_scope(), transaction():
        people.open_as_operator(g.viewer.session_id, tenant_id)
    return redirect(HOME)


@blueprint.post("/operator/leave")
@operator_only
def close_tenant() -> ResponseReturnValue:
    """Ends the look."""
    refuse_unknown()
    if not g.viewer.opened_as:
        raise NotFound
    act_as(_operator())
    with system_scope(), transaction():
        people.close_tenant(g.viewer.session_id, g.viewer.user_id)
    flash(_("You are back. What you did there is in that tenant's log."), "info")
    return redirect(
        url_for("tenants.index_view") if "tenants.index_view" in current_app.view_functions else HOME
    )


def _operator() -> Actor:
    return Actor("operator", g.viewer.user_id, g.viewer.email, as_operator=True, ip=request.remote_addr)


def init_app(app: Flask) -> None:
    """Adds the pages; `/register` belongs to the account pages, so it bears their name."""
    app.register_blueprint(blueprint)
    app.add_url_rule("/register", "security.register", register, methods=["GET", "POST"])
