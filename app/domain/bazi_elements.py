"""Stems, branches, elements and ten gods, and the weighing of a chart's elements.

The weighing is a simple, fixed rule, the same for every chart:

- A stem weighs 10. A branch weighs 10, shared among its hidden stems 10, or 7 and 3, or 6, 3 and 1. The month's
  branch, which is the season, weighs three times as much.
- The day's stem is strong where its own element and the one that feeds it weigh 55 % or more together, weak at 45 %
  or less, and balanced between.
- A strong one is helped by what it feeds, rules or is ruled by: the two of these that weigh least. A weak one is
  helped by what feeds it and by its own element. A balanced one by the two elements that weigh least, of which water
  comes first for the three months of summer and fire for the three of winter (调候).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from app.domain.bazi import ELEMENTS, Pillar

STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
BRANCHES: Final = "子丑寅卯辰巳午未申酉戌亥"
CYCLE: Final = tuple(STEMS[n % 10] + BRANCHES[n % 12] for n in range(60))
"""The sixty pillars."""
ZODIAC: Final = dict(zip(BRANCHES, "鼠牛虎兔龙蛇马羊猴鸡狗猪", strict=True))
STRONG, WEAK, BALANCED = "偏强", "偏弱", "中和"
STRONG_FROM: Final = 55
WEAK_TO: Final = 45
SEASON_WEIGHT: Final = 3
_HIDDEN_SHARES: Final = {1: (10,), 2: (7, 3), 3: (6, 3, 1)}
_CLIMATE: Final = dict.fromkeys("巳午未", "水") | dict.fromkeys("亥子丑", "火")
_GODS: Final = (
    ("比肩", "劫财"),
    ("食神", "伤官"),
    ("偏财", "正财"),
    ("七杀", "正官"),
    ("偏印", "正印"),
)
"""By how far the other's element is ahead in the cycle of feeding; the first of a pair is of the same sign."""
GOD_GROUPS: Final = dict(zip("比食财官印", _GODS, strict=True))


def element_of(stem: str) -> str:
    """The element of a stem."""
    return ELEMENTS[STEMS.index(stem) // 2]


def element_after(element: str, steps: int) -> str:
    """The element so many steps on in the cycle of feeding 木火土金水."""
    return ELEMENTS[(ELEMENTS.index(element) + steps) % 5]


def ten_god(day_stem: str, other: str) -> str:
    """What a stem is to the day's stem."""
    ahead = (ELEMENTS.index(element_of(other)) - ELEMENTS.index(element_of(day_stem))) % 5
    same_sign = (STEMS.index(other) - STEMS.index(day_stem)) % 2 == 0
    return _GODS[ahead][0 if same_sign else 1]


def weigh(pillars: Sequence[Pillar]) -> dict[str, int]:
    """Each element's weight in percent; together 100. The second pillar is the month's."""
    weights = dict.fromkeys(ELEMENTS, 0)
    for index, pillar in enumerate(pillars):
        weights[element_of(pillar.stem)] += 10
        factor = SEASON_WEIGHT if index == 1 else 1
        for stem, share in zip(pillar.hidden, _HIDDEN_SHARES[len(pillar.hidden)], strict=True):
            weights[element_of(stem)] += share * factor
    return _percent(weights)


def _percent(weights: Mapping[str, int]) -> dict[str, int]:
    """Whole percents by the largest remainder, so that they add up."""
    total = sum(weights.values())
    percents = {each: weight * 100 // total for each, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda each: -(weights[each] * 100 % total))
    for each in by_remainder[: 100 - sum(percents.values())]:
        percents[each] += 1
    return percents


def strength_of(day_stem: str, elements: Mapping[str, int]) -> str:
    """How strong the day's stem is."""
    own = element_of(day_stem)
    support = elements[own] + elements[element_after(own, -1)]
    if support >= STRONG_FROM:
        return STRONG
    return WEAK if support <= WEAK_TO else BALANCED


def favourable_of(
    day_stem: str, elements: Mapping[str, int], strength: str, month_branch: str
) -> tuple[str, ...]:
    """The two elements that help, the more needed one first."""
    own = element_of(day_stem)
    if strength == WEAK:
        return element_after(own, -1), own
    if strength == STRONG:
        return tuple(
            sorted((element_after(own, steps) for steps in (1, 2, 3)), key=lambda each: elements[each])[:2]
        )
    climate = _CLIMATE.get(month_branch)
    return tuple(sorted(ELEMENTS, key=lambda each: (each != climate, elements[each]))[:2])
