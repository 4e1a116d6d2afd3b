"""The browser's cookie and the row in the database that makes it worth something.

Flask's signed cookie carries the CSRF token and a random text; only a living `user_session` row makes the text a
sign-in. Visitors who don't sign in have no row.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Flask, g, request, session
from flask_login import current_user, user_logged_out
from flask_security.signals import password_changed, password_reset, user_authenticated

from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.people import TenantChoice
from app.http.links import https
from app.models import Membership, User, UserSession
from app.services import people

KEY = "sid"


@dataclass(frozen=True)
class Visitor:
    """A signed-in person, his session, and his places in tenants."""

    session: UserSession
    user: User
    places: tuple[tuple[Membership, TenantChoice], ...]


def load() -> Visitor | None:
    """Who sends this request, by his cookie. Looked up once per request."""
    if "visitor" not in g:
        g.visitor = None
        token = session.get(KEY)
        g.visitor = _look_up(token) if isinstance(token, str) else None
        if g.visitor is None and (token or "_user_id" in session):
            session.clear()
    found: Visitor | None = g.visitor
    return found


def _look_up(token: str) -> Visitor | None:
    with system_scope(), transaction():
        # A region of a page that refreshes itself is no sign of a person in front of it.
        found = people.find_session(token, used="Live" not in request.headers)
        if found is None:
            return None
        row, user = found
        if session.get("_user_id") != user.get_id():
            return None
        return Visitor(row, user, tuple(people.memberships_of(user.id)))


def load_user(user_id: str) -> User | None:
    """For Flask-Login: the person of the living session. Whether he is fresh is ours to say, by our clock."""
    visitor = load()
    if visitor is None or visitor.user.get_id() != user_id:
        return None
    g.fs_authn_via = "session"
    g.fs_paa = time.time() if people.is_fresh(visitor.session) else 1
    return visitor.user


def _begin(_app: Flask, user: User, **_: Any) -> None:
    """A new session id for everybody who signs in, so that an id planted before is worth nothing."""
    tenant = g.get("tenant")
    with system_scope():
        _end_current()
        session[KEY] = people.open_session(
            user.id,
            ip=request.remote_addr,
            agent=request.headers.get("User-Agent"),
            tenant_id=tenant.id if tenant else None,
        )
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
    g.pop("visitor", None)


def _end_current() -> None:
    visitor = g.get("visitor")
    if visitor is not None:
        with suppress(NotFound):  # another tab may have ended it a moment ago
            people.end_session(visitor.user.id, visitor.session.id)


def _end(_app: Flask, **_: Any) -> None:
    """Signing out ends the row: copies of the cookie die with it."""
    _end_current()
    g.visitor = None
    session.clear()


def _end_others(_app: Flask, user: User, **_: Any) -> None:
    """A new password signs out every other browser."""
    token = session.get(KEY) if current_user.is_authenticated else None
    people.end_all_sessions(user.id, but=people.session_id(token) if token else "")


def cookie_flags(app: Flask) -> None:
    """HttpOnly and SameSite always; where people come by https also Secure and bound to this very host."""
    secure = https(app.extensions["settings"])
    app.config.update(
        SESSION_COOKIE_NAME="__Host-laoban" if secure else "laoban",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )


def init_app(app: Flask) -> None:
    """Sets the cookie's flags and hears when somebody signs in or out."""
    cookie_flags(app)
    user_authenticated.connect(_begin, app)
    user_logged_out.connect(_end, app)
    password_changed.connect(_end_others, app)
    password_reset.connect(_end_others, app)
