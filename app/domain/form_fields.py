"""A question to a buyer, as data: what is asked and what counts as an answer."""

from dataclasses import dataclass
from enum import StrEnum


class FieldKind(StrEnum):
    """What an answer is. The three of birth are asked for by birth charts only."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    DATE = "date"
    EMAIL = "email"
    BIRTH_DATE = "birth_date"
    BIRTH_HOUR = "birth_hour"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: the value that is kept and the label that is shown (a msgid where it is ours)."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One question. `label` and `hint` are msgids where the question is ours, the boss's own words elsewhere.

    `max_length` is for text, `least` and `most` are for numbers.
    """

    key: str
    label: str
    kind: FieldKind
    required: bool = True
    choices: tuple[Choice, ...] = ()
    hint: str = ""
    max_length: int | None = None
    least: int | None = None
    most: int | None = None
