"""Calls that partner projects sign: `@signed(Scope.POST)` lets a view run only for one that is proven, new and allowed.

The view finds who calls in `g.caller` and the body's JSON in `g.fields`, in the tenant's scope.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import ClientDisconnected

from app.core import database_clock
from app.core.call_limits import Allowance
from app.core.errors import TooLarge
from app.core.tenancy import enter_scope
from app.domain.credit_clients import MAX_BODY, Scope
from app.domain.credit_signing import Asked
from app.http import tenancy
from app.http.access import View, own_secret
from app.http.csrf import SAFE
from app.services.audit import Actor, act_as
from app.services.credit_clients import checking, nonces
from app.services.credit_clients.checking import Caller

PREFIX: Final = "/api/credits"
REFUSED: Final = "laoban.refused"
"""Where the ASGI scope has a call that was let in and then refused."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A call whose limits and nonce are used, and why nothing came of it."""

    tenant_id: int
    allowance: Allowance | None
    """None where it is not known."""
    error: Exception


def signed(scope: Scope, *, v1: bool = False) -> Callable[[View], View]:
    """The view is for projects whose key has this scope; with `v1` also for calls signed by version 1."""

    def mark(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            _let_in(scope, v1=v1)
            return view(*args, **kwargs)

        return own_secret(checked)  # type: ignore[return-value]

    return mark


def _let_in(scope: Scope, *, v1: bool) -> None:
    _refuse_settled()
    asked = read()
    if v1 and asked.is_v1:
        caller, fields = checking.check_v1(asked, scope)
    else:
        caller, fields = checking.check(asked, scope), None
    g.allowance = checking.charge(caller)
    checking.refuse_excess(g.allowance)
    _refuse_other_address(caller)
    nonces.use(caller)
    if fields is None:
        fields = {} if request.method in SAFE else checking.read_fields(asked.body)
    g.caller, g.fields = caller, fields
    enter_scope(caller.tenant_id)
    act_as(Actor("api_key", caller.key_row_id, caller.source, ip=caller.address))
    bind_contextvars(tenant_id=caller.tenant_id)


def _refuse_settled() -> None:
    """Raises what a door in front of Flask, which let the call in, could not do."""
    found: Refused | None = request.environ.get("asgi.scope", {}).get(REFUSED)
    if found is not None:
        g.allowance = found.allowance
        bind_contextvars(tenant_id=found.tenant_id)
        raise found.error


def read() -> Asked:
    """The call as it came, also where the server shows it only in part. Raises TooLarge."""
    environ = request.environ
    given = environ.get("asgi.scope")
    if given is None:
        headers = list(request.headers.items())
        target = _without_host(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
        path, _, query = target.partition("?")
    else:
        # WSGI joins headers that come twice; the server below it knows better.
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in given["headers"]]
        path = (given.get("raw_path") or b"").decode("latin-1")
        query = given["query_string"].decode("latin-1")
    return Asked(request.method, path, query, headers, _body(), request.remote_addr or "")


def _without_host(target: str) -> str:
    """A request line may name the whole address."""
    if target.startswith("/"):
        return target
    parts = urlsplit(target)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _body() -> bytes:
    """The body; one byte too many of one that is too large, which `checking` then refuses."""
    if (request.content_length or 0) > MAX_BODY:
        raise TooLarge
    request.max_content_length = MAX_BODY + 1
    try:
        return request.get_data()
    except ClientDisconnected:
        return b""


def _refuse_other_address(caller: Caller) -> None:
    """Where a tenant has an address of its own, only its own projects call there."""
    at = tenancy.at_address()
    if at is not None and at.id != caller.tenant_id:
        raise tenancy.TenantsDisagree


def _say_limits(response: Response) -> Response:
    """The time that timestamps are measured by, on every answer; and what is left of the limits."""
    if request.path.startswith(PREFIX):
        moment = _moment()
        if moment is not None:
            response.headers["X-Server-Time"] = str(int(moment))
        if response.status_code == TooLarge.status:
            # The rest of a body that was too long must not pass for another request.
            response.headers["Connection"] = "close"
        if request.method in SAFE:
            # A balance that somebody on the way remembers is soon a wrong one.
            response.headers["Cache-Control"] = "no-store"
    allowance = g.get("allowance")
    if allowance is not None:
        response.headers.update(limit_headers(allowance))
    return response


def limit_headers(allowance: Allowance) -> dict[str, str]:
    """What is left of the limits."""
    return {
        "X-RateLimit-Limit": str(allowance.limit),
        "X-RateLimit-Remaining": str(allowance.remaining),
        "X-RateLimit-Reset": str(allowance.reset),
    }


def _moment() -> float | None:
    """The database's time as it was last heard; None where it does not answer."""
    moment = database_clock.last_known()
    if moment is not None:
        return moment
    try:
        return database_clock.now()
    except (DBAPIError, PoolTimeout):
        return None


def init_app(app: Flask) -> None:
    """Says time and limits on answers."""
    app.after_request(_say_limits)
