"""Errors as people and programs see them: a friendly page, or RFC 9457 problem details under `/api/`. Never a trace."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.core.db import db
from app.core.errors import AppError, BadInput, NotAllowed, NotFound, NotSignedIn, TooLarge, Unavailable
from app.core.i18n import N_
from app.http.i18n import select_locale
from app.http.requests import request_id

log = logging.getLogger(__name__)

PAGES = {
    400: ("cloud", N_("We could not understand that"), N_("Something in the address or the form is not valid. Go back and try again.")),
    401: ("lock", N_("Please sign in"), N_("You need to sign in to see this page.")),
    403: ("lock", N_("This is not open to you"), N_("Your role does not allow this. Ask the owner if you need it.")),
    404: ("search", N_("There is nothing here"), N_("The page does not exist, or it belongs to somebody else.")),
    405: ("cloud", N_("We could not understand that"), N_("Something in the address or the form is not valid. Go back and try again.")),
    409: ("cloud", N_("Somebody was faster"), N_("This has changed in the meantime. Reload the page and try again.")),
    413: ("cloud", N_("That is too large"), N_("What you sent is larger than we accept. Make it smaller and try again.")),
    429: ("cloud", N_("A little too fast"), N_("Too many requests in a short time. Wait a moment and try again.")),
    500: ("wrench", N_("Something broke on our side"), N_("It has been recorded, and nothing of yours is lost. Please try again in a moment.")),
    502: ("cloud", N_("An outside service does not answer"), N_("Telegram or another service did not answer. Please try again in a moment.")),
    503: ("cloud", N_("Back in a moment"), N_("A part of the system is restarting. This page will work again by itself.")),
}  # fmt: skip
STALE_PAGE = N_("This page was open for too long. Reload it and try again.")


def wants_json() -> bool:
    """Whether a program asked rather than a person."""
    return (
        request.path.startswith(("/api/", "/webhook/")) or request.accept_mimetypes.best == "application/json"
    )


def answer(
    status: int,
    code: str,
    text: str = "",
    headers: dict[str, str] | None = None,
    fields: dict[str, list[str]] | None = None,
    *,
    extra: Mapping[str, object] | None = None,
) -> Response:
    """The error as JSON or as a page. `text` replaces the page's own words; `fields` says what was wrong where.

    `extra` = further members of the JSON.
    """
    picture, title, words = PAGES.get(status, PAGES[500 if status >= 500 else 400])
    if wants_json():
        body: dict[str, object] = {
            "type": "about:blank",
            # RFC 9457: of "about:blank" the title is the status in words, the same for everybody.
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "message": text or gettext(words),
            "request_id": request_id(),
        }
        response = jsonify(body | ({"fields": fields} if fields else {}) | dict(extra or {}))
        response.mimetype = "application/problem+json"
    else:
        page = render_template(
            "errors/page.html",
            status=status,
            picture=picture,
            title=gettext(title),
            words=text or gettext(words),
            request_id=request_id(),
        )
        response = make_response(page)
    response.status_code = status
    response.headers.update(headers or {})
    return response


def on_app_error(error: AppError) -> ResponseReturnValue:
    """One of our own errors: its status, code and public text."""
    headers = {"Retry-After": str(error.params.get("retry_after", 5))} if error.status in {429, 503} else {}
    generic = type(error) in {NotFound, NotAllowed} and not wants_json()
    text = "" if generic else error.text(select_locale())
    return answer(error.status, error.code, text, headers, extra=error.extra | _fields(error))


def _fields(error: AppError) -> dict[str, object]:
    """What is wrong with which field, as far as somebody has said so, in the caller's language."""
    found = error.extra.get("fields")
    if not isinstance(found, Mapping):
        return {}
    return {"fields": {name: [gettext(text) for text in texts] for name, texts in found.items()}}


def on_http_error(error: HTTPException) -> ResponseReturnValue:
    """An error of Flask or of a library."""
    if error.response is not None:
        return error.get_response()
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if isinstance(error, CSRFError):
        return answer(403, "stale_page", gettext(STALE_PAGE))
    known = {401: NotSignedIn, 403: NotAllowed, 404: NotFound, 413: TooLarge, 503: Unavailable}
    code = known[status].code if status in known else (error.name or "error").lower().replace(" ", "_")
    kept = {
        name: value
        for name, value in error.get_headers()
        if name in {"Allow", "Retry-After", "WWW-Authenticate"}
    }
    return answer(status, code, "", kept)


def on_data_error(error: DataError) -> ResponseReturnValue:
    """PostgreSQL refused a value as out of range or malformed: the request's fault, not ours."""
    db.session.rollback()
    log.info("value refused by the database", extra={"reason": type(error.orig).__name__})
    return answer(BadInput.status, BadInput.code)


def on_database_gone(error: OperationalError | PoolTimeout) -> ResponseReturnValue:
    """The database does not answer, or all connections are busy."""
    db.session.rollback()
    log.error("database not available", extra={"reason": type(error).__name__})
    return answer(Unavailable.status, Unavailable.code, "", {"Retry-After": "5"})


def init_app(app: Flask) -> None:
    """Registers the handlers. A crash reaches `on_http_error` as a 500 after Flask has logged its trace."""
    app.register_error_handler(AppError, on_app_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(DataError, on_data_error)
    app.register_error_handler(OperationalError, on_database_gone)
    app.register_error_handler(PoolTimeout, on_database_gone)
