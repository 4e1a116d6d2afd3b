"""Accounts: log in and out, forgotten and new passwords, confirmation, second factor, by Flask-Security.

Its views run inside our `transaction()`, behind a limit per address and a growing wait per account. Other modules
take the decorators that say who may come in from here.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from flask import Flask, Response, make_response, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security import Security, SQLAlchemyUserDatastore

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.queue import transaction
from app.core.settings import Settings
from app.http import guard, sessions
from app.http.access import (
    Access,
    How,
    bare,
    declare,
    fresh,
    operator_only,
    own_secret,
    public,
    require,
    signed_in,
)
from app.http.auth_forms import LoginForm, RescueForm, SetupForm, refuse_unknown
from app.http.limits import limiter
from app.http.links import outside_url
from app.http.mail_util import QueuedMail
from app.http.totp import Totp, totp_secrets
from app.models import PlatformRole, User
from app.services import people

__all__ = ["bare", "fresh", "operator_only", "own_secret", "public", "require", "signed_in"]

View = Callable[..., Any]
UNUSED = frozenset({"two_factor_rescue", "tf_select"})
"""Views that the library always adds: we have one second factor, and recovery codes instead of a letter to us."""
ACCESS = {
    "verify": Access(How.SIGNED_IN),
    "change_password": Access(How.SIGNED_IN),
    "two_factor_setup": Access(How.SIGNED_IN, fresh=True),
    "two_factor_setup_validate": Access(How.SIGNED_IN, fresh=True),
    "mf_recovery_codes": Access(How.SIGNED_IN, fresh=True),
}
"""The others are for everybody."""
LIMITS = {
    "login": "30/minute;300/hour",
    "forgot_password": "5/minute;20/hour",
    "send_confirmation": "5/minute;20/hour",
    "reset_password": "20/minute;100/hour",
    "two_factor_token_validation": "20/minute;200/hour",
    "mf_recovery": "20/minute;200/hour",
}


SENT = "If there is an account with this address, we have sent it a link."


def config(settings: Settings) -> dict[str, object]:
    """Flask-Security's settings."""
    quick = {"argon2__rounds": 1, "argon2__memory_cost": 8, "argon2__parallelism": 1}
    return {
        # No secret pepper: a changed SECRET_KEY must not make every password wrong.
        "PASSWORD_SALT": "not used",
        "PASSWORD_SINGLE_HASH": {"argon2"},
        "PASSWORD_HASH": "argon2",
        "PASSWORD_SCHEMES": ["argon2"],
        "PASSWORD_HASH_PASSLIB_OPTIONS": quick if settings.app_env == "test" else {},
        "PASSWORD_LENGTH_MIN": 8,
        "RETURN_GENERIC_RESPONSES": True,
        "EMAIL_HTML": False,
        "API_ENABLED_METHODS": ["session"],
        "CONFIRMABLE": True,
        "RECOVERABLE": True,
        "CHANGEABLE": True,
        "LOGOUT_CSRF": True,
        "TWO_FACTOR": True,
        "TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "TWO_FACTOR_RESCUE_EMAIL": False,
        "TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
        "TWO_FACTOR_POST_SETUP_VIEW": "/mf-recovery-codes",
        "TOTP_SECRETS": totp_secrets(settings),
        "TOTP_ISSUER": "Laoban",
        "MULTI_FACTOR_RECOVERY_CODES": True,
        "MULTI_FACTOR_RECOVERY_CODES_N": 10,
        "MULTI_FACTOR_RECOVERY_CODES_KEYS": [key.encode() for key in settings.keys],
        "FRESHNESS": people.FRESH,
        "FRESHNESS_GRACE_PERIOD": timedelta(0),
        "RESET_PASSWORD_WITHIN": people.RESET_AFTER,
        "POST_LOGIN_VIEW": "/admin/",
        "POST_CHANGE_VIEW": "/admin/account/",
        "POST_VERIFY_VIEW": "/admin/",
        "POST_LOGOUT_VIEW": "/",
        "CLI_USERS_NAME": False,
        "CLI_ROLES_NAME": False,
        "MSG_GENERIC_AUTHN_FAILED": ("The e-mail address or the password is not right.", "error"),
        "MSG_PASSWORD_RESET_REQUEST": (SENT, "info"),
        "MSG_CONFIRMATION_REQUEST": (SENT, "info"),
        "I18N_DIRNAME": ["builtin", str(Path(__file__).parent.parent / "translations")],
        "DATETIME_FACTORY": clock.now,
    }


def _account() -> str | None:
    """Whose password or code is being tried, as a key of the growing wait."""
    name = str(request.endpoint).rpartition(".")[2]
    if name == "login":
        return request.form.get("email", "")
    if name in {"two_factor_token_validation", "mf_recovery"} and "tf_user_id" in session:
        return f"second factor of {session['tf_user_id']}"
    if name in {"verify", "change_password"} and current_user.is_authenticated:
        return str(current_user.email)
    return None


def _inside(view: View) -> View:
    """Runs one of Flask-Security's views our way."""

    @wraps(view)
    def inner(**kwargs: Any) -> ResponseReturnValue:
        if request.is_json:
            raise BadInput
        account = _account() if request.method == "POST" else None
        if request.method == "POST":
            refuse_unknown()
        if account is not None:
            with transaction():
                people.claim_try(account, request.remote_addr)
        with transaction():
            response = make_response(view(**kwargs))
            _after(response, account)
        return response

    return inner


def _nothing() -> ResponseReturnValue:
    raise NotFound


def _after(response: Response, account: str | None) -> None:
    """What a right password or code means. The log-in form itself says when its password was right."""
    name = str(request.endpoint).rpartition(".")[2]
    right = response.status_code == 302 and current_user.is_authenticated
    if account is None or name == "login" or not right:
        return
    people.forget_tries(account, request.remote_addr)
    if name == "verify":
        visitor = sessions.load()
        if visitor:
            people.confirm_session(visitor.session.id)


def _evaluated(response: Response) -> bool:
    """Whether this answer counts against the address: pages that come back are failures."""
    return response.status_code == 200


def _adopt(app: Flask) -> None:
    """Puts our checks around each view, and says who may come in."""
    for endpoint, view in list(app.view_functions.items()):
        blueprint, _, name = endpoint.rpartition(".")
        if blueprint != "security" or name == "static":
            continue
        wrapped = _inside(view) if name not in UNUSED else _nothing
        if name in LIMITS:
            counted = _evaluated if name in {"login", "two_factor_token_validation", "mf_recovery"} else None
            wrapped = limiter.limit(LIMITS[name], methods=["POST"], deduct_when=counted)(wrapped)
        app.view_functions[endpoint] = declare(wrapped, ACCESS.get(name, Access(How.PUBLIC)))


def init_app(app: Flask) -> None:
    """Adds the account pages and the check before each request."""
    settings: Settings = app.extensions["settings"]
    guard.init_app(app)
    app.config.update({f"SECURITY_{name}": value for name, value in config(settings).items()})
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, User, PlatformRole),
        login_form=LoginForm,
        two_factor_setup_form=SetupForm,
        two_factor_rescue_form=RescueForm,
        mail_util_cls=QueuedMail,
        totp_cls=Totp,
    )
    security.want_json(lambda _request: False)
    # Sessions only: no token in a header or in an address signs anybody in.
    app.login_manager.request_loader(None)  # type: ignore[attr-defined]
    app.login_manager.user_loader(sessions.load_user)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(outside_url=outside_url, mail_is_set_up=lambda: bool(settings.mail_url))
    sessions.init_app(app)
    _adopt(app)
