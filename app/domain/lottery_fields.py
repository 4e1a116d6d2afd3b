"""Fields of bodies that somebody sent: each reader takes a body and a field's name and gives a checked value.

Every reader raises BadSpec, whose `field` is the path of what is wrong.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final, TypeVar

from app.core.errors import BadInput
from app.core.i18n import N_, translate

Body = Mapping[str, object]
T = TypeVar("T")

_CHAT: Final = re.compile(r"@[A-Za-z][A-Za-z0-9_]{4,31}|-100[1-9][0-9]{5,12}", re.ASCII)
_LINK: Final = re.compile(
    r"(?:https?://)?(?:www\.)?(?:t|telegram)\.me/(?=[A-Za-z])([A-Za-z0-9_]+)/?", re.IGNORECASE | re.ASCII
)
TELEGRAM_URL: Final = re.compile(r"https://t\.me/[A-Za-z0-9_+/-]{1,100}", re.ASCII)
# Control characters but line breaks, signs that turn the direction of text, lone halves of pairs.
_UNFIT: Final = re.compile("[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(words: str) -> str:
    """A sentence without line breaks and signs that disturb the text around it; empty where nothing can be seen."""
    line = " ".join(_UNFIT.sub(" ", words).split())
    return line if any(sign.isprintable() and not sign.isspace() for sign in line) else ""


class BadSpec(BadInput):
    """`field` is the path of what is wrong, as `prizes[0].quantity`; `message` says what, without the path."""

    code = "bad_lottery"
    message = N_("This is not valid.")

    def __init__(self, field: str, message: str, **params: object) -> None:
        super().__init__(message, **params)
        self.field = field
        self.args = (f"{field}: {self.args[0]}",)

    def problem(self, locale: str) -> str:
        """What is wrong, for showing beside the field."""
        return translate(locale, self.message, **self.params)

    def text(self, locale: str) -> str:
        """What is wrong, with the field's path before it."""
        return f"{self.field}: {self.problem(locale)}"


def read_chat(value: object, field: str = "chat") -> str:
    """`@name` or `-100…`, also out of a pasted t.me link. Raises BadSpec."""
    given = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    link = _LINK.fullmatch(given)
    chat = f"@{link[1]}" if link else given
    if not _CHAT.fullmatch(chat):
        raise BadSpec(field, N_("Give a channel or group as @name or by its id, which begins with -100."))
    return chat


def mapping(value: object, field: str, allowed: Iterable[str]) -> Body:
    if not isinstance(value, Mapping):
        raise BadSpec(field or "lottery", N_("This must be an object with fields."))
    known = frozenset(allowed)
    for name in value:
        if name not in known:
            raise BadSpec(path_of(field, str(name)), N_("There is no such field."))
    return value


def path_of(parent: str, name: str) -> str:
    # A name that somebody else made up is shown, so it is kept short and harmless.
    name = _UNFIT.sub("?", name)[:40]
    return f"{parent}.{name}" if parent else name


def required(value: T | None, field: str) -> T:
    if not value:
        raise BadSpec(field, N_("This is required."))
    return value


def text(data: Body, name: str, longest: int, *, parent: str = "", lines: bool = False) -> str:
    value, field = data.get(name), path_of(parent, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadSpec(field, N_("This must be text."))
    text = value.replace("\r\n", "\n").strip()
    if _UNFIT.search(text) or (not lines and "\n" in text):
        raise BadSpec(field, N_("This holds characters that cannot be shown."))
    if len(text) > longest:
        raise BadSpec(field, N_("This must not be longer than %(most)s characters."), most=longest)
    return text


def number(data: Body, name: str, low: int, high: int, *, parent: str = "") -> int | None:
    value = data.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        message = N_("This must be a whole number from %(low)s to %(high)s.")
        raise BadSpec(path_of(parent, name), message, low=low, high=high)
    return value


def flag(data: Body, name: str) -> bool:
    value = data.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadSpec(name, N_("This must be true or false."))
    return value


def items(data: Body, name: str, most: int, read_one: Callable[[object, str], T]) -> list[T]:
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise BadSpec(name, N_("This must be a list."))
    if len(value) > most:
        raise BadSpec(name, N_("This must not have more than %(most)s entries."), most=most)
    return [read_one(one, f"{name}[{place}]") for place, one in enumerate(value)]


def moment(data: Body, name: str, tz: tzinfo) -> datetime | None:
    value = data.get(name)
    if value is None or value == "":
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        return (found if found.tzinfo else found.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSpec(name, N_("This must be a date and time, as 2030-01-31T20:00.")) from None
