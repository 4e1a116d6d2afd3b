"""The birth chart by our own calculation, with the calendar of `lunar_python`.

`solar_time` says which clock decides what; `bazi_elements` how elements are weighed. Safe in threads: the library's
one shared thing, the last year, is behind its own lock, and dates reach it checked.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from lunar_python import Solar

from app.domain.bazi import Birth, Chart, ChartSource, Decade, Pillar, School, Sex
from app.domain.bazi_elements import BRANCHES, ZODIAC, favourable_of, strength_of, ten_god, weigh
from app.domain.bazi_notes import notes_of
from app.domain.solar_time import Moments, moments

DECADES: Final = 9
NEXT_DAY, SAME_DAY = 1, 2
"""The library's schools of the late hour of the rat."""
MALE, FEMALE = 1, 0
"""The library's sexes."""
BY_MINUTES: Final = 2
"""The library's way to reckon the beginning of luck that agrees with published charts."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A birth as the library sees it: the sky's two clocks."""

    moments: Moments
    world: Any
    """Its EightChar of Beijing's time: year, month and luck."""
    sky: Any
    """Its EightChar of the local time: day and hour."""


def chart_of(birth: Birth, school: School) -> Chart:
    """The chart. Raises BadInput where the date of birth does not exist."""
    seen = reckon(birth, school)
    year, month, day, hour = _pillars(seen, known_hour=birth.hour is not None)
    pillars = [each for each in (year, month, day, hour) if each is not None]
    elements = weigh(pillars)
    strength = strength_of(day.stem, elements)
    start, decades = _luck(birth, seen)
    wall = lunar_of(seen.moments.clock.date(), seen)
    return Chart(
        source=ChartSource.BUILT_IN,
        sex=birth.sex,
        solar=shown(birth, seen.moments.local),
        clock=shown(birth, seen.moments.clock),
        lunar=wall.toString(),
        zodiac=ZODIAC[year.branch],
        year=year,
        month=month,
        day=day,
        hour=hour,
        elements=elements,
        strength=strength,
        favourable=favourable_of(day.stem, elements, strength, month.branch),
        void=seen.sky.getDayXunKong(),
        luck_start=start,
        decades=decades,
        notes=notes_of(
            birth, school, seen.moments, world=seen.world.getLunar(), wall=wall, year_branch=year.branch
        ),
    )


def reckon(birth: Birth, school: School) -> Reckoned:
    """The birth on the library's clocks, by this school."""
    at = moments(birth, school)
    world = _eight(at.beijing, school)
    return Reckoned(at, world, world if at.local == at.beijing else _eight(at.local, school))


def _eight(moment: datetime, school: School) -> Any:
    solar = Solar.fromYmdHms(moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    eight = solar.getLunar().getEightChar()
    eight.setSect(NEXT_DAY if school.late_zi_next_day else SAME_DAY)
    return eight


def _pillars(seen: Reckoned, *, known_hour: bool) -> tuple[Pillar, Pillar, Pillar, Pillar | None]:
    day_stem = seen.sky.getDayGan()
    year = _pillar(seen.world, "Year", day_stem)
    month = _pillar(seen.world, "Month", day_stem)
    day = _pillar(seen.sky, "Day", day_stem)
    return year, month, day, _pillar(seen.sky, "Time", day_stem) if known_hour else None


def _pillar(eight: Any, which: str, day_stem: str) -> Pillar:
    def part(name: str) -> Any:
        return getattr(eight, f"get{which}{name}")()

    hidden = tuple(part("HideGan"))
    stem, branch = part("Gan"), part("Zhi")
    return Pillar(
        stem=stem,
        branch=branch,
        stem_god="" if which == "Day" else ten_god(day_stem, stem),
        hidden=hidden,
        hidden_gods=tuple(ten_god(day_stem, each) for each in hidden),
        na_yin=part("NaYin"),
        stage=stage_of(day_stem, branch),
    )


_STAGES: Final = ("长生", "沐浴", "冠带", "临官", "帝旺", "衰", "病", "死", "墓", "绝", "胎", "养")
_STAGE_BEGINS: Final = dict(zip("甲乙丙丁戊己庚辛壬癸", "亥午寅酉寅酉巳子申卯", strict=True))


def stage_of(day_stem: str, branch: str) -> str:
    """The stem's stage of life in a branch: forwards from its birth for a yang stem, backwards for a yin one."""
    steps = BRANCHES.index(branch) - BRANCHES.index(_STAGE_BEGINS[day_stem])
    return _STAGES[steps % 12 if day_stem in "甲丙戊庚壬" else -steps % 12]


def _luck(birth: Birth, seen: Reckoned) -> tuple[str, tuple[Decade, ...]]:
    """When the decades begin, in Chinese words, and the decades."""
    luck = seen.world.getYun(MALE if birth.sex is Sex.MALE else FEMALE, BY_MINUTES)
    parts = (
        (luck.getStartYear(), "年"),
        (luck.getStartMonth(), "个月"),
        (luck.getStartDay(), "天"),
    )
    about = "约" if birth.hour is None or not birth.exact else ""
    words = "".join(f"{count}{unit}" for count, unit in parts if count) or "当天"
    decades = tuple(
        Decade(each.getStartAge(), each.getStartYear(), each.getGanZhi())
        for each in luck.getDaYun(DECADES + 1)[1:]
    )
    return f"{about}出生后{words}起运", decades


def lunar_of(day: date, seen: Reckoned) -> Any:
    """The library's lunar date of a day; that of Beijing's clock where it shows the same day."""
    if seen.moments.beijing.date() == day:
        return seen.world.getLunar()
    return Solar.fromYmd(day.year, day.month, day.day).getLunar()


def shown(birth: Birth, moment: datetime) -> str:
    """The moment as the chart shows it: with the minute, with the double hour, or only the day."""
    if birth.hour is None:
        return f"{moment:%Y-%m-%d}"
    if birth.exact:
        return f"{moment:%Y-%m-%d %H:%M}"
    half = {0: "早", 23: "晚"}.get(moment.hour, "")
    return f"{moment:%Y-%m-%d} {half}{BRANCHES[(moment.hour + 1) // 2 % 12]}时"
