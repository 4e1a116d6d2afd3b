"""What stands out in a chart: the features that the composed text is chosen by. No words, no language."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.domain.bazi import Chart, Sex
from app.domain.bazi_elements import BRANCHES, GOD_GROUPS, element_after, element_of, ten_god
from app.domain.bazi_facts import Years, year_pillar, years_of

MAIN_STEM: Final = dict(zip(BRANCHES, "癸己甲乙戊丙丁己庚辛戊壬", strict=True))
"""The main hidden stem of each branch."""
EXCESS_FROM: Final = 32
LACK_TO: Final = 8
"""Percent."""
_SEASONS: Final = dict(zip(BRANCHES, "冬冬春春春夏夏夏秋秋秋冬", strict=True))
_JOINS: Final = dict(zip(BRANCHES, "丑子亥戌酉申未午巳辰卯寅", strict=True))
_SHARES: Final = {1: (10,), 2: (7, 3), 3: (6, 3, 1)}


@dataclass(frozen=True, slots=True)
class Meeting:
    """A pillar of time that meets the chart."""

    pillar: str
    god: str
    """What its stem is to the day's stem."""
    half_god: str
    """What its branch's main stem is."""
    tone: int
    """How many of its two elements help."""
    relation: str
    """Its branch and the day's: clash, join, same or nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A chart's features."""

    stem: str
    element: str
    season: str
    state: int
    """By how many steps the month's element is ahead of the day's in the cycle of feeding."""
    month_branch: str
    month_god: str
    home_god: str
    support: int
    most: str
    """The group of ten gods that weighs most, the day's own stem not counted."""
    least: str
    excess: str
    lack: tuple[str, ...]
    star: str
    """Whether the partner's star is shown, hidden or none."""
    star_group: str
    wealth: str
    """Same for the star of wealth."""
    clash_home: bool
    years: Years


def read_chart(chart: Chart, today: date) -> Reading:
    """The features, with where the buyer stands on that day."""
    stem, own = chart.day.stem, element_of(chart.day.stem)
    month_stem = MAIN_STEM[chart.month.branch]
    groups = _groups(chart)
    ranked = sorted(groups, key=lambda each: -groups[each])
    star_group = "财" if chart.sex is Sex.MALE else "官"
    heaviest = max(chart.elements, key=lambda each: chart.elements[each])
    others = [each.branch for each in chart.pillars if each is not chart.day]
    return Reading(
        stem=stem,
        element=own,
        season=_SEASONS[chart.month.branch],
        state=("木火土金水".index(element_of(month_stem)) - "木火土金水".index(own)) % 5,
        month_branch=chart.month.branch,
        month_god=ten_god(stem, month_stem),
        home_god=ten_god(stem, MAIN_STEM[chart.day.branch]),
        support=chart.elements[own] + chart.elements[element_after(own, -1)],
        most=ranked[0],
        least=ranked[-1],
        excess=heaviest if chart.elements[heaviest] >= EXCESS_FROM else "",
        lack=tuple(each for each, percent in chart.elements.items() if percent <= LACK_TO),
        star=_star(chart, star_group),
        star_group=star_group,
        wealth=_star(chart, "财"),
        clash_home=any(clashes(each, chart.day.branch) for each in others),
        years=years_of(chart, today),
    )


def meet(chart: Chart, pillar: str) -> Meeting:
    """A decade or a year, seen from the chart."""
    stem, branch = pillar[0], pillar[1]
    main = MAIN_STEM[branch]
    elements = (element_of(stem), element_of(main))
    relation = ""
    if branch == chart.day.branch:
        relation = "same"
    elif clashes(branch, chart.day.branch):
        relation = "clash"
    elif _JOINS[branch] == chart.day.branch:
        relation = "join"
    return Meeting(
        pillar=pillar,
        god=ten_god(chart.day.stem, stem),
        half_god=ten_god(chart.day.stem, main),
        tone=sum(each in chart.favourable for each in elements),
        relation=relation,
    )


def meet_year(chart: Chart, year: int) -> Meeting:
    """A year, seen from the chart."""
    return meet(chart, year_pillar(year))


def years_with(chart: Chart, group: str, first: int) -> tuple[int, ...]:
    """Which of five years bring a god of that group, by stem or branch."""
    met = {year: meet_year(chart, year) for year in range(first, first + 5)}
    return tuple(year for year, each in met.items() if group in {group_of(each.god), group_of(each.half_god)})


def clashes(one: str, other: str) -> bool:
    """Whether two branches stand opposite each other."""
    return (BRANCHES.index(one) - BRANCHES.index(other)) % 12 == 6


def _groups(chart: Chart) -> dict[str, int]:
    weights = dict.fromkeys(GOD_GROUPS, 0)
    for pillar in chart.pillars:
        shown = [(pillar.stem_god, 10)] if pillar.stem_god else []
        hidden = zip(pillar.hidden_gods, _SHARES[len(pillar.hidden_gods)], strict=True)
        factor = 3 if pillar is chart.month else 1
        for god, share in [*shown, *((god, share * factor) for god, share in hidden)]:
            weights[group_of(god)] += share
    return weights


def group_of(god: str) -> str:
    """The group of a ten god."""
    return next(group for group, gods in GOD_GROUPS.items() if god in gods)


def _star(chart: Chart, group: str) -> str:
    def has(gods: Iterable[str]) -> bool:
        return any(god in GOD_GROUPS[group] for god in gods)

    if has(each.stem_god for each in chart.pillars):
        return "shown"
    return "hidden" if any(has(each.hidden_gods) for each in chart.pillars) else "none"
