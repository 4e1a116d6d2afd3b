"""How often one address may try what strangers may: log in, register, ask for mail.

Counted in Redis; while that is away, in each process's own memory.
"""

from flask import Flask, Response, request
from flask_limiter import Limiter

from app.core.redis import quick
from app.domain.people import network_of


def client_key() -> str:
    """The address, or its neighbourhood where one person owns very many."""
    address = request.remote_addr or "unknown"
    return network_of(address) if ":" in address else address


limiter = Limiter(
    client_key,
    strategy="sliding-window-counter",
    storage_uri="redis://",
    in_memory_fallback_enabled=True,
    headers_enabled=True,
    key_prefix="laoban",
)


def _whole_seconds(response: Response) -> Response:
    # A limit per second would answer "retry after 0".
    if response.status_code == 429 and response.headers.get("Retry-After", "1") == "0":
        response.headers["Retry-After"] = "1"
    return response


def init_app(app: Flask) -> None:
    """Limits only what asks for it."""
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": quick().connection_pool}
    app.after_request(_whole_seconds)
    limiter.init_app(app)
