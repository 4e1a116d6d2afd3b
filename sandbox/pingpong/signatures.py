"""Signatures over all top-level fields of an envelope."""

import hashlib
import hmac
from collections.abc import Callable

from sandbox.pingpong.book import Account
from sandbox.shapes import Json

HMAC = "hmac-sha256"


def canonical(envelope: Json) -> str:
    """`name=value` of every field but `sign` that has a value, sorted by name, joined with "&"."""
    return "&".join(
        f"{name}={envelope[name]}"
        for name in sorted(envelope)
        if name != "sign" and envelope[name] not in {None, ""}
    )


def salted_sha256(salt: str, text: str) -> str:
    """What accounts sign with, unless they are set up otherwise."""
    return hashlib.sha256((salt + text).encode()).hexdigest().upper()


def salted_md5(salt: str, text: str) -> str:
    """The old way that the vendor still takes."""
    return hashlib.md5((salt + text).encode()).hexdigest().upper()  # noqa: S324 - as the vendor does it


def keyed_sha256(salt: str, text: str) -> str:
    """What accounts set up for HMAC sign with."""
    return hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest().upper()


def way_of(account: Account, sign_type: str) -> Callable[[str, str], str] | None:
    """How this account signs with this `signType`; None for a type that there isn't."""
    if sign_type == "MD5":
        return salted_md5
    if sign_type != "SHA256":
        return None
    return keyed_sha256 if account.scheme == HMAC else salted_sha256


def sign(account: Account, envelope: Json) -> Json:
    """The envelope with its `sign`."""
    way = way_of(account, str(envelope["signType"]))
    assert way is not None, "the sandbox signs with types that there are"
    return {**envelope, "sign": way(account.salt, canonical(envelope))}


def is_right(account: Account, envelope: Json) -> bool:
    """Whether an envelope that came in was signed with the account's salt."""
    way = way_of(account, str(envelope["signType"]))
    return way is not None and hmac.compare_digest(
        way(account.salt, canonical(envelope)), str(envelope["sign"])
    )
