"""Which letters can be printed, and what becomes of the others."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).resolve().parents[2] / "assets" / "report"
"""Where templates and fonts lie."""
_MISSING: Final = "〓"
"""What printers put where they have no type for a letter."""
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk", "Mn", "Me", "Zl", "Zp"})
"""Controls, marks that turn a line around, emoji, loose accents: nobody misses them."""


def clean(text: str) -> str:
    """`text` in one line and in letters that our fonts have. A letter they lack becomes 〓."""
    whole = unicodedata.normalize("NFC", " ".join(text.split()))
    return " ".join("".join(_printed(one) for one in whole).split())


def cut(text: str, width: int) -> str:
    """`text`, shortened to `width` columns; a Chinese character takes two."""
    columns = 0
    for place, char in enumerate(text):
        columns += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if columns > width:
            return text[:place].rstrip() + "…"
    return text


def _printed(char: str) -> str:
    category = unicodedata.category(char)
    if ord(char) in _covered() and category not in {"Cc", "Cf", "Co", "Mn", "Me"}:
        return char
    return "" if category in _DROPPED else _MISSING


@cache
def _covered() -> frozenset[int]:
    """The characters of the widest font; `fonts/make.sh` writes the list."""
    lines = (ASSETS / "fonts" / "covered.txt").read_text(encoding="ascii").splitlines()
    ranges = (line.split() for line in lines)
    return frozenset(code for first, last in ranges for code in range(int(first, 16), int(last, 16) + 1))
