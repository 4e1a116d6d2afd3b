"""How often one address may try what strangers may: log in, register, ask for mail.

Counted in Redis; while that is away, in each process's own memory.
"""

import math
import time

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter, RateLimitExceeded

from app.core.errors import LimitReached
from app.core.i18n import N_
from app.core.redis import quick
from app.domain.people import network_of
from app.http.errors import on_app_error


class TooOften(LimitReached):
    code = "too_many_requests"
    message = N_("Too many requests. Please wait %(retry_after)s seconds and try again.")


def client_key() -> str:
    """The address, or its neighbourhood where one person owns very many."""
    address = request.remote_addr or "unknown"
    return network_of(address) if ":" in address else address


limiter = Limiter(
    client_key,
    strategy="sliding-window-counter",
    storage_uri="redis://",
    in_memory_fallback_enabled=True,
    key_prefix="laoban",
)


def _refused(_error: RateLimitExceeded) -> ResponseReturnValue:
    limit = limiter.current_limit
    # A limit per second would otherwise answer "in 0 seconds".
    wait = max(1, math.ceil(limit.reset_at - time.time())) if limit else 60
    return on_app_error(TooOften(retry_after=wait))


def init_app(app: Flask) -> None:
    """Limits only what asks for it."""
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": quick().connection_pool}
    app.register_error_handler(RateLimitExceeded, _refused)
    limiter.init_app(app)
