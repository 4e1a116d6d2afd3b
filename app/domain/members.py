"""Rules about Telegram users: what is kept of the names that they give themselves."""

import re
import unicodedata
from dataclasses import dataclass

MAX_NAME = 64
MAX_DIGITS = 18
# Signs that turn the direction of everything after them, and control characters, which PostgreSQL refuses in part.
_UNFIT = re.compile("[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Person:
    """A Telegram user as an update shows him, names cleaned."""

    telegram_id: int
    first_name: str
    last_name: str
    username: str | None
    language_code: str | None


def clean_name(name: str | None, longest: int = MAX_NAME) -> str:
    """The name without signs that could disturb the text around it."""
    if not name:
        return ""
    if name.isascii() and name.isprintable():
        return name[:longest]
    return _UNFIT.sub("", name)[:longest].strip()


_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_USERNAME = re.compile(r"[A-Za-z0-9_]{3,32}")
_LINK = re.compile(r"(?:https?://)?(?:www\.)?(?:t|telegram)\.me/", re.IGNORECASE)


def shown_name(first_name: str, last_name: str, telegram_id: int) -> str:
    """What pages call somebody: his name without disturbing signs, his number where nothing of it can be seen."""
    return visible_name(first_name, last_name) or f"#{telegram_id}"


def visible_name(first_name: str, last_name: str) -> str:
    """Somebody's name without disturbing signs; empty where nothing of it can be seen."""
    name = f"{clean_name(first_name)} {clean_name(last_name)}".strip()
    seen = any(sign not in _BLANK and unicodedata.category(sign)[0] not in "CZ" for sign in name)
    return name if seen else ""


def profile_link(username: str | None) -> str:
    """Where Telegram shows somebody; empty for who has no username."""
    return f"https://t.me/{username}" if username and _USERNAME.fullmatch(username) else ""


def read_username(word: str) -> str | None:
    """The username that a searched word means, `@name` or a pasted `t.me/name`; None for other words."""
    bare = _LINK.sub("", word, count=1) if _LINK.match(word) else word.removeprefix("@")
    return None if bare == word else bare.partition("?")[0].strip("/")


def read_number(word: str) -> int | None:
    """The Telegram number that a searched word may be."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS else None
