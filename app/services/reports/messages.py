"""A report as Telegram messages: the pillars as a table first, then the chapters."""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

from app.core.i18n import EN
from app.domain.bazi import Chart, Pillar, ReportText, Section
from app.domain.bazi_names import ANIMALS_EN, ELEMENTS_EN, STRENGTHS_EN
from app.domain.sending import MAX_TEXT, split_text, utf16_length
from app.services.reports.pdf_notes import in_english, moment_in_english

BLANK: Final = "\u3000"
"""As wide as a Chinese character, so that columns of Chinese stand below each other."""
_COLUMNS: Final = "年月日时"
_LUCK: Final = re.compile(r"(约)?出生后(?:(\d+)年)?(?:(\d+)个月)?(?:(\d+)天)?起运")
_BAR: Final = 10
"""Blocks of a whole bar."""
_WORDS: Final = {
    "zh": {
        "title": "您的八字命盘",
        "born": "出生",
        "lunar": "农历",
        "zodiac": "生肖",
        "elements": "五行",
        "strength": "日主",
        "favourable": "喜用",
        "void": "空亡",
        "luck": "起运",
        "decades": "大运",
        "notes": "说明",
        "and": "、",
        "only": "本报告依据传统命理文化编写，供了解与娱乐参考，不构成医疗、投资、法律等专业建议。",
    },
    "en": {
        "title": "Your birth chart",
        "born": "Born",
        "lunar": "Lunar date",
        "zodiac": "Animal",
        "elements": "Elements",
        "strength": "Day master",
        "favourable": "Helpful",
        "void": "Void",
        "luck": "Luck begins",
        "decades": "Decades of luck",
        "notes": "Notes",
        "and": ", ",
        "only": "This report follows traditional Chinese culture and is meant for reflection and entertainment; it is no "
        "medical, financial or legal advice.",
    },
}


def render(chart: Chart, text: ReportText, locale: str) -> list[str]:
    """Messages in Telegram's HTML, each within its limit; short chapters share one."""
    words = _WORDS["en" if locale == EN else "zh"]
    parts = [each for section in text.sections for each in _chapter(section)]
    parts.append(f"<i>{words['only']}</i>")
    return [_head(chart, locale), *_together(parts)]


def _head(chart: Chart, locale: str) -> str:
    """The chart, in one message. It is short: everything in it has a bounded length."""
    english = locale == EN
    words = _WORDS["en" if english else "zh"]
    lines = [f"<b>☯ {words['title']}</b>", "", f"<pre>{html.escape(pillar_table(chart))}</pre>", ""]
    lines += [f"<b>{words[name]}</b>  {html.escape(value)}" for name, value in _facts(chart, english=english)]
    lines += ["", f"<b>{words['elements']}</b>", f"<pre>{bars(chart, english=english)}</pre>"]
    lines += ["", f"<b>{words['decades']}</b>", f"<pre>{decade_table(chart)}</pre>"]
    notes = [in_english(note) for note in chart.notes] if english else chart.notes
    if notes:
        lines += ["", f"<b>{words['notes']}</b>", *(html.escape(f"· {note}") for note in notes)]
    return "\n".join(lines)


def pillar_table(chart: Chart) -> str:
    """The pillars in columns, the stems' gods above and the hidden stems below."""
    pillars: list[Pillar | None] = [chart.year, chart.month, chart.day, chart.hour]
    rows = [
        ("", [f"{each}柱" for each in _COLUMNS]),
        ("十神", [(each.stem_god or "日主") if each else "" for each in pillars]),
        ("天干", [each.stem if each else "？" for each in pillars]),
        ("地支", [each.branch if each else "？" for each in pillars]),
        ("藏干", ["".join(each.hidden) if each else "" for each in pillars]),
        ("纳音", [each.na_yin if each else "" for each in pillars]),
        ("星运", [each.stage if each else "" for each in pillars]),
    ]
    return "\n".join(_row(title, cells) for title, cells in rows)


def _row(title: str, cells: Sequence[str]) -> str:
    return (_wide(title, 2) + "｜" + BLANK.join(_wide(cell, 3) for cell in cells)).rstrip(BLANK)


def _wide(text: str, width: int) -> str:
    return text + BLANK * (width - len(text))


def bars(chart: Chart, *, english: bool) -> str:
    """The elements' weights as bars."""
    lines = []
    for element, percent in chart.elements.items():
        full = round(percent * _BAR / 100)
        name = f"{ELEMENTS_EN[element]:<6}" if english else element
        lines.append(f"{name} {'█' * full}{'░' * (_BAR - full)} {percent:>2}%")
    return "\n".join(lines)


def decade_table(chart: Chart) -> str:
    """The decades, two beside each other."""
    cells = [f"{each.year} {each.pillar} {each.age:>2}" for each in chart.decades]
    return "\n".join("   ".join(cells[start : start + 2]) for start in range(0, len(cells), 2))


def _facts(chart: Chart, *, english: bool) -> Iterator[tuple[str, str]]:
    moments = dict.fromkeys((chart.clock, chart.solar))
    yield "born", " → ".join(moment_in_english(each) if english else each for each in moments)
    yield "lunar", chart.lunar
    yield "zodiac", ANIMALS_EN[chart.zodiac] if english else chart.zodiac
    strength = STRENGTHS_EN.get(chart.strength, chart.strength) if english else chart.strength
    yield "strength", f"{chart.day.stem} · {strength}"
    names = [ELEMENTS_EN[each] if english else each for each in chart.favourable]
    yield "favourable", _WORDS["en" if english else "zh"]["and"].join(names)
    yield "void", chart.void
    yield "luck", luck_in_english(chart.luck_start) if english else chart.luck_start


def luck_in_english(words: str) -> str:
    """出生后9年6个月26天起运 as "9 years 6 months 26 days after birth"; other words stay as they are."""
    found = _LUCK.fullmatch(words)
    if found is None:
        return words
    counts = zip(found.groups()[1:], ("year", "month", "day"), strict=True)
    parts = [f"{count} {unit}{'' if count == '1' else 's'}" for count, unit in counts if count]
    return f"{'about ' if found[1] else ''}{' '.join(parts)} after birth"


def _chapter(section: Section) -> Iterator[str]:
    """A chapter, in as many parts as it needs; its title stands on the first."""
    title = f"<b>【{html.escape(section.title)}】</b>\n\n"
    room = MAX_TEXT - utf16_length(title)
    for index, part in enumerate(_fitting("\n\n".join(section.paragraphs), room)):
        yield (title if index == 0 else "") + part


def _fitting(text: str, room: int) -> list[str]:
    """Escaped parts. Escaping lengthens a text, so the parts are made smaller until they fit."""
    limit = room
    while True:
        parts = [html.escape(part, quote=False) for part in split_text(text, limit)]
        if all(utf16_length(part) <= room for part in parts):
            return parts
        limit = limit * 2 // 3


def _together(parts: Sequence[str]) -> list[str]:
    """As few messages as the limit allows, without tearing a part."""
    messages: list[str] = []
    for part in parts:
        joined = f"{messages[-1]}\n\n{part}" if messages else part
        if messages and utf16_length(joined) <= MAX_TEXT:
            messages[-1] = joined
        else:
            messages.append(part)
    return messages
