"""Reads a date of birth as people write it, in the solar or the lunar calendar, and checks that it exists.

`1990-05-17`, `1990/5/17`, `19900517`, `1990年5月17日`, `一九九〇年四月廿三`, `1990年闰四月初一`, `1990-闰4-23`,
`17 May 1990`. The day comes first only beside a month's name, because 5/6/1990 is two dates.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta, timezone
from typing import Any, Final, TypedDict

from lunar_python import Lunar, LunarYear
from lunar_python.util import LunarUtil

from app.core import clock
from app.core.errors import BadInput
from app.core.i18n import N_, ZH, translate
from app.domain.bazi import Calendar

FIRST_YEAR: Final = 1900
MAX_LENGTH: Final = 40
# Nobody is born tomorrow, wherever he is: the day begins first at UTC+14.
_EARLIEST_ZONE: Final = timezone(timedelta(hours=14))
_DIGITS: Final = {
    character: value
    for value, characters in enumerate(("〇零○", "一", "二", "三", "四", "五", "六", "七", "八", "九"))
    for character in characters
}
_MONTHS: Final = {"正": 1, "元": 1, "冬": 11, "腊": 12, "臘": 12}
_ENGLISH: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER: Final = r"(?:\d{1,2}|[一二三四五六七八九十廿卅]{1,3}|初[一二三四五六七八九十])"
_WRITTEN: Final = re.compile(
    r"(?P<year>\d{4}|[〇零○一二三四五六七八九]{4})(?:年|[-/.,])?"
    r"(?P<leap>[闰閏])?(?P<month>" + _NUMBER + r"|[正元冬腊臘])(?:月|[-/.,])"
    r"(?P<day>" + _NUMBER + r")[日号號]?"
)
_COMPACT: Final = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})")
_NAMED: Final = re.compile(
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?)?(?P<month>[a-z]{3,9})(?P<day2>\d{1,2})?(?:st|nd|rd|th)?,?"
    r"(?P<year>\d{4})"
)
_LUNAR_WORDS: Final = re.compile(r"农历|農曆|阴历|陰曆|旧历|舊曆|lunar|[闰閏初廿卅正冬腊臘]")
_CALENDAR_WORDS: Final = re.compile(
    r"农历|農曆|阴历|陰曆|旧历|舊曆|公历|公曆|阳历|陽曆|新历|新曆|lunar|solar|[::\s]"
)


class BirthDate(TypedDict):
    """A date in the calendar that the buyer chose."""

    year: int
    month: int
    day: int
    leap: bool


class DateUnclear(BadInput):
    code = "birth_date_unclear"
    message = N_("I could not read this date. Please write it like 1990-05-17 or 1990年5月17日.")


class LunarDateUnclear(DateUnclear):
    message = N_(
        "I could not read this date. Please write the lunar date like 1990-4-23 or 一九九〇年四月廿三; "
        "for a leap month 1990年闰五月初一."
    )


class LooksLunar(BadInput):
    code = "birth_date_looks_lunar"
    message = N_(
        "This looks like a lunar date, but you chose the solar calendar. Please write the solar date, or go back and "
        "choose the lunar calendar."
    )


class NoSuchDay(BadInput):
    code = "birth_date_impossible"
    message = N_("This date does not exist: month %(month)s of %(year)s has %(days)s days.")


class NoSuchMonth(BadInput):
    code = "birth_month_impossible"
    message = N_("This date does not exist: a year has the months 1 to 12.")


class NoSuchLunarDay(BadInput):
    code = "birth_lunar_day_impossible"
    message = N_("This date does not exist: the lunar month %(month)s of %(year)s has only %(days)s days.")


class NoSuchLeapMonth(BadInput):
    code = "birth_leap_month_impossible"
    message = N_("The lunar year %(year)s has no leap month %(month)s. Its leap month is: %(leap)s.")


class NoLeapMonth(BadInput):
    code = "birth_no_leap_month"
    message = N_("The lunar year %(year)s has no leap month.")


class InFuture(BadInput):
    code = "birth_date_in_future"
    message = N_("This date is in the future. Please write the date of birth.")


class TooEarly(BadInput):
    code = "birth_date_too_early"
    message = N_("Dates of birth are taken from 1900 on.")


def read_birth_date(text: str, calendar: Calendar, today: date | None = None) -> BirthDate:
    """The date that is meant. Raises BadInput with a text that says what is wrong with it."""
    plain = unicodedata.normalize("NFKC", text[: MAX_LENGTH + 1]).strip().lower()
    plain = re.sub("[\u2010-\u2015\u2212~]", "-", plain)
    found = _parsed(plain) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise DateUnclear if calendar is Calendar.SOLAR else LunarDateUnclear
    if calendar is Calendar.SOLAR and _LUNAR_WORDS.search(plain):
        raise LooksLunar
    return check_birth_date(found, calendar, today)


def check_birth_date(found: BirthDate, calendar: Calendar, today: date | None = None) -> BirthDate:
    """The same date when it exists and is no later than today. Raises BadInput."""
    if found["year"] < FIRST_YEAR:
        raise TooEarly
    today = today or clock.now().astimezone(_EARLIEST_ZONE).date()
    if found["year"] > today.year:
        raise InFuture
    if not 1 <= found["month"] <= 12:
        raise NoSuchMonth
    if solar_date(found, calendar) > today:
        raise InFuture
    return found


def solar_date(found: BirthDate, calendar: Calendar) -> date:
    """The day in the solar calendar. Raises BadInput where there is no such day."""
    if calendar is Calendar.LUNAR:
        return _solar_of_lunar(found)
    year, month = found["year"], found["month"]
    days = (date(year, 12, 31) if month == 12 else date(year, month + 1, 1) - timedelta(1)).day
    if not 1 <= found["day"] <= days:
        raise NoSuchDay(year=year, month=month, days=days)
    return date(year, month, found["day"])


def _solar_of_lunar(found: BirthDate) -> date:
    year, month = found["year"], found["month"]
    months = {each.getMonth(): each.getDayCount() for each in LunarYear.fromYear(year).getMonthsInYear()}
    wanted = -month if found["leap"] else month
    if wanted not in months:
        leap = next((-each for each in months if each < 0), None)
        raise NoSuchLeapMonth(year=year, month=month, leap=leap) if leap else NoLeapMonth(year=year)
    if not 1 <= found["day"] <= months[wanted]:
        shown = f"闰{month}" if found["leap"] else str(month)
        raise NoSuchLunarDay(year=year, month=shown, days=months[wanted])
    solar = Lunar.fromYmd(year, wanted, found["day"]).getSolar()
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def lunar_in_words(given: Mapping[str, Any], locale: str) -> str:
    """A date of the lunar calendar as people say it, named as one."""
    year, month, day = int(given["year"]), int(given["month"]), int(given["day"])
    leap = bool(given.get("leap"))
    if locale == ZH:
        date_said = f"{year}年{'闰' * leap}{LunarUtil.MONTH[month]}月{LunarUtil.DAY[day]}"
    else:
        date_said = f"{year:04}-{month:02}-{day:02}"
        if leap:
            date_said = translate(locale, N_("%(date)s (leap month %(month)s)"), date=date_said, month=month)
    return translate(locale, N_("lunar %(date)s"), date=date_said)


def _parsed(plain: str) -> BirthDate | None:
    bare = _CALENDAR_WORDS.sub("", re.sub(r"(?<=\d)\s+(?=\d)", "-", plain))
    if named := _NAMED.fullmatch(bare.replace("-", "") if re.search("[a-z]", bare) else bare):
        return _english(named)
    match = _COMPACT.fullmatch(bare) or _WRITTEN.fullmatch(bare)
    if match is None:
        return None
    parts = match.groupdict()
    year = int("".join(str(_DIGITS.get(each, each)) for each in parts["year"]))
    month, day = _number(parts["month"]), _number(parts["day"])
    if month is None or day is None:
        return None
    return {"year": year, "month": month, "day": day, "leap": bool(parts.get("leap"))}


def _english(named: re.Match[str]) -> BirthDate | None:
    month, day = named["month"][:3], named["day"] or named["day2"]
    if month not in _ENGLISH or not day or (named["day"] and named["day2"]):
        return None
    return {"year": int(named["year"]), "month": _ENGLISH.index(month) + 1, "day": int(day), "leap": False}


def _number(text: str) -> int | None:
    """5, 05, 五, 初五, 十五, 廿五, 二十五, 三十, 正, 腊 as a number."""
    if text.isdecimal():
        return int(text)
    if text in _MONTHS:
        return _MONTHS[text]
    text = text.removeprefix("初").replace("廿", "二十").replace("卅", "三十")
    tens, ten, ones = text.rpartition("十")
    if any(part and part not in _DIGITS for part in (tens, ones)):
        return None
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + _DIGITS.get(ones, 0)
