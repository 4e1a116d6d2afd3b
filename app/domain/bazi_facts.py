"""What a chart says, as the short strings that prompts and texts are made of."""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.core.i18n import EN
from app.domain.bazi import Birth, Chart, Decade, Sex
from app.domain.bazi_elements import CYCLE, element_of
from app.domain.bazi_names import ELEMENTS_EN, STRENGTHS_EN, both

YEAR_BEGINS: Final = (2, 4)
"""The year of the chart begins at 立春, which is on the 3rd, 4th or 5th of February."""
_PILLARS: Final = ("年柱", "月柱", "日柱", "时柱")
_NAME: Final = re.compile(r"[^\w \-.·'’]")
MAX_NAME: Final = 30


@dataclass(frozen=True, slots=True)
class Years:
    """The year of a report and what of the buyer's life falls into it."""

    year: int
    age: int
    """As it is counted in China: 1 in the year of birth."""
    decade: Decade | None
    """None before luck begins."""

    @property
    def pillar(self) -> str:
        """The year's pillar."""
        return year_pillar(self.year)


def year_pillar(year: int) -> str:
    """The pillar of a year that begins in February; 4 was a 甲子."""
    return CYCLE[(year - 4) % 60]


def years_of(chart: Chart, today: date) -> Years:
    """Where the buyer stands on that day."""
    year = today.year - ((today.month, today.day) < YEAR_BEGINS)
    born = int(chart.clock[:4])
    running = [each for each in chart.decades if each.year <= year]
    return Years(year, max(1, year - born + 1), running[-1] if running else None)


def safe_name(name: str) -> str:
    """A buyer's name as a prompt may hold it: letters, digits and spaces, nothing that could be an instruction's form."""
    return " ".join(_NAME.sub("", name).split())[:MAX_NAME]


def facts_of(chart: Chart, birth: Birth, locale: str, today: date) -> dict[str, str]:
    """Every placeholder's value."""
    years = years_of(chart, today)
    english = locale == EN
    decade = years.decade
    return {
        "name": json.dumps(safe_name(birth.name), ensure_ascii=False),
        "sex": _sex(chart.sex, english=english),
        "birth": f"{chart.clock}，农历{chart.lunar}",
        "pillars": " ".join(map(str, chart.pillars)),
        "chart": table(chart),
        "day_master": _day_master(chart, english=english),
        "strength": STRENGTHS_EN[chart.strength] if english else chart.strength,
        "favourable": _joined(chart.favourable, english=english),
        "elements": "、".join(f"{each}{percent}%" for each, percent in chart.elements.items()),
        "zodiac": chart.zodiac,
        "decades": "；".join(f"{each.year}年（{each.age}岁）起 {each.pillar}" for each in chart.decades),
        "decade": f"{decade.pillar}（{decade.year}-{decade.year + 9}年）" if decade else "尚未起运",
        "age": str(years.age),
        "year": f"{years.year}",
        "year_pillar": both(years.pillar) if english else years.pillar,
        "next_year": f"{years.year + 1}",
        "next_year_pillar": both(year_pillar(years.year + 1)) if english else year_pillar(years.year + 1),
        "notes": " ".join(chart.notes) or "无",
    }


def table(chart: Chart) -> str:
    """The pillars with all that hangs on them, a line for each."""
    lines = []
    for title, pillar in zip(_PILLARS, chart.pillars, strict=False):
        hidden = "、".join(
            f"{stem}{god}" for stem, god in zip(pillar.hidden, pillar.hidden_gods, strict=True)
        )
        god = pillar.stem_god or "日主"
        lines.append(f"{title}：{pillar}，天干{god}，藏干{hidden}，纳音{pillar.na_yin}，{pillar.stage}")
    if chart.hour is None:
        lines.append("时柱：未知")
    return "\n".join([*lines, f"空亡：{chart.void}", f"起运：{chart.luck_start}"])


def _sex(sex: Sex, *, english: bool) -> str:
    if english:
        return sex.value
    return "男" if sex is Sex.MALE else "女"


def _day_master(chart: Chart, *, english: bool) -> str:
    element = element_of(chart.day.stem)
    return f"{chart.day.stem} ({ELEMENTS_EN[element]})" if english else chart.day.stem + element


def _joined(elements: tuple[str, ...], *, english: bool) -> str:
    return ", ".join(ELEMENTS_EN[each] for each in elements) if english else "、".join(elements)
