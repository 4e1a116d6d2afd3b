"""Random identifiers that may be shown to the outside."""

import secrets


def public_id() -> str:
    """128 random bits, base64url, 22 characters: used in webhook paths and page addresses."""
    return secrets.token_urlsafe(16)


def one_time_code() -> str:
    """Ten characters that a person can type: no vowels and no look-alikes."""
    alphabet = "BCDFGHJKMNPQRSTVWXYZ23456789"
    return "".join(secrets.choice(alphabet) for _ in range(10))


def api_key() -> str:
    """An API key: `tk_` and 64 characters."""
    return "tk_" + secrets.token_hex(32)
