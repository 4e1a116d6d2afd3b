"""The notes of a chart in English. `app.domain.bazi_notes` writes them in Chinese."""

import json
import re
from functools import cache
from typing import Final

from app.domain.bazi_elements import BRANCHES, ZODIAC
from app.domain.bazi_names import ANIMALS_EN
from app.services.reports.pdf_letters import ASSETS

_HOUR: Final = re.compile(rf"[早晚]?([{BRANCHES}])时$")


def in_english(note: str) -> str:
    """The note in English, or as it is where we have no English for it."""
    for chinese, english in _notes():
        found = chinese.fullmatch(note)
        if found:
            return english.format(*(ANIMALS_EN.get(one, one) for one in found.groups()))
    return note


def moment_in_english(moment: str) -> str:
    """`1988-11-08 午时` as `1988-11-08, hour of the Horse`."""
    found = _HOUR.search(moment)
    if not found:
        return moment
    return f"{moment[: found.start()].strip()}, hour of the {ANIMALS_EN[ZODIAC[found[1]]]}"


@cache
def _notes() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = json.loads((ASSETS / "words" / "notes.json").read_text(encoding="utf-8"))
    return tuple((re.compile(row["chinese"]), row["english"]) for row in rows)
