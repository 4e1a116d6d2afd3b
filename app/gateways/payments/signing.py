"""How PingPong signs: a digest over every top-level field that arrived, whichever those are.

The canonical text is every field but `sign`, without those that are null or empty, sorted by name, as `k=v` joined
with `&`. Source: the vendor's signature page, recomputed against its own examples. What is signed of `bizContent` is
the text as it arrived, so nothing is serialised anew here.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final

from app.core.crypto import constant_time_equal

SIGN_TYPE: Final = "SHA256"
"""The only one that is accepted: a message may not choose MD5."""
_SIGN: Final = "sign"


def canonical(fields: Mapping[str, object]) -> str:
    """The text that is signed. Raises ValueError for a value that is neither text nor a number."""
    parts = []
    for name in sorted(fields):
        value = fields[name]
        if name == _SIGN or value is None or value == "":
            continue
        # `type`, because True is an instance of int, and nobody knows how the vendor would write it.
        if type(value) not in {str, int}:
            raise ValueError(f"{name} is neither text nor a number")
        parts.append(f"{name}={value}")
    return "&".join(parts)


def _salted_sha256(salt: str, text: str) -> str:
    return hashlib.sha256((salt + text).encode()).hexdigest()


def _hmac_sha256(salt: str, text: str) -> str:
    return hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()


SCHEMES: Final[Mapping[str, Callable[[str, str], str]]] = {
    "salted-sha256": _salted_sha256,
    "hmac-sha256": _hmac_sha256,
}


def sign(scheme: str, salt: str, fields: Mapping[str, object]) -> str:
    """The signature of a message, in capital letters."""
    return SCHEMES[scheme](salt, canonical(fields)).upper()


def is_signed(scheme: str, salt: str, fields: Mapping[str, object]) -> bool:
    """Whether a message was signed with this salt, and by the one digest that we accept."""
    given = fields.get(_SIGN)
    if not salt or not isinstance(given, str) or fields.get("signType") != SIGN_TYPE:
        return False
    try:
        right = sign(scheme, salt, fields)
    except ValueError:
        return False
    return constant_time_equal(right, given.upper())
