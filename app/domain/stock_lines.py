"""Lines of codes and links as a boss pastes them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.core.i18n import N_
from app.domain.lottery_fields import BadSpec
from app.domain.products import MAX_STOCK_ROWS, MAX_STOCK_TEXT, StockKind

_LINK: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_UNFIT: Final = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Spaces at the ends, and what editors put before the first letter of a file.
_AROUND: Final = " \t\r\n\ufeff\u200b\u3000"


@dataclass(frozen=True, slots=True)
class Line:
    """One code or link, with its number in the paste, the first being 1."""

    number: int
    text: str

    @property
    def kind(self) -> StockKind:
        return kind_of(self.text)


def kind_of(words: str) -> StockKind:
    """A line that is an address is a link."""
    return StockKind.LINK if _LINK.fullmatch(words) else StockKind.CODE


def read_line(value: object, field: str) -> str:
    """One code or link. Raises BadSpec."""
    words = value.strip(_AROUND) if isinstance(value, str) else ""
    if not words:
        raise BadSpec(field, N_("This must be a code or a link."))
    if _UNFIT.search(words) or "\n" in words:
        raise BadSpec(field, N_("This holds characters that cannot be shown."))
    if len(words) > MAX_STOCK_TEXT:
        raise BadSpec(field, N_("This must not be longer than %(most)s characters."), most=MAX_STOCK_TEXT)
    return words


def read_lines(pasted: str) -> list[Line]:
    """All lines but the empty ones. Raises BadSpec, whose field `items[n]` is the line before n + 1."""
    lines = [
        Line(place, read_line(raw, f"items[{place - 1}]"))
        for place, raw in enumerate(pasted.replace("\r\n", "\n").split("\n"), start=1)
        if raw.strip(_AROUND)
    ]
    check_number(lines)
    return lines


def check_number(lines: Iterable[object]) -> None:
    """Raises BadSpec for more than may be added at once."""
    if sum(1 for _ in lines) > MAX_STOCK_ROWS:
        raise BadSpec("items", N_("Add at most %(most)s at once."), most=MAX_STOCK_ROWS)
