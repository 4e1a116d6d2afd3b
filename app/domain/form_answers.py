"""All questions of a product, and reading and wording the answers to them, of whatever kind."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from app.core.i18n import N_, translate
from app.domain import bazi_inputs
from app.domain.bazi import Calendar
from app.domain.form_fields import Choice, Field, FieldKind
from app.domain.forms import BadAnswer, Several, plain, plain_words, read_fields, read_plain
from app.domain.products import ProductKind

_FOLLOWS: Final[Mapping[str, tuple[str, ...]]] = {"calendar": ("birth_date",)}
"""Answers that mean something else when another one changes."""
TOLD: Final = N_("%(question)s: %(answer)s")
"""An answer with its question, in one line."""
LENGTHS: Final = (300, 100, 30)
"""Characters that an answer may have in a message: the last ones always fit."""


def questions(kind: ProductKind, fields: Sequence[object]) -> tuple[Field, ...]:
    """What a buyer of such a product is asked; `fields` are the boss's own questions as the product keeps them."""
    return bazi_inputs.FIELDS if kind is ProductKind.BAZI_REPORT else read_fields(fields)


def read_answer(field: Field, raw: str, answers: Mapping[str, object]) -> object:
    """An answer, typed or a choice's value, as it is kept (JSON). `answers` are those before it.

    Raises BadInput with a kind text that says what is expected; Several where it may mean several things.
    """
    if not plain(raw):
        raise BadAnswer
    if field.kind is FieldKind.BIRTH_DATE:
        return dict(bazi_inputs.read_birth_date(raw, Calendar(str(answers["calendar"]))))
    if field.kind is FieldKind.BIRTH_HOUR:
        hour = bazi_inputs.read_birth_hour(raw)
        return dict(hour) if hour else None
    if field.kind is FieldKind.PLACE:
        return _place(raw)
    return read_plain(field, raw)


def read_typed(field: Field, raw: str, answers: Mapping[str, object], locale: str) -> object:
    """Like `read_answer`, for what a person typed: choices may be named in his language."""
    words = plain(raw).casefold()
    named = (one.value for one in field.choices if translate(locale, one.label).casefold() == words)
    return read_answer(field, next(named, raw), answers)


def _place(raw: str) -> object:
    places = bazi_inputs.find_places(raw)
    if len(places) > 1:
        raise Several(
            [Choice(orjson.dumps(bazi_inputs.place_json(one)).decode(), one.name) for one in places]
        )
    return bazi_inputs.place_json(places[0])


def meant(choice: Choice) -> object:
    """The answer that one of the choices of `Several` stands for."""
    return orjson.loads(choice.value)


def with_answer(answers: Mapping[str, object], key: str, value: object) -> dict[str, object]:
    """The answers with this one; those that followed from another value of it are gone."""
    gone = _FOLLOWS.get(key, ()) if key in answers and answers[key] != value else ()
    return {name: kept for name, kept in answers.items() if name not in gone} | {key: value}


def in_words(field: Field, answers: Mapping[str, Any], locale: str, longest: int = LENGTHS[0]) -> str:
    """The answer to this question for people, shortened; None is one that was skipped or is not known.

    The others tell what it means: a birthday is of the calendar that was chosen.
    """
    value = answers[field.key]
    if value is None:
        unknown = N_("not known") if field.kind is FieldKind.BIRTH_HOUR else N_("no answer")
        return translate(locale, unknown)
    if field.kind is FieldKind.CHOICE:
        return translate(locale, plain_words(field, value))
    if field.kind is FieldKind.BIRTH_DATE and answers.get("calendar") == Calendar.LUNAR:
        return bazi_inputs.lunar_in_words(value, locale)
    if isinstance(value, Mapping):
        return _mapping_in_words(field, value, locale)
    return _cut(plain_words(field, value), longest)


def _cut(words: str, longest: int) -> str:
    return words if len(words) <= longest else words[: longest - 1] + "…"


def _mapping_in_words(field: Field, value: Mapping[str, Any], locale: str) -> str:
    if field.kind is FieldKind.BIRTH_DATE:
        return f"{value['year']:04}-{value['month']:02}-{value['day']:02}"
    if field.kind is FieldKind.BIRTH_HOUR:
        return _hour_in_words(value, locale)
    return str(value.get("name", ""))


def _hour_in_words(value: Mapping[str, Any], locale: str) -> str:
    hour, minute = int(value["hour"]), int(value["minute"])
    if not value.get("exact", True):
        for _, label, its_hour, its_minute in bazi_inputs.DOUBLE_HOURS:
            if (its_hour, its_minute) == (hour, minute):
                return translate(locale, label)
    return f"{hour:02}:{minute:02}"


def lines(
    fields: Sequence[Field], answers: Mapping[str, object], locale: str, longest: int = LENGTHS[0]
) -> list[tuple[str, str]]:
    """(question, answer) in words, in the order of the questions; what was asked formerly comes last.

    A question is named without its question mark, since its answer stands beside it.
    """
    told = [
        (
            translate(locale, field.label).rstrip("?？:： "),
            in_words(field, answers, locale, longest),
        )
        for field in fields
        if field.key in answers
    ]
    known = {field.key for field in fields}
    old = [(key, _cut(str(value), longest)) for key, value in answers.items() if key not in known]
    return told + old
