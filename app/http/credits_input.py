"""Checking what partners send: nothing unknown, nothing guessed. Whoever errs hears where, in his language."""

from collections.abc import Mapping
from typing import TypeVar

from flask import request
from flask_babel import gettext
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.core.i18n import N_
from app.domain.credit_clients import InvalidCall

Read = TypeVar("Read", bound=BaseModel)
Fields = dict[str, list[str]]
BODY = "body"
"""The name of what is wrong with the body as a whole."""
MOST_FIELDS = 50
MOST_OF_AN_ITEM = 8
"""As many as an item has; a thousand items with fifty wrong fields each would keep us busy with words."""
WORDS = {
    "missing": N_("This is missing."),
    "extra_forbidden": N_("There is no such field."),
    "whole": N_("This must be a whole number, or its digits in a string."),
    "zero": N_("This must not be 0."),
    "greater_than_equal": N_("This must be at least %(ge)s."),
    "less_than_equal": N_("This must be at most %(le)s."),
    "string_type": N_("This must be a string."),
    "string_too_short": N_("This must not be empty."),
    "string_too_long": N_("This must have at most %(max_length)s characters."),
    "string_pattern_mismatch": N_("This must match %(pattern)s."),
    "bool_type": N_("This must be true or false."),
    "list_type": N_("This must be a list."),
    "too_short": N_("There must be at least %(min_length)s in it."),
    "too_long": N_("There must be at most %(max_length)s in it."),
    "dict_type": N_("This must be a JSON object."),
    "model_type": N_("This must be a JSON object."),
    "metadata_value": N_("Numbers in it must be finite, and whole ones at most 2^53 - 1."),
    "metadata_size": N_("This must have at most %(most)s bytes."),
    "more_than_held": N_("This is more than is held."),
    "no_name": N_("This is no name."),
    "users_twice": N_("A user is in it more than once."),
    "equal_references": N_("Item %(other)s has the same reference."),
}
"""What may be wrong with a field, by pydantic's names and our own."""


def checked(model: type[Read], given: Mapping[str, object]) -> Read:
    """What was given, as `model` has it. Raises InvalidCall, with what is wrong by field."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidCall(fields=fields_of(error)) from None


def query(model: type[Read]) -> Read:
    """The query string's parameters, each at most once. Raises InvalidCall."""
    given: dict[str, object] = {}
    twice: Fields = {}
    for name, values in request.args.lists():
        given[name] = values[0]
        if len(values) > 1:
            twice[name] = [gettext("This is given more than once.")]
    if twice:
        raise InvalidCall(fields=twice)
    return checked(model, given)


def wrong(field: str, kind: str, **values: object) -> InvalidCall:
    """A call with one wrong field."""
    return InvalidCall(fields={field: [say(kind, **values)]})


def say(kind: str, **values: object) -> str:
    """What is wrong, in the caller's language."""
    return str(gettext(WORDS.get(kind, InvalidCall.message), **values))


def fields_of(error: ValidationError, prefix: str = "", most: int = MOST_FIELDS) -> Fields:
    """What is wrong, by the path of the field: `items.3.amount`; the first so many."""
    found: Fields = {}
    for each in error.errors(include_url=False, include_input=False)[:most]:
        found.setdefault(_path(each, prefix), []).append(say(each["type"], **each.get("ctx", {})))
    return found


def _path(error: ErrorDetails, prefix: str) -> str:
    return ".".join(str(part) for part in (prefix, *error["loc"]) if part != "") or BODY
