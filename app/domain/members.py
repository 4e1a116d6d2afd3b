"""Rules about Telegram users: what is kept of the names that they give themselves."""

import re
from dataclasses import dataclass

MAX_NAME = 64
# Signs that turn the direction of everything after them, and control characters, which PostgreSQL refuses in part.
_UNFIT = re.compile("[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


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
