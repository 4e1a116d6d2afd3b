"""Pages for everybody: the landing page, the language switch, the favicon."""

from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, g, redirect, render_template, request, send_from_directory
from flask.typing import ResponseReturnValue

from app.core.errors import BadInput
from app.core.i18n import LOCALES
from app.core.queue import transaction
from app.http.auth import bare, public
from app.http.i18n import COOKIE
from app.services import people

YEAR = 365 * 24 * 3600
pages = Blueprint("pages", __name__)


@pages.get("/")
@public
def landing() -> ResponseReturnValue:
    """What Laoban is, with the ways in."""
    return render_template("landing.html")


@pages.get("/favicon.ico")
@bare
def favicon() -> ResponseReturnValue:
    """The mark, for browsers that ask without looking at the page."""
    return send_from_directory(str(current_app.static_folder), "img/favicon.svg", max_age=86400)


@pages.post("/language")
@public
def language() -> ResponseReturnValue:
    """Remembers the language in this browser, and for a signed-in person in his account."""
    locale = request.form.get("locale", "")
    if locale not in LOCALES:
        raise BadInput
    if g.get("viewer"):
        with transaction():
            people.choose_locale(g.viewer.user_id, locale)
    response = redirect(own_path(request.form.get("next", "/")), 303)
    response.set_cookie(COOKIE, locale, max_age=YEAR, samesite="Lax", secure=request.is_secure, httponly=True)
    return response


def own_path(target: str) -> str:
    """The target where it is a path of ours, else the front page."""
    parts = urlsplit(target.replace("\\", "/"))
    ours = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith("//")
    return target if ours and target.isprintable() else "/"


def has_endpoint(name: str) -> bool:
    """Whether this deployment serves a page of that name."""
    return name in current_app.view_functions


def viewer() -> object:
    """Who looks at this page, or None."""
    return g.get("viewer")


def init_app(app: Flask) -> None:
    """Adds the pages and gives templates `viewer()` and `has_endpoint()`."""
    app.register_blueprint(pages)
    app.add_template_global(viewer)
    app.add_template_global(has_endpoint)
