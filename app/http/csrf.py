"""Requests that change something come from our own pages: a token of the session, and no foreign origin.

Only signed or keyed APIs are exempt, by `csrf.exempt(blueprint)`.
"""

from urllib.parse import urlsplit

from flask import Flask, request
from flask_wtf import CSRFProtect

from app.core.errors import NotAllowed
from app.core.i18n import N_

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
csrf = CSRFProtect()


class ForeignOrigin(NotAllowed):
    """Another site made this browser send the request."""

    code = "foreign_origin"
    message = N_("This request came from another site and was refused.")


def refuse_foreign_origin() -> None:
    """Refuses what a browser says another site started. Partners' programs send neither header."""
    if request.method in SAFE:
        return
    origin = request.headers.get("Origin")
    foreign = origin is not None and _host_of(origin) != request.host
    if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise ForeignOrigin


def _host_of(origin: str) -> str:
    """Empty for what is no address."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def init_app(app: Flask) -> None:
    """Checks every request; the token lives as long as its session."""
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    app.before_request(refuse_foreign_origin)
    csrf.init_app(app)
