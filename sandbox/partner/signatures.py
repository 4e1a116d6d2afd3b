"""Whether a request is genuine: version 2 of the ledger's signatures, written from its description alone."""

import hashlib
import hmac
import re

from sandbox.http import Request

WINDOW = 300
SHAPES = {
    "x-timestamp": re.compile(r"[0-9]{10}", re.ASCII),
    "x-nonce": re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII),
    "x-signature": re.compile(r"v2=[0-9a-f]{64}(,v2=[0-9a-f]{64})?", re.ASCII),
}


class NotGenuine(ValueError):
    """The text says what is wrong."""


def string_to_sign(request: Request, key_id: str) -> bytes:
    """What the other side must have signed."""
    lines = (
        "LEDGER-HMAC-SHA256-V2", key_id, request.method, request.path, request.query,
        request.headers["x-timestamp"], request.headers["x-nonce"], hashlib.sha256(request.body).hexdigest(),
    )  # fmt: skip
    return "\n".join(lines).encode()


def check(request: Request, key_id: str, secret: str, now: float) -> None:
    """Raises NotGenuine."""
    headers = request.headers
    for name, shape in SHAPES.items():
        if not shape.fullmatch(headers.get(name, "")):
            raise NotGenuine(f"{name} is malformed")
    if headers.get("x-api-key") != key_id:
        raise NotGenuine("unknown key")
    if abs(now - int(headers["x-timestamp"])) > WINDOW:
        raise NotGenuine("the clocks differ")
    right = hmac.new(secret.encode(), string_to_sign(request, key_id), hashlib.sha256).hexdigest()
    given = [part.removeprefix("v2=") for part in headers["x-signature"].split(",")]
    if not any(hmac.compare_digest(right, one) for one in given):
        raise NotGenuine("the signature does not fit")
