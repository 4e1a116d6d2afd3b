"""Random identifiers that may be shown to the outside."""

import hashlib
import secrets
from typing import Final

_ALPHABET: Final = "BCDFGHJKMNPQRSTVWXYZ23456789"
_CODE_LENGTH: Final = 10


def public_id() -> str:
    """128 random bits, base64url, 22 characters: used in webhook paths and page addresses."""
    return secrets.token_urlsafe(16)


def one_time_code() -> str:
    """Ten characters that a person can type: no vowels and no look-alikes."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))


def code_of(secret: str) -> str:
    """The same shape, always the same for one secret; who does not know the secret can't foretell it."""
    digest = hashlib.sha256(secret.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_CODE_LENGTH])


def api_key() -> str:
    """An API key: `tk_` and 64 characters."""
    return "tk_" + secrets.token_hex(32)
