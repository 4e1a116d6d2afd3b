"""`POST /webhook/pingpong`: a callback is checked, kept, committed; only then PingPong hears 2xx. Nothing else happens here.

Whoever is refused gets the same answer whatever the reason, so that the address tells nothing. Only refused callbacks
count against an address' limit: the vendor may be as busy as it likes.
"""

import logging

from flask import Blueprint, Flask, Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app.core.db import db, is_away
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain.payments import Provider, Verdict
from app.factory import create_app
from app.http import health, limits, proxies, requests
from app.http.access import own_secret
from app.http.csrf import csrf
from app.http.limits import limiter
from app.services import system
from app.services.audit import Actor, act_as
from app.services.payments import receiving
from app.services.payments.receiving import MAX_BYTES, REFUSED

log = logging.getLogger(__name__)
blueprint = Blueprint("payments", __name__)
_BAD = 400


def _is_refusal(response: Response) -> bool:
    return response.status_code == _BAD


@blueprint.route("/webhook/pingpong", methods=["POST"], provide_automatic_options=False)
@own_secret
@limiter.limit("60/minute", deduct_when=_is_refusal)
def pingpong() -> Response:
    """204 when it is kept, 400 when it is refused, 503 when it can't be kept right now and shall come again."""
    try:
        raw = _body()
        act_as(Actor("system", None, "PingPong", ip=request.remote_addr))
        with system_scope(), transaction():
            verdict = receiving.receive(Provider.PINGPONG, raw, request.remote_addr or "")
    except (DBAPIError, PoolTimeout) as error:
        return _away(error)
    if verdict in REFUSED:
        log.info("callback refused", extra={"verdict": verdict})
        # The rest of a body that was too long must not pass for another request.
        return Response("refused\n", _BAD, {"Connection": "close"}, content_type="text/plain")
    if verdict is not Verdict.REPEATED:
        strange = verdict in {Verdict.UNKNOWN_PAYMENT, Verdict.AMOUNT_MISMATCH, Verdict.PAID_TWICE}
        log.log(logging.WARNING if strange else logging.INFO, "callback kept", extra={"verdict": verdict})
    return Response(status=204)


def _body() -> bytes:
    """The body, however it is sent; nothing of one that is too long."""
    if (request.content_length or 0) > MAX_BYTES:
        return b""
    request.max_content_length = MAX_BYTES
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        return b""
    except ClientDisconnected:
        return b""


def _away(error: Exception) -> Response:
    db.session.rollback()
    level = logging.WARNING if is_away(error) else logging.ERROR
    log.log(level, "callback not kept", extra={"reason": type(error).__name__})
    return Response(status=503, headers={"Retry-After": "5"})


def init_app(app: Flask) -> None:
    """PingPong has no session, so there is none to protect."""
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)


def receiver() -> Flask:
    """The application of `gunicorn wsgi:payments`: callbacks and health, no pages, no bots."""
    app = create_app()
    for feature in (requests, proxies, limits, health):
        feature.init_app(app)
    init_app(app)
    with app.app_context():
        system.refuse_unsafe_start(get_settings())
    return app
