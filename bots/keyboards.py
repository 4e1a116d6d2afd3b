"""Buttons under messages, and the short data that comes back when one is pressed.

Data is `1:<name>:<argument>:…`, at most 64 bytes. Anybody can send any data, so what comes back is checked, and
every id in it is looked up among the rows of the tenant.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from telebot import types

from app.domain.buttons import DATA, data
from app.domain.sending import MAX_CALLBACK_DATA

LONGEST_LABEL = 38
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class ButtonExpired(Exception):
    """The button is from another time, or nobody ever drew it."""


@dataclass(frozen=True, slots=True)
class Button:
    """One button; exactly one of `data` and `url` is set."""

    label: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """What came back from a button."""

    name: str
    arguments: tuple[str, ...]

    def word(self, place: int = 0) -> str:
        """An argument. Raises ButtonExpired where there is none."""
        try:
            return self.arguments[place]
        except IndexError:
            raise ButtonExpired from None

    def id(self, place: int = 0) -> int:
        """An argument that is an id. Raises ButtonExpired where it is none."""
        word = self.word(place)
        if not _ID.fullmatch(word):
            raise ButtonExpired
        return int(word)


def read(raw: str | None) -> Press:
    """What a pressed button means. Raises ButtonExpired for anything that `data` did not make."""
    found = DATA.fullmatch(raw or "")
    if found is None or len(found[0]) > MAX_CALLBACK_DATA:
        raise ButtonExpired
    return Press(found[1], tuple(found[2].split(":")[1:]))


def shortened(label: str) -> str:
    """A label that a phone shows whole; somebody's own words may be longer."""
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"


class Keyboard(types.InlineKeyboardMarkup):
    """An inline keyboard; its JSON is made once, without the library's object for each button."""

    def __init__(self, rows: Iterable[Iterable[Button]]) -> None:
        drawn = [[_drawn(button) for button in row] for row in rows]
        self._json = orjson.dumps({"inline_keyboard": drawn}).decode()

    def to_json(self) -> str:
        return self._json


def _drawn(button: Button) -> dict[str, str]:
    return (
        {"text": button.label, "url": button.url}
        if button.url
        else {"text": button.label, "callback_data": button.data}
    )


__all__ = ["Button", "ButtonExpired", "Keyboard", "Press", "data", "read"]
