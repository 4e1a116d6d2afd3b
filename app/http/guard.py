"""One check before each request: is the route declared, who asks, for which tenant, may he, and is it his own wish."""

import logging
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import BaseView

from app.core.errors import NotAllowed, NotFound, NotSignedIn
from app.core.i18n import N_
from app.domain.people import may
from app.domain.pictures import MAX_BYTES
from app.http import sessions, tenancy
from app.http.access import Access, How, declared
from app.http.csrf import SAFE, csrf
from app.http.errors import wants_json

log = logging.getLogger(__name__)


class PasswordNeeded(NotAllowed):
    """The act is sensitive and the password was given too long ago."""

    code = "password_needed"
    message = N_("Please give your password again first.")


def access_of(endpoint: str) -> Access | None:
    """How a route says that it is authenticated; None when it says nothing."""
    view = current_app.view_functions[endpoint]
    found = declared(view)
    if found is None and (endpoint == "static" or endpoint.endswith(".static")):
        return Access(How.BARE)
    if found is None and isinstance(getattr(view, "__self__", None), BaseView):
        return Access(How.VIEW)
    return found


def check() -> ResponseReturnValue | None:
    """Lets the request through (None), sends a person to the log-in page, or raises."""
    tenancy.begin()
    if request.endpoint is None:
        return None
    access = access_of(request.endpoint)
    if access is None:
        log.error("route says nothing about who may come in", extra={"endpoint": request.endpoint})
        raise NotAllowed
    g.access = access
    if access.how in {How.BARE, How.OWN}:
        return None
    tenancy.enter(sessions.load())
    if access.how == How.VIEW and g.viewer is not None and request.mimetype == "multipart/form-data":
        view = getattr(current_app.view_functions[request.endpoint], "__self__", None)
        # Twice, so that a file that is a little too large still gets its own answer in the form.
        request.max_content_length = 2 * getattr(view, "max_upload", MAX_BYTES)
    answer = _admit(access)
    if answer is None and request.method not in SAFE and g.api_key is None:
        csrf.protect()
    return answer


def _admit(access: Access) -> ResponseReturnValue | None:
    if access.how == How.PUBLIC:
        return None
    if access.how in {How.ROLE, How.VIEW}:
        tenancy.refuse_suspended()
    if access.how == How.VIEW:
        # A key is for the JSON API; the classes of the admin only know people.
        return None
    if g.viewer is None and not (g.api_key and access.api_key):
        return _sign_in()
    if access.how == How.ROLE and not (access.role and g.role and may(g.role, access.role)):
        raise NotAllowed
    if access.how == How.OPERATOR and not (g.viewer and g.viewer.is_operator):
        raise NotFound
    return _password(access)


def _sign_in() -> ResponseReturnValue:
    if wants_json() or request.method != "GET":
        raise NotSignedIn
    return redirect(url_for("security.login", next=request.full_path.rstrip("?")))


def _password(access: Access) -> ResponseReturnValue | None:
    if not access.fresh or (g.viewer and g.viewer.fresh):
        return None
    if wants_json():
        raise PasswordNeeded
    return redirect(url_for("security.verify", next=_page()))


def _page() -> str:
    """Where to go on after the password: this page, or the one whose form was sent."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    return came_from.path if came_from.netloc == request.host else "/admin/"


def init_app(app: Flask) -> None:
    """Runs before every other hook; it decides about CSRF tokens, so Flask-WTF doesn't check by itself."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.before_request(check)
