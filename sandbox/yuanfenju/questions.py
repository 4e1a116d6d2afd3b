"""Reading the form of a question: who was born when, by which clock and which school."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lunar_python import Lunar, LunarYear, Solar

from sandbox.shapes import Json

# What "zhen=1" knows; the real list is longer.
PLACES = {
    "北京": 116.41, "天津": 117.20, "上海": 121.47, "重庆": 106.55, "石家庄": 114.51, "太原": 112.55, "沈阳": 123.43,
    "长春": 125.32, "哈尔滨": 126.64, "南京": 118.80, "杭州": 120.16, "合肥": 117.28, "福州": 119.30, "南昌": 115.86,
    "济南": 117.00, "郑州": 113.63, "武汉": 114.31, "长沙": 112.94, "广州": 113.26, "深圳": 114.06, "南宁": 108.37,
    "海口": 110.20, "成都": 104.07, "贵阳": 106.71, "昆明": 102.83, "拉萨": 91.14, "西安": 108.94, "兰州": 103.83,
    "西宁": 101.78, "银川": 106.23, "乌鲁木齐": 87.62, "呼和浩特": 111.75, "台北": 121.57, "香港": 114.17, "澳门": 113.54,
}  # fmt: skip
FIRST_YEAR, LAST_YEAR = 1600, 2099
LANGUAGES = frozenset({"zh-cn", "zh-tw", "en-us"})


class BadQuestion(Exception):
    """A field is missing or impossible; the text is the answer's `errmsg`."""


@dataclass(frozen=True, slots=True)
class Question:
    """`clock` is the time by the clock, `sun` the one that counts (the same unless true solar time was asked for)."""

    name: str
    is_male: bool
    clock: datetime
    sun: datetime
    sect: int
    place: str


def read_question(form: Json) -> Question:
    """Raises BadQuestion."""
    name = str(form.get("name", "")).strip()
    if not name:
        raise BadQuestion("姓名不能为空")
    sex, kind = word(form, "sex", {"0", "1"}), word(form, "type", {"0", "1"})
    year, month, day = (whole(form, field, *span) for field, span in DATE)
    hours, minute = whole(form, "hours", 0, 23), whole(form, "minute", 0, 59)
    sect = int(word(form, "sect", {"1", "2"}, "1"))
    word(form, "lang", LANGUAGES, "zh-cn")
    born = from_lunar(year, month, day) if kind == "0" else from_solar(year, month, day)
    clock = datetime(born.year, born.month, born.day, hours, minute)  # noqa: DTZ001 - a birth has no zone
    place, longitude = place_of(form)
    sun = clock if longitude is None else true_solar(clock, longitude)
    return Question(name, sex == "0", clock, sun, sect, place)


DATE = (("year", (FIRST_YEAR, LAST_YEAR)), ("month", (1, 12)), ("day", (1, 31)))


def word(form: Json, name: str, allowed: set[str] | frozenset[str], default: str = "") -> str:
    """One of a few words; raises BadQuestion."""
    value = str(form.get(name, "")) or default
    if value not in allowed:
        raise BadQuestion(f"参数{name}错误")
    return value


def whole(form: Json, name: str, least: int, most: int) -> int:
    """A whole number within bounds; raises BadQuestion."""
    value = str(form.get(name, ""))
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise BadQuestion(f"参数{name}错误")
    return int(value)


def from_solar(year: int, month: int, day: int) -> date:
    """A day of the solar calendar; raises BadQuestion."""
    try:
        return date(year, month, day)
    except ValueError:
        raise BadQuestion("公历日期不存在") from None


def from_lunar(year: int, month: int, day: int) -> date:
    """The solar day of a lunar one; leap months cannot be asked for. Raises BadQuestion."""
    known = LunarYear.fromYear(year).getMonth(month)
    if known is None or day > known.getDayCount():
        raise BadQuestion("农历日期不存在")
    solar = Lunar.fromYmd(year, month, day).getSolar()
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def place_of(form: Json) -> tuple[str, float | None]:
    """The place's name and longitude where true solar time was asked for; raises BadQuestion."""
    zhen = word(form, "zhen", {"1", "2", "3"}, "2")
    if zhen == "2":
        return "", None
    if zhen == "1":
        city = str(form.get("city", "")).removesuffix("市")
        if not form.get("province") or city not in PLACES:
            raise BadQuestion("省份或城市错误")
        return city, PLACES[city]
    degrees(form, "latitude", 90)
    return "", degrees(form, "longitude", 180)


def degrees(form: Json, name: str, most: float) -> float:
    """A longitude or latitude; raises BadQuestion."""
    try:
        value = float(str(form.get(name, "")))
    except ValueError:
        raise BadQuestion(f"参数{name}错误") from None
    if not abs(value) <= most:
        raise BadQuestion(f"参数{name}错误")
    return value


def true_solar(clock: datetime, longitude: float) -> datetime:
    """The sun's time at a longitude when the clock of Beijing shows `clock` (equation of time to about a minute)."""
    angle = 2 * math.pi * (clock.timetuple().tm_yday - 81) / 364
    equation = 9.87 * math.sin(2 * angle) - 7.53 * math.cos(angle) - 1.5 * math.sin(angle)
    return clock + timedelta(minutes=4 * (longitude - 120) + equation)


def solar_of(moment: datetime) -> Solar:
    """As lunar_python wants it."""
    return Solar.fromYmdHms(moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
