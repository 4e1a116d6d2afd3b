"""JSON as strangers may send it: UTF-8 without exceptions, no key twice, no NaN, not deep."""

import json
from typing import Final, NoReturn

from app.gateways.payments.base import Malformed

MAX_DEPTH: Final = 20


def read_object(raw: bytes | str) -> dict[str, object]:
    """The one object that this is. Raises Malformed."""
    try:
        text = raw.decode("utf-8", "strict") if isinstance(raw, bytes) else raw
        found = json.loads(text, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from None
    if not isinstance(found, dict):
        raise Malformed("not an object")
    _check(found, 0)
    return found


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key stands there twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is no number")


def _check(value: object, depth: int) -> None:
    """Raises Malformed for what is too deep, or holds half a character, which no database takes."""
    if depth > MAX_DEPTH:
        raise Malformed("too deep")
    if isinstance(value, str):
        if "\x00" in value or not value.isascii():
            _check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check(key, depth + 1)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(value: str) -> None:
    if "\x00" in value:
        raise Malformed("a zero character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Malformed("half a character") from None
