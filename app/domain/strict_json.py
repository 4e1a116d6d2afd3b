"""JSON as strangers may send it: UTF-8 without exceptions, no key twice, no NaN, not deep."""

import json
from typing import Final, NoReturn

from app.core.i18n import N_

MAX_DEPTH: Final = 20
NOT_AN_OBJECT: Final = N_("This is not one JSON object.")
KEY_TWICE: Final = N_("A key stands in it twice.")
TOO_DEEP: Final = N_("It is nested too deeply.")
ZERO_CHARACTER: Final = N_("There is a zero character in it.")
HALF_CHARACTER: Final = N_("There is half a character in it, which can't be kept.")


class Malformed(ValueError):
    """Text that is none of what it should be: not UTF-8, not JSON, or without what it needs."""

    path: tuple[str | int, ...] = ()
    """Where in it, from outside in; empty = as a whole, or unknown."""


def read_object(raw: bytes | str, max_depth: int = MAX_DEPTH) -> dict[str, object]:
    """The one object that this is. Raises Malformed."""
    try:
        text = raw.decode("utf-8", "strict") if isinstance(raw, bytes) else raw
        found = json.loads(text, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from None
    if not isinstance(found, dict):
        raise Malformed(NOT_AN_OBJECT)
    _check(found, max_depth)
    return found


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed(KEY_TWICE)
    return found


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is no number")


def _check(value: object, levels: int) -> None:
    """`levels` = how deep it may still go. Raises Malformed for what is too deep, or holds half a character, which no database takes."""
    if levels < 0:
        raise Malformed(TOO_DEEP)
    if isinstance(value, str):
        if "\x00" in value or not value.isascii():
            _check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check(key, levels - 1)
            _check_at(key, inner, levels - 1)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            _check_at(place, inner, levels - 1)


def _check_at(place: str | int, value: object, levels: int) -> None:
    try:
        _check(value, levels)
    except Malformed as error:
        error.path = (place, *error.path)
        raise


def _check_text(value: str) -> None:
    if "\x00" in value:
        raise Malformed(ZERO_CHARACTER)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Malformed(HALF_CHARACTER) from None
