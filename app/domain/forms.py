"""A boss's questions to his buyers, and reading the answers to plain ones.

The kinds of a birth chart are read by `app/domain/bazi_inputs.py`; `app/domain/form_answers.py` knows all of them.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from typing import Final

from app.core.errors import BadInput
from app.core.i18n import N_
from app.domain.form_fields import Choice, Field, FieldKind
from app.domain.lottery_fields import BadSpec, Body, flag, items, mapping, number, required, text
from app.domain.products import MAX_FIELDS

MAX_LABEL: Final = 100
MAX_HINT: Final = 200
MAX_CHOICES: Final = 20
MAX_CHOICE: Final = 60
MAX_ANSWER: Final = 1000
DEFAULT_LENGTH: Final = 200
MAX_NUMBER: Final = 10**12
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,29}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,13}(\.\d{1,6})?", re.ASCII)
_DATE: Final = re.compile(
    r"(\d{4})\s*[-/.年 ]\s*(\d{1,2})\s*[-/.月 ]\s*(\d{1,2})\s*日?|(\d{4})(\d{2})(\d{2})", re.ASCII
)
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}")
_UNSEEN: Final = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FIELD: Final = ("key", "label", "kind", "required", "choices", "hint", "max_length", "least", "most")


OWN_KINDS: Final = (FieldKind.TEXT, FieldKind.NUMBER, FieldKind.CHOICE, FieldKind.DATE, FieldKind.EMAIL)
"""Kinds that a boss may use."""


def fields_json(fields: Sequence[Field]) -> list[object]:
    """What `read_fields` reads; choices by their words, since a boss's are kept as they are worded."""
    return [
        {**asdict(one), "kind": one.kind.value, "choices": [choice.label for choice in one.choices]}
        for one in fields
    ]


class BadAnswer(BadInput):
    """An answer that does not fit its question; the text says what is expected."""

    code = "bad_answer"
    message = N_("Sorry, I cannot use this answer.")


class Several(BadAnswer):
    """The answer may mean several things: `choices` are what it may mean."""

    code = "several_meanings"
    message = N_("There are several of that name. Which one do you mean?")

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.choices = tuple(choices)
        super().__init__()


def read_fields(raw: Sequence[object], name: str = "fields") -> tuple[Field, ...]:
    """A boss's questions, out of a form, the API or the database. Raises BadSpec, whose field is a path.

    A question without a key gets one; a key may stand once.
    """
    fields = items({name: list(raw)}, name, MAX_FIELDS, _read_field)
    keyed = tuple(
        one if one.key else _with_key(one, f"q{place}", fields) for place, one in enumerate(fields, start=1)
    )
    seen = set[str]()
    for place, one in enumerate(keyed):
        if one.key in seen:
            raise BadSpec(f"{name}[{place}].key", N_("This key is there twice."))
        seen.add(one.key)
    return keyed


def _with_key(field: Field, key: str, others: Sequence[Field]) -> Field:
    taken = {one.key for one in others}
    while key in taken:
        key += "x"
    return replace(field, key=key)


def _read_field(raw: object, path: str) -> Field:
    body = mapping(raw, path, _FIELD)
    kind = _kind(body, path)
    key = text(body, "key", 30, parent=path)
    if key and not _KEY.fullmatch(key):
        raise BadSpec(f"{path}.key", N_("A key has small letters, digits and _, and begins with a letter."))
    least = number(body, "least", -MAX_NUMBER, MAX_NUMBER, parent=path)
    most = number(body, "most", -MAX_NUMBER, MAX_NUMBER, parent=path)
    if least is not None and most is not None and least > most:
        raise BadSpec(f"{path}.most", N_("This must not be smaller than the least value."))
    return Field(
        key=key,
        label=required(text(body, "label", MAX_LABEL, parent=path), f"{path}.label"),
        kind=kind,
        required=flag(body, "required") if "required" in body else True,
        choices=_choices(body, path) if kind is FieldKind.CHOICE else (),
        hint=text(body, "hint", MAX_HINT, parent=path),
        max_length=number(body, "max_length", 1, MAX_ANSWER, parent=path) or DEFAULT_LENGTH,
        least=least,
        most=most,
    )


def _kind(body: Body, path: str) -> FieldKind:
    given = body.get("kind") or FieldKind.TEXT
    kind = next((one for one in OWN_KINDS if one == given), None)
    if kind is None:
        raise BadSpec(f"{path}.kind", N_("This must be one of: %(known)s."), known=", ".join(OWN_KINDS))
    return kind


def _choices(body: Body, path: str) -> tuple[Choice, ...]:
    given = body.get("choices")
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= MAX_CHOICES:
        raise BadSpec(f"{path}.choices", N_("Give 2 to %(most)s choices."), most=MAX_CHOICES)
    words = [
        required(text({"choice": one}, "choice", MAX_CHOICE, parent=f"{path}.choices"), f"{path}.choices")
        for one in given
    ]
    if len({word.casefold() for word in words}) < len(words):
        raise BadSpec(f"{path}.choices", N_("The choices must differ from each other."))
    return tuple(Choice(word, word) for word in words)


# Answers


def plain(raw: str) -> str:
    """What somebody typed, without what can't be seen, and with digits and signs of the usual width."""
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", raw)).strip()


def read_plain(field: Field, raw: str) -> object:
    """An answer of one of OWN_KINDS as it is kept. Raises BadAnswer."""
    return _READERS[field.kind](field, raw)


def _text(field: Field, raw: str) -> str:
    words = _UNSEEN.sub("", raw.replace("\r\n", "\n")).strip()
    if not words:
        raise BadAnswer(N_("Please answer with a few words."))
    most = min(field.max_length or DEFAULT_LENGTH, MAX_ANSWER)
    if len(words) > most:
        raise BadAnswer(
            N_("That is a little long: up to %(most)s characters fit, yours has %(count)s."),
            most=most,
            count=len(words),
        )
    return words


def _number(field: Field, raw: str) -> int | float:
    words = plain(raw).replace(",", "")
    if not _NUMBER.fullmatch(words):
        raise BadAnswer(N_("Please send a number, like 25."))
    value = Decimal(words)
    least = -MAX_NUMBER if field.least is None else field.least
    most = MAX_NUMBER if field.most is None else field.most
    if not least <= value <= most:
        if field.least is None:
            raise BadAnswer(N_("Please send a number of at most %(most)s."), most=most)
        if field.most is None:
            raise BadAnswer(N_("Please send a number of at least %(least)s."), least=least)
        raise BadAnswer(N_("Please send a number from %(least)s to %(most)s."), least=least, most=most)
    return int(value) if value == value.to_integral_value() else float(value)


def _choice(field: Field, raw: str) -> str:
    """By the value, by its words, or by its place in the list, the first being 1."""
    words = plain(raw).casefold()
    for choice in field.choices:
        if words in {choice.value.casefold(), choice.label.casefold()}:
            return choice.value
    if words.isdecimal() and len(words) <= 2 and 1 <= int(words) <= len(field.choices):
        return field.choices[int(words) - 1].value
    raise BadAnswer(N_("Please choose one of the buttons."))


def _date(_: Field, raw: str) -> str:
    found = _DATE.fullmatch(plain(raw))
    year, month, day = [one for one in found.groups() if one] if found else ("", "", "")
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        pass
    if found:
        raise BadAnswer(N_("There is no such day in the calendar. Please send a date like 2026-01-31."))
    raise BadAnswer(N_("Please send a date like 2026-01-31."))


def _email(_: Field, raw: str) -> str:
    words = plain(raw)
    if len(words) > 254 or not _EMAIL.fullmatch(words) or ".." in words:
        raise BadAnswer(
            N_("This does not look like an e-mail address. Please send one like name@example.com.")
        )
    return words


_READERS: Final = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.CHOICE: _choice,
    FieldKind.DATE: _date,
    FieldKind.EMAIL: _email,
}


def plain_words(field: Field, value: object) -> str:
    """An answer of one of OWN_KINDS in words; a choice by its msgid or the boss's words."""
    if field.kind is FieldKind.CHOICE:
        return next((one.label for one in field.choices if one.value == value), str(value))
    return str(value)
