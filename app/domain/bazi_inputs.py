"""What a buyer is asked for his birth chart, and how his answers become a Birth.

Answers are kept as JSON values: name text, sex and calendar a choice's value, birth_date
{"year","month","day","leap"}, birth_hour {"hour","minute","exact"} or None, place
{"name","longitude","latitude","zone"} or None.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from app.core.errors import BadInput
from app.core.i18n import N_
from app.domain.bazi import Birth, Calendar, Place, Sex
from app.domain.bazi_dates import BirthDate, check_birth_date, lunar_in_words, read_birth_date
from app.domain.bazi_hours import DOUBLE_HOURS, UNKNOWN, BirthHour, read_birth_hour
from app.domain.form_fields import Choice, Field, FieldKind
from app.domain.places import PlaceUnknown, find_places

__all__ = [
    "DOUBLE_HOURS",
    "FIELDS",
    "UNKNOWN",
    "BirthDate",
    "BirthHour",
    "PlaceUnknown",
    "birth_of",
    "clean_name",
    "find_places",
    "lunar_in_words",
    "place_json",
    "read_birth_date",
    "read_birth_hour",
]

MAX_NAME: Final = 30
_HOURS: Final = tuple(Choice(value, label) for value, label, _hour, _minute in DOUBLE_HOURS)
FIELDS: Final = (
    Field(
        "name",
        N_("Full name"),
        FieldKind.TEXT,
        hint=N_("What shall the report call you?"),
        max_length=MAX_NAME,
    ),
    Field(
        "sex",
        N_("Sex"),
        FieldKind.CHOICE,
        choices=(Choice(Sex.MALE, N_("Male")), Choice(Sex.FEMALE, N_("Female"))),
        hint=N_("The direction of the luck pillars depends on it."),
    ),
    Field(
        "calendar",
        N_("Calendar"),
        FieldKind.CHOICE,
        choices=(Choice(Calendar.SOLAR, N_("Solar calendar")), Choice(Calendar.LUNAR, N_("Lunar calendar"))),
        hint=N_("In which calendar do you know your birthday?"),
    ),
    Field(
        "birth_date",
        N_("Date of birth"),
        FieldKind.BIRTH_DATE,
        hint=N_(
            "For example 1990-05-17; a lunar date like 1990年四月廿三, a leap month like 1990年闰五月初一."
        ),
    ),
    Field(
        "birth_hour",
        N_("Hour of birth"),
        FieldKind.BIRTH_HOUR,
        choices=(*_HOURS, Choice(UNKNOWN, N_("I do not know"))),
        hint=N_("Choose the hour, or write the exact time by the clock, like 08:30."),
    ),
    Field(
        "place",
        N_("Place of birth"),
        FieldKind.PLACE,
        required=False,
        hint=N_("Write the city, for example 北京, Shenzhen or London. It may be skipped."),
    ),
)
_CONTROL: Final = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


class BirthIncomplete(BadInput):
    code = "birth_incomplete"
    message = N_("The details of birth are not complete.")


def clean_name(text: str) -> str:
    """A name on one line, without invisible characters."""
    plain = unicodedata.normalize("NFC", text)
    return " ".join(_CONTROL.sub(" ", plain).split())[:MAX_NAME]


def place_json(place: Place) -> dict[str, Any]:
    """A place as an answer is kept."""
    return asdict(place)


def birth_of(inputs: Mapping[str, Any]) -> Birth:
    """The birth that the answers of FIELDS tell. Raises BadInput where they are not those of a real birth."""
    try:
        calendar, date = Calendar(inputs["calendar"]), inputs["birth_date"]
        given = BirthDate(
            year=int(date["year"]),
            month=int(date["month"]),
            day=int(date["day"]),
            leap=bool(date.get("leap")),
        )
        hour, place = inputs.get("birth_hour"), inputs.get("place")
        birth = Birth(
            name=clean_name(str(inputs["name"])),
            sex=Sex(inputs["sex"]),
            calendar=calendar,
            **check_birth_date(given, calendar),
            hour=None if hour is None else int(hour["hour"]),
            minute=0 if hour is None else int(hour["minute"]),
            exact=hour is None or bool(hour.get("exact", True)),
            place=None if place is None else Place(**place),
        )
    except (KeyError, TypeError, ValueError):
        raise BirthIncomplete from None
    if not (birth.hour is None or 0 <= birth.hour <= 23) or not 0 <= birth.minute <= 59:
        raise BirthIncomplete
    return birth
