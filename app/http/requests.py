"""Each request gets an id, which its answer, its logs and its error page carry, and is counted when answered."""

import secrets
import time
from typing import Any

from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider

from app.core import logging, metrics

HEADER = "X-Request-Id"
MAX_ID = 64


class Json(DefaultJSONProvider):
    """What is nested deeper than the parser goes is as malformed as any other nonsense: 400, no crash."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Raises ValueError."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def request_id() -> str:
    """The id of this request: the proxy's where it gives a sane one. Shown on error pages and in logs."""
    if "request_id" not in g:
        g.request_id = sane_id(request.headers.get(HEADER, ""))
    return str(g.request_id)


def sane_id(given: str) -> str:
    """The id that was given where it is a sane one, otherwise a new one."""
    sane = 0 < len(given) <= MAX_ID and given.isascii() and given.replace("-", "").isalnum()
    return given if sane else secrets.token_hex(8)


def _begin() -> None:
    g.began = time.perf_counter()
    logging.clear()
    logging.bind(request_id=request_id())


def _answered(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    route = request.url_rule.rule if request.url_rule else None
    metrics.http_answered(route, request.method, response.status_code, time.perf_counter() - g.began)
    return response


def _end(_error: BaseException | None = None) -> None:
    logging.clear()


def init_app(app: Flask) -> None:
    """Must come first: hooks before a request run in order, hooks after it in the opposite one."""
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_end)
    app.add_template_global(request_id)
    # Flask-Security makes a provider of its own out of this class.
    app.json_provider_class = Json
    app.json = Json(app)
