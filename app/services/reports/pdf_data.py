"""What the templates of the printed report get: plain data in which nothing is left to decide."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from app.domain.bazi import ELEMENTS, Chart, Decade, Pillar, ReportText
from app.domain.bazi_elements import BRANCHES, STEMS, ZODIAC, element_of, ten_god
from app.domain.bazi_names import ANIMALS_EN, ELEMENTS_EN, GODS_EN, STRENGTHS_EN
from app.services.reports.pdf_letters import clean, cut
from app.services.reports.pdf_notes import in_english, moment_in_english
from app.services.reports.pdf_words import BRANCH_ELEMENTS, NA_YIN, NUMBERS, STAGES, STEM_PINYIN, words

_PILLARS: Final = ("year", "month", "day", "hour")
_TO: Final = "\N{EN DASH}"


def book(
    *, name: str, shop: str, product: str, code: str, made_on: date, lang: str, chart: Chart, text: ReportText
) -> dict[str, Any]:
    """Everything the templates show. `lang` is `zh` or `en`."""
    say = words(lang)
    # A name of nothing but emoji leaves nothing; a dash is better than a cover without a name.
    name = cut(clean(name), 80) or "—"
    shop, product, code = cut(clean(shop), 60), cut(clean(product), 60), cut(clean(code), 24)
    return {
        "lang": lang,
        "words": dict(say),
        "title": say["title"].format_map({"name": name, "product": product}),
        "name": name,
        "shop": shop,
        "product": product,
        "running": f"{cut(shop, 24)} · {cut(product, 24)}",
        "code": code,
        "date": _date(made_on, lang),
        "pillars": [_pillar(key, one, lang) for key, one in zip(_PILLARS, chart.pillars, strict=False)],
        "facts": [list(pair) for pair in _facts(chart, name, lang)],
        "elements": [_element(chart, char, lang) for char in ELEMENTS],
        "balance": list(_balance(chart, lang)),
        "luck_start": _luck_start(chart, say),
        "decades": [_decade(one, chart.day.stem, made_on, lang) for one in _decades(chart)],
        "chapters": _chapters(text, lang),
        "notes": list(_notes(chart, text, lang)),
        "last": [say["disclaimer"], say["ask"].format_map({"shop": shop, "code": code}), say["thanks"]],
    }


def _date(day: date, lang: str) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if lang == "zh" else day.isoformat()


def _stem(char: str, lang: str) -> dict[str, Any]:
    element = element_of(char)
    gloss = f"{STEM_PINYIN[STEMS.index(char)]} · {ELEMENTS_EN[element]}" if lang == "en" else ""
    return {"char": char, "element": ELEMENTS.index(element), "gloss": gloss}


def _branch(char: str, lang: str) -> dict[str, Any]:
    element = BRANCH_ELEMENTS[BRANCHES.index(char)]
    gloss = ANIMALS_EN[ZODIAC[char]] if lang == "en" else ""
    return {"char": char, "element": ELEMENTS.index(element), "gloss": gloss}


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
        "god_gloss": "" if is_day else _gloss(GODS_EN, pillar.stem_god, lang),
        "stem": _stem(pillar.stem, lang),
        "branch": _branch(pillar.branch, lang),
        "hidden": [
            {**_stem(stem, lang), "god": _gloss(GODS_EN, god, lang) or god}
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
    clock, used = chart.clock, chart.solar
    if lang == "en":
        clock, used = moment_in_english(clock), moment_in_english(used)
    yield say["solar"], clock
    if used != clock:
        yield say["solar_used"], used
    yield say["lunar"], chart.lunar
    yield (
        say["zodiac"],
        f"{chart.zodiac} {ANIMALS_EN.get(chart.zodiac, '')}" if lang == "en" else chart.zodiac,
    )
    if chart.void:
        yield say["void"], chart.void
    yield say["sex"], say[chart.sex.value]


def _element(chart: Chart, char: str, lang: str) -> dict[str, Any]:
    gloss = ELEMENTS_EN[char] if lang == "en" else ""
    percent = chart.elements.get(char, 0)
    return {"char": char, "gloss": gloss, "percent": percent, "favourable": char in chart.favourable}


def _balance(chart: Chart, lang: str) -> Iterator[str]:
    say = words(lang)
    own = element_of(chart.day.stem)
    name = own if lang == "zh" else ELEMENTS_EN[own]
    if chart.strength:
        strength = chart.strength if lang == "zh" else STRENGTHS_EN.get(chart.strength, chart.strength)
        yield say["strength_line"].format_map({"stem": chart.day.stem, "element": name, "strength": strength})
    helpful = [one for one in chart.favourable if one in ELEMENTS]
    if helpful:
        names = helpful if lang == "zh" else [ELEMENTS_EN[one].lower() for one in helpful]
        yield say["favourable_line"].format_map({"elements": ("、" if lang == "zh" else ", ").join(names)})


def _decades(chart: Chart) -> list[Decade]:
    """Years before the first decade have no pillar of their own and no place in the figure."""
    return [one for one in chart.decades if len(one.pillar) == len("甲子")]


def _luck_start(chart: Chart, say: Mapping[str, str]) -> str:
    decades = _decades(chart)
    if not (decades and chart.luck_start):
        return ""
    first = decades[0]
    return say["luck_line"].format_map({"luck_start": chart.luck_start, "year": first.year, "age": first.age})


def _decade(decade: Decade, day_stem: str, made_on: date, lang: str) -> dict[str, Any]:
    stem, branch = tuple(decade.pillar)
    god = ten_god(day_stem, stem)
    return {
        "ages": f"{decade.age}{_TO}{decade.age + 9}",
        "years": f"{decade.year}{_TO}{decade.year + 9}",
        "stem": _stem(stem, "zh"),
        "branch": _branch(branch, "zh"),
        "god": _gloss(GODS_EN, god, lang) or god,
        "now": decade.year <= made_on.year < decade.year + 10,
    }


def _chapters(text: ReportText, lang: str) -> list[dict[str, Any]]:
    numbers = NUMBERS[lang]
    return [
        {
            "number": numbers[nth] if nth < len(numbers) else str(nth + 1),
            "title": clean(section.title),
            "paragraphs": [
                line
                for paragraph in section.paragraphs
                for one in paragraph.splitlines()
                if (line := clean(one))
            ],
        }
        for nth, section in enumerate(text.sections)
    ]


def _notes(chart: Chart, text: ReportText, lang: str) -> Iterator[str]:
    say = words(lang)
    yield say[f"source_{chart.source.value}"]
    yield from (clean(note if lang == "zh" else in_english(note)) for note in chart.notes)
    yield say["weights_note"]
    yield say[f"text_{text.source.value}"]
