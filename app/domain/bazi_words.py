"""A readable report of nine chapters, composed from the chart alone: the words where no model writes.

What is said is chosen by `bazi_reading`; how it is said stands in the `bazi_words_zh*` and `bazi_words_en*` files.
"""

from collections.abc import Iterator
from datetime import date
from types import ModuleType
from typing import Final

from app.core.i18n import EN
from app.domain import (
    bazi_words_en,
    bazi_words_en_life,
    bazi_words_en_self,
    bazi_words_zh,
    bazi_words_zh_life,
    bazi_words_zh_self,
)
from app.domain.bazi import SECTIONS, Chart, Decade
from app.domain.bazi_facts import year_pillar
from app.domain.bazi_names import ELEMENTS_EN, GODS_EN, both
from app.domain.bazi_reading import Meeting, Reading, group_of, meet, meet_year, read_chart, years_with

NOW: Final = 3
"""Where the words of tone for the running decade stand: before it those for the list of decades, after it two for years."""
DECADES_TOLD: Final = 8
CHILD_TO, GROWN_FROM, OLD_FROM = 13, 20, 65
"""Ages at which a decade begins."""
_MODULES: Final[dict[bool, tuple[ModuleType, ...]]] = {
    True: (bazi_words_en, bazi_words_en_self, bazi_words_en_life),
    False: (bazi_words_zh, bazi_words_zh_self, bazi_words_zh_life),
}


def compose(chart: Chart, locale: str, today: date) -> dict[str, tuple[str, ...]]:
    """The paragraphs of every chapter of SECTIONS."""
    composer = _Composer(chart, read_chart(chart, today), english=locale == EN)
    return {key: tuple(line for line in getattr(composer, key)() if line) for key in SECTIONS}


class _Composer:
    """One report; a method for each chapter."""

    def __init__(self, chart: Chart, reading: Reading, *, english: bool) -> None:
        self.chart = chart
        self.reading = reading
        self.english = english
        self.links, self.own, self.life = _MODULES[english]

    def overview(self) -> Iterator[str]:
        chart, reading, own = self.chart, self.reading, self.own
        yield self._line(
            "image",
            day=self._pillar(str(chart.day)),
            stem=chart.day.stem,
            element=self._element(reading.element),
            image=own.STEM_IMAGE[reading.stem],
            season=own.SEASON[reading.state].format(month=self._pillar(reading.month_branch)),
            pillars=self._joined(self._pillar(str(each)) for each in chart.pillars),
            na_yin=chart.year.na_yin,
        )
        yield own.STRENGTH[chart.strength].format(support=reading.support)
        yield self.links.SPACE.join([self._weights(), *self._leanings()])
        yield (
            self._line("favourable", elements=self._elements(chart.favourable))
            + self.links.SPACE
            + self._line(
                "theme", element=self._element(reading.element), helper=self._element(self._helper())
            )
        )
        if chart.hour is None:
            yield self.links.LINES["unknown_hour"]

    def personality(self) -> Iterator[str]:
        yield self.own.STEM_NATURE[self.reading.stem]
        yield self.own.GOD_MONTH[self.reading.month_god]
        yield self.own.GROUP_MOST[self.reading.most]
        yield self.own.STEM_SHADOW[self.reading.stem]

    def career(self) -> Iterator[str]:
        work = self.own.STEM_WORK[self.reading.stem]
        yield self._line("work", work=work, god=self.life.GROUP_CAREER[self.reading.most])
        fields = (self.life.ELEMENT_CAREER[each] for each in self.chart.favourable)
        yield self._line("fields", fields=self.links.STOP.join(fields))
        age = self.reading.years.age
        yield next(text for until, text in self.links.AGE if age <= until).format(age=age)

    def wealth(self) -> Iterator[str]:
        yield self.life.GROUP_WEALTH[self.reading.most]
        yield self.life.WEALTH_STAR[self.reading.wealth]
        yield self.life.STRENGTH_WEALTH[self.chart.strength]
        yield self._coming("wealth_years", "财")
        yield self.links.LINES["no_promise"]

    def love(self) -> Iterator[str]:
        reading = self.reading
        yield self.own.STEM_LOVE[reading.stem] + self.links.SPACE + self.own.GOD_HOME[reading.home_god]
        yield self.own.SPOUSE[reading.star].format(star=self.links.STAR[reading.star_group])
        yield self._coming("star_years", reading.star_group)
        yield self.links.LINES["clash_home" if reading.clash_home else "calm_home"]
        people = self.links.STOP.join(self.links.PEOPLE[each] for each in self.chart.favourable)
        yield self._line("love_tip", elements=self._elements(self.chart.favourable), people=people)

    def health(self) -> Iterator[str]:
        yield self.life.SEASON_HEALTH[self.reading.season]
        yield self.life.ELEMENT_EXCESS.get(self.reading.excess, "")
        yield from (self.life.ELEMENT_LACK[each] for each in self.reading.lack[:2])
        if not self.reading.excess and not self.reading.lack:
            yield self.links.LINES["even"]
        yield self.links.LINES["doctor"]

    def decades(self) -> Iterator[str]:
        yield self._line("luck", luck=self.chart.luck_start)
        yield from (self._decade(index, each) for index, each in enumerate(self.chart.decades[:DECADES_TOLD]))
        now = self.reading.years.decade
        yield self._now(now) if now else self.links.LINES["before"]

    def year(self) -> Iterator[str]:
        years = self.reading.years
        for later in (0, 1):
            yield from self._year(years.year + later, years.age + later)

    def advice(self) -> Iterator[str]:
        yield from (self.life.ELEMENT_ADVICE[each] for each in self.chart.favourable)
        yield self.life.GROUP_NONE[self.reading.least]
        yield self._line("three", things=self.life.SMALL[self.chart.favourable[0]])
        yield self._line("wish", wish=self.life.STEM_WISH[self.reading.stem])

    def _helper(self) -> str:
        """The element that helps most and is not the day's own."""
        return next(each for each in self.chart.favourable if each != self.reading.element)

    def _weights(self) -> str:
        elements = self.chart.elements.items()
        return self._line(
            "elements", elements=self._joined(f"{self._element(each)} {n}%" for each, n in elements)
        )

    def _leanings(self) -> Iterator[str]:
        """What of the elements stands out."""
        if self.reading.excess:
            yield self._line("excess", element=self._element(self.reading.excess))
        if self.reading.lack:
            yield self._line("lack", element=self._elements(self.reading.lack))
        if not self.reading.excess and not self.reading.lack:
            yield self.links.LINES["even"]

    def _decade(self, index: int, decade: Decade) -> str:
        met = meet(self.chart, decade.pillar)
        text = self._line(
            "decade",
            year=decade.year,
            age=decade.age,
            pillar=self._pillar(decade.pillar),
            god=self._of_age(decade.age, met.god),
            tone=self.life.TONE[met.tone][index % NOW],
            relation=self._relation(met) if decade.age >= CHILD_TO else "",
        )
        return text.strip()

    def _of_age(self, age: int, god: str) -> str:
        """What a decade is about: careers are nothing for a child."""
        if GROWN_FROM <= age < OLD_FROM:
            return str(self.life.GOD_DECADE[god])
        young = self.life.GROUP_CHILD if age < CHILD_TO else self.life.GROUP_YOUTH
        return str((self.life.GROUP_ELDER if age >= OLD_FROM else young)[group_of(god)])

    def _coming(self, name: str, group: str) -> str:
        """The years among the next five in which a star appears; nothing where it is in all or none of them."""
        found = years_with(self.chart, group, self.reading.years.year)
        if not 0 < len(found) < 5:
            return ""
        years = (self.links.YEAR.format(year=each, pillar=self._pillar(year_pillar(each))) for each in found)
        return self._line(name, years=self._joined(years), star=self.links.STAR[group])

    def _now(self, decade: Decade) -> str:
        met = meet(self.chart, decade.pillar)
        return self._line(
            "now",
            pillar=self._pillar(decade.pillar),
            year=decade.year,
            end=decade.year + 9,
            stem=decade.pillar[0],
            branch=decade.pillar[1],
            god=self._god(met.god),
            half=self._god(met.half_god),
            tone=self.life.TONE[met.tone][NOW],
        )

    def _year(self, year: int, age: int) -> Iterator[str]:
        met = meet_year(self.chart, year)
        yield self._line(
            "year", year=year, pillar=self._pillar(met.pillar), age=age, god=self.life.GOD_YEAR[met.god]
        )
        text = self._line(
            "half",
            tone=self.life.TONE[met.tone][NOW + 1 + year % 2],
            relation=self._relation(met),
            stem=met.pillar[0],
            branch=met.pillar[1],
            half=self.life.GOD_HALF[met.half_god],
        )
        yield " ".join(text.split()) if self.english else text
        yield self._with_decade(year, met)

    def _with_decade(self, year: int, met: Meeting) -> str:
        running = [each for each in self.chart.decades if each.year <= year]
        if not running:
            return str(self.links.LINES["alone"])
        together = met.tone + meet(self.chart, running[-1].pillar).tone
        how = "meets_same" if together >= 3 else "meets_mixed" if together else "meets_low"
        return self._line("meets", pillar=self._pillar(running[-1].pillar), how=self.links.LINES[how])

    def _relation(self, met: Meeting) -> str:
        texts = {"clash": self.life.CLASH, "join": self.life.JOIN, "same": self.life.SAME}
        return str(texts.get(met.relation, ""))

    def _line(self, name: str, **values: object) -> str:
        """One of our own sentences, filled with our own words."""
        return str(self.links.LINES[name].format(**values))

    def _pillar(self, pillar: str) -> str:
        return both(pillar) if self.english else pillar

    def _element(self, element: str) -> str:
        return ELEMENTS_EN[element] if self.english else element

    def _god(self, god: str) -> str:
        return GODS_EN[god] if self.english else god

    def _elements(self, elements: tuple[str, ...]) -> str:
        return self._joined(self._element(each) for each in elements)

    def _joined(self, words: Iterator[str]) -> str:
        return str(self.links.JOINER.join(words))
