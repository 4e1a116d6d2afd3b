"""Reads an hour of birth: one of the twelve double hours, a time of the clock, or unknown.

A double hour stands for its middle; the hour of the rat (子) is two halves of one hour, because the day changes
between them.
"""

import re
import unicodedata
from typing import Final, TypedDict

from app.core.errors import BadInput
from app.core.i18n import N_

UNKNOWN: Final = "unknown"
DOUBLE_HOURS: Final = (
    ("early_zi", "早子时 00:00-00:59", 0, 30),
    ("chou", "丑时 01:00-02:59", 2, 0),
    ("yin", "寅时 03:00-04:59", 4, 0),
    ("mao", "卯时 05:00-06:59", 6, 0),
    ("chen", "辰时 07:00-08:59", 8, 0),
    ("si", "巳时 09:00-10:59", 10, 0),
    ("wu", "午时 11:00-12:59", 12, 0),
    ("wei", "未时 13:00-14:59", 14, 0),
    ("shen", "申时 15:00-16:59", 16, 0),
    ("you", "酉时 17:00-18:59", 18, 0),
    ("xu", "戌时 19:00-20:59", 20, 0),
    ("hai", "亥时 21:00-22:59", 22, 0),
    ("late_zi", "晚子时 23:00-23:59", 23, 30),
)
"""(value, label, hour, minute of its middle)."""
MAX_LENGTH: Final = 30
_UNKNOWN_WORDS: Final = {
    *(
        "unknown",
        "不知道",
        "不清楚",
        "未知",
        "不详",
        "不記得",
        "不记得",
        "忘了",
        "无",
        "-",
        "?",
        "idontknow",
        "dontknow",
    ),
    *("don'tknow", "idon'tknow", "no", "none"),
}
_BRANCHES: Final = "丑寅卯辰巳午未申酉戌亥"
_PARTS: Final = "凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜|深夜|午夜"
_AFTERNOON: Final = ("下午", "傍晚")
_EVENING: Final = ("晚上", "夜里", "半夜", "深夜", "午夜")
_HANZI: Final = "[〇零一二两三四五六七八九十廿]{1,3}"
_TIME: Final = re.compile(
    rf"(?P<part>{_PARTS})?(?P<hour>\d{{1,2}}|{_HANZI})"
    rf"(?:[:.](?P<minute>\d{{2}})|[点點时時h](?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute2>\d{{1,2}}|{_HANZI})分?)?(?:整|钟)?)?"
    r"(?P<half_day>am|pm)?"
)
_COMPACT: Final = re.compile(r"(?P<hour>\d{2})(?P<minute>\d{2})")
_ONES: Final = {each: value for value, each in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}


class BirthHour(TypedDict):
    """A time of the clock; `exact` is False where only the double hour is known."""

    hour: int
    minute: int
    exact: bool


class HourUnclear(BadInput):
    code = "birth_hour_unclear"
    message = N_(
        "I could not read this time. Please choose one of the hours, write the time like 08:30, or choose that you do "
        "not know it."
    )


class WhichRat(BadInput):
    code = "birth_hour_which_rat"
    message = N_(
        "The hour 子 has two halves. Please choose 早子时 (after midnight) or 晚子时 (before midnight)."
    )


def read_birth_hour(text: str) -> BirthHour | None:
    """The hour that is meant, None where it is unknown. Raises BadInput."""
    plain = "".join(unicodedata.normalize("NFKC", text[: MAX_LENGTH + 1]).lower().split())
    if not plain or len(text) > MAX_LENGTH:
        raise HourUnclear
    if plain in _UNKNOWN_WORDS:
        return None
    return _double_hour(plain) or _clock_time(plain)


def _double_hour(plain: str) -> BirthHour | None:
    for value, _label, hour, minute in DOUBLE_HOURS:
        if plain == value:
            return {"hour": hour, "minute": minute, "exact": False}
    found = re.fullmatch(
        r"(早|晚|夜)?([子丑寅卯辰巳午未申酉戌亥])[时時]?",
        plain.split("00:", maxsplit=1)[0].split("23:", maxsplit=1)[0],
    )
    if found is None:
        return None
    half, branch = found.groups()
    if branch == "子":
        if half is None:
            raise WhichRat
        return {"hour": 0 if half == "早" else 23, "minute": 30, "exact": False}
    return None if half else {"hour": 2 * _BRANCHES.index(branch) + 2, "minute": 0, "exact": False}


def _clock_time(plain: str) -> BirthHour:
    found = _COMPACT.fullmatch(plain) or _TIME.fullmatch(plain)
    if found is None or (plain.isdecimal() and len(plain) < 3):
        # A bare "8" is as likely a slip as an hour.
        raise HourUnclear
    parts = found.groupdict()
    hour = _number(parts["hour"])
    minute = _minute(parts)
    part, half_day = parts.get("part") or "", parts.get("half_day") or ""
    if (part or half_day) and hour > 12:
        part, half_day = "", ""
    hour = _of_the_day(hour, part, half_day)
    if not (0 <= hour <= 23 and 0 <= minute <= 59):
        raise HourUnclear
    return {"hour": hour, "minute": minute, "exact": True}


def _of_the_day(hour: int, part: str, half_day: str) -> int:
    """An hour up to 12 with what stood beside it, as an hour up to 23."""
    if half_day:
        return hour % 12 + (12 if half_day == "pm" else 0)
    if part in _AFTERNOON:
        return hour % 12 + 12
    if part == "中午":
        return hour if hour >= 11 else hour + 12
    if part in _EVENING:
        # 晚上12点 is midnight, 半夜2点 is after it, 晚上8点 is before it.
        return hour % 12 if hour == 12 or hour < 5 else hour + 12
    return 0 if hour == 12 and part == "凌晨" else hour


def _minute(parts: dict[str, str | None]) -> int:
    if parts.get("half"):
        return 30
    if quarter := parts.get("quarter"):
        return 15 * _number(quarter)
    return _number(parts.get("minute") or parts.get("minute2") or "0")


def _number(text: str | None) -> int:
    """8, 08, 八, 十五, 二十三 as a number. Raises HourUnclear."""
    if text is None or text.isdecimal():
        return int(text or 0)
    tens, ten, ones = text.replace("廿", "二十").rpartition("十")
    ones = ones.removeprefix("零") or ("" if ten or not ones else ones)
    if any(len(part) > 1 or (part and part not in _ONES) for part in (tens, ones)):
        raise HourUnclear
    return (_ONES.get(tens, 1) * 10 if ten else 0) + (_ONES[ones] if ones else 0)
