"""What the templates of the printed report get: plain data in which nothing is left to decide."""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from app.domain.bazi import ELEMENTS, Chart, Decade, Pillar, ReportText
from app.services.reports.pdf_words import (
    BRANCH_ANIMALS,
    BRANCH_ELEMENTS,
    BRANCHES,
    ELEMENT_NAMES,
    GODS,
    NA_YIN,
    NUMBERS,
    STAGES,
    STEM_PINYIN,
    STEMS,
    STRENGTHS,
    ZODIAC,
    words,
)

_PILLARS: Final = ("year", "month", "day", "hour")
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk", "Mn", "Me", "Zl", "Zp"})
"""Controls, marks of direction, emoji and loose accents: what no font of ours shows, or what turns a line around."""
_PRINTABLE_SIGNS: Final = frozenset("°©®™№℃")


def clean(text: str) -> str:
    """`text` in one line, without what cannot be printed."""
    whole = unicodedata.normalize("NFC", " ".join(text.split()))
    kept = (one for one in whole if one in _PRINTABLE_SIGNS or unicodedata.category(one) not in _UNPRINTABLE)
    return " ".join("".join(kept).split())


def book(
    *, name: str, shop: str, product: str, code: str, made_on: date, lang: str, chart: Chart, text: ReportText
) -> dict[str, Any]:
    """Everything the templates show. `lang` is `zh` or `en`."""
    say = words(lang)
    # A name of nothing but emoji leaves nothing; a dash is better than a cover without a name.
    name, shop, product, code = clean(name) or "—", clean(shop), clean(product), clean(code)
    return {
        "lang": lang,
        "words": dict(say),
        "title": say["title"].format_map({"name": name, "product": product}),
        "name": name,
        "shop": shop,
        "product": product,
        "running": f"{shop} · {product}",
        "code": code,
        "date": _date(made_on, lang),
        "pillars": [_pillar(key, one, lang) for key, one in zip(_PILLARS, chart.pillars, strict=False)],
        "facts": [list(pair) for pair in _facts(chart, name, lang)],
        "elements": [_element(chart, char, lang) for char in ELEMENTS],
        "balance": list(_balance(chart, lang)),
        "luck_start": say["luck_line"].format_map({"luck_start": chart.luck_start}) if chart.luck_start else "",
        # Years before the first decade have no pillar of their own and no place in the figure.
        "decades": [_decade(one, made_on) for one in chart.decades if len(one.pillar) == len("甲子")],
        "chapters": _chapters(text, lang),
        "notes": list(_notes(chart, text, say)),
        "last": [say["disclaimer"], say["ask"].format_map({"shop": shop, "code": code}), say["thanks"]],
    }


def _date(day: date, lang: str) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if lang == "zh" else day.isoformat()


def _stem(char: str, lang: str) -> dict[str, Any]:
    place = STEMS.index(char)
    element = place // 2
    gloss = f"{STEM_PINYIN[place]} · {ELEMENT_NAMES[element]}" if lang == "en" else ""
    return {"char": char, "element": element, "gloss": gloss}


def _branch(char: str, lang: str) -> dict[str, Any]:
    place = BRANCHES.index(char)
    return {
        "char": char,
        "element": ELEMENTS.index(BRANCH_ELEMENTS[place]),
        "gloss": BRANCH_ANIMALS[place] if lang == "en" else "",
    }


def _gloss(table: Mapping[str, str], word: str, lang: str) -> str:
    return table.get(word, "") if lang == "en" else ""


def _pillar(key: str, pillar: Pillar, lang: str) -> dict[str, Any]:
    say = words(lang)
    is_day = key == "day"
    gods = pillar.hidden_gods or ("",) * len(pillar.hidden)
    return {
        "title": say[key],
        "short": say[f"{key}_short"],
        "day": is_day,
        "god": say["day_master"] if is_day else pillar.stem_god,
        "god_gloss": "" if is_day else _gloss(GODS, pillar.stem_god, lang),
        "stem": _stem(pillar.stem, lang),
        "branch": _branch(pillar.branch, lang),
        "hidden": [
            {**_stem(stem, lang), "god": _gloss(GODS, god, lang) or god}
            for stem, god in zip(pillar.hidden, gods, strict=False)
        ],
        "na_yin": pillar.na_yin,
        "na_yin_gloss": _gloss(NA_YIN, pillar.na_yin, lang),
        "stage": pillar.stage,
        "stage_gloss": _gloss(STAGES, pillar.stage, lang),
    }


def _facts(chart: Chart, name: str, lang: str) -> Iterator[tuple[str, str]]:
    say = words(lang)
    yield say["name"], name
    yield say["sex"], say[chart.sex.value]
    yield say["solar"], chart.clock
    if chart.solar != chart.clock:
        yield say["solar_used"], chart.solar
    yield say["lunar"], chart.lunar
    animal = BRANCH_ANIMALS[ZODIAC.index(chart.zodiac)] if chart.zodiac and chart.zodiac in ZODIAC else ""
    yield say["zodiac"], f"{chart.zodiac} {animal}".strip() if lang == "en" else chart.zodiac
    if chart.void:
        yield say["void"], chart.void


def _element(chart: Chart, char: str, lang: str) -> dict[str, Any]:
    gloss = ELEMENT_NAMES[ELEMENTS.index(char)] if lang == "en" else ""
    percent = chart.elements.get(char, 0)
    return {"char": char, "gloss": gloss, "percent": percent, "favourable": char in chart.favourable}


def _balance(chart: Chart, lang: str) -> Iterator[str]:
    say = words(lang)
    own = STEMS.index(chart.day.stem) // 2
    name = ELEMENTS[own] if lang == "zh" else ELEMENT_NAMES[own]
    if chart.strength:
        strength = chart.strength if lang == "zh" else STRENGTHS.get(chart.strength, chart.strength)
        yield say["strength_line"].format_map(
            {"stem": chart.day.stem, "element": name, "strength": strength}
        )
    helpful = [one for one in chart.favourable if one in ELEMENTS]
    if helpful:
        names = helpful if lang == "zh" else [ELEMENT_NAMES[ELEMENTS.index(one)].lower() for one in helpful]
        yield say["favourable_line"].format_map({"elements": ("、" if lang == "zh" else ", ").join(names)})


def _decade(decade: Decade, made_on: date) -> dict[str, Any]:
    stem, branch = decade.pillar
    return {
        "ages": f"{decade.age}–{decade.age + 9}",
        "years": f"{decade.year}–{decade.year + 9}",
        "stem": _stem(stem, "zh"),
        "branch": _branch(branch, "zh"),
        "now": decade.year <= made_on.year < decade.year + 10,
    }


def _chapters(text: ReportText, lang: str) -> list[dict[str, Any]]:
    numbers = NUMBERS[lang]
    return [
        {
            "number": numbers[nth] if nth < len(numbers) else str(nth + 1),
            "title": clean(section.title),
            "paragraphs": [
                line for paragraph in section.paragraphs for one in paragraph.splitlines() if (line := clean(one))
            ],
        }
        for nth, section in enumerate(text.sections)
    ]


def _notes(chart: Chart, text: ReportText, say: Mapping[str, str]) -> Iterator[str]:
    yield say[f"source_{chart.source.value}"]
    if chart.solar != chart.clock:
        yield say["solar_note"].format_map({"clock": chart.clock, "solar": chart.solar})
    if chart.hour is None:
        yield say["hour_unknown"]
    yield from (clean(note) for note in chart.notes)
    yield say["weights_note"]
    yield say[f"text_{text.source.value}"]
