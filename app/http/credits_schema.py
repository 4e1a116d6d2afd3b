"""What the credit API takes. Whole numbers may come as JSON integers or as the same digits in a string."""

import re
from typing import Annotated, Any, Final

import orjson
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from app.domain.credit_holds import DEFAULT, LONGEST, SHORTEST
from app.domain.credit_sync import MAX_NAME
from app.domain.credits import MAX_AMOUNT, MAX_REASON, REFERENCE, SOURCE

MOST_ITEMS: Final = 1000
MOST_COMPARED: Final = 5000
MOST_METADATA: Final = 4096
MAX_TELEGRAM_ID: Final = 10**18 - 1
MAX_NUMBER: Final = 2**53 - 1
"""The largest whole number of metadata: beyond it programs read different ones."""
MAX_ID: Final = 2**63 - 1
MOST_BALANCE: Final = 10**18
_DIGITS: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_NO_EXTRA: Final = ConfigDict(extra="forbid")


def _whole(value: object) -> int:
    # Not isinstance: True is an int too.
    if type(value) is int:
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    raise PydanticCustomError("whole", "a whole number")


def _not_zero(value: int) -> int:
    if value == 0:
        raise PydanticCustomError("zero", "not zero")
    return value


def _not_blank(value: str) -> str:
    if value.isspace():
        raise PydanticCustomError("string_too_short", "not empty")
    return value


def _storable(value: dict[str, object]) -> dict[str, object]:
    if not _fits(value):
        raise PydanticCustomError("metadata_value", "plain values")
    if len(orjson.dumps(value)) > MOST_METADATA:
        raise PydanticCustomError("metadata_size", "not too large", {"most": MOST_METADATA})
    return value


def _fits(value: object) -> bool:
    """Whether each number in it is one that every program reads alike; 1e999 is infinite after reading."""
    if isinstance(value, dict):
        return all(_fits(each) for each in value.values())
    if isinstance(value, list):
        return all(_fits(each) for each in value)
    if isinstance(value, float):
        return abs(value) < float("inf")
    return not isinstance(value, int) or abs(value) <= MAX_NUMBER


def _both(low: int, high: int, digits: str, *, zero: bool = True) -> WithJsonSchema:
    """A whole number in the description: an integer, or digits in a string."""
    number: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high}
    if not zero:
        number["not"] = {"const": 0}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": f"^{digits}$"}]})


TelegramId = Annotated[
    int,
    Field(ge=1, le=MAX_TELEGRAM_ID),
    BeforeValidator(_whole),
    _both(1, MAX_TELEGRAM_ID, "[1-9][0-9]{0,17}"),
]
Amount = Annotated[
    int,
    Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT),
    AfterValidator(_not_zero),
    BeforeValidator(_whole),
    _both(-MAX_AMOUNT, MAX_AMOUNT, "-?[1-9][0-9]{0,12}", zero=False),
]
Positive = Annotated[
    int, Field(ge=1, le=MAX_AMOUNT), BeforeValidator(_whole), _both(1, MAX_AMOUNT, "[1-9][0-9]{0,12}")
]
Balance = Annotated[
    int,
    Field(ge=-MOST_BALANCE, le=MOST_BALANCE),
    BeforeValidator(_whole),
    _both(-MOST_BALANCE, MOST_BALANCE, "(0|-?[1-9][0-9]{0,17})"),
]
Id = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(_whole), _both(1, MAX_ID, "[1-9][0-9]{0,17}")]
Seconds = Annotated[
    int,
    Field(ge=int(SHORTEST.total_seconds()), le=int(LONGEST.total_seconds())),
    BeforeValidator(_whole),
    _both(int(SHORTEST.total_seconds()), int(LONGEST.total_seconds()), "[1-9][0-9]{0,6}"),
]
Source = Annotated[str, Field(pattern=f"^{SOURCE.pattern}$")]
ReferenceText = Annotated[str, Field(pattern=f"^{REFERENCE.pattern}$")]
Reason = Annotated[
    str,
    Field(min_length=1, max_length=MAX_REASON, json_schema_extra={"pattern": r"\S"}),
    AfterValidator(_not_blank),
]
Metadata = Annotated[dict[str, object], AfterValidator(_storable)]


def _two_names(schema: dict[str, Any]) -> None:
    """The reference may be called `external_reference` instead."""
    properties = schema["properties"]
    properties["external_reference"] = properties["reference"] | {
        "title": "External Reference",
        "description": "Another name for `reference`; give one of them.",
    }
    schema["required"].remove("reference")
    schema["oneOf"] = [{"required": ["reference"]}, {"required": ["external_reference"]}]


class Referenced(BaseModel):
    """Something that happens once for its reference."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_two_names)

    telegram_id: TelegramId = Field(description="Whose credits, by his Telegram id.")
    reference: ReferenceText = Field(
        validation_alias=AliasChoices("reference", "external_reference"),
        description="Your own name for this, unique in your project for ever. The same call again changes nothing.",
    )
    reason: Reason = Field(description="What it is for, in words; the user reads it in his history.")


class Posting(Referenced):
    """One change of a balance."""

    amount: Amount = Field(description="Credits to add, or to take when negative; never 0.")
    source: Source | None = Field(None, description="Your project's own; may be left out.")
    metadata: Metadata = Field(
        default_factory=dict,
        description=f"Whatever you want to find again, as a JSON object of at most {MOST_METADATA} bytes.",
    )


class PostingV1(Referenced):
    """One change of a balance, signed by version 1 with `timestamp` and `token` in the body."""

    amount: Amount
    source: Source
    metadata: Metadata = Field(default_factory=dict)
    timestamp: Annotated[int, BeforeValidator(_whole), _both(0, 9_999_999_999, "[0-9]{10}")] = Field(
        description="Unix time in seconds, within 300 s of our clock."
    )
    token: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] = Field(
        description='hex(HMAC-SHA256(secret_key, "telegram_id:amount:source:timestamp")) over the values as sent.'
    )


class LooseBatch(BaseModel):
    """A batch whose items are read each by itself, so that a wrong one does not hinder the others."""

    model_config = _NO_EXTRA

    items: Annotated[list[object], Field(min_length=1)]
    atomic: StrictBool = False


class Batch(BaseModel):
    """Many postings in this order."""

    model_config = _NO_EXTRA

    items: list[Posting] = Field(min_length=1, max_length=MOST_ITEMS)
    atomic: StrictBool = Field(
        default=False,
        description="All or nothing: when one item can't be posted, none is, and the answer is 422.",
    )


class Balances(BaseModel):
    """Whose balances are asked for."""

    model_config = _NO_EXTRA

    telegram_ids: Annotated[list[TelegramId], Field(min_length=1, max_length=MOST_ITEMS)]


class NewHold(Referenced):
    """Credits to put aside."""

    amount: Positive = Field(description="How many to put aside.")
    source: Source | None = Field(None, description="Your project's own; may be left out.")
    expires_in: Seconds = Field(
        int(DEFAULT.total_seconds()),
        description="Seconds until the hold is let go by itself: 7 days unless you say.",
    )


class Capture(BaseModel):
    """How much of a hold is taken."""

    model_config = _NO_EXTRA

    amount: Positive | None = Field(None, description="Left out = all of it; the rest is let go.")


class Nothing(BaseModel):
    """Nothing is to be said here."""

    model_config = _NO_EXTRA


class User(BaseModel):
    """Whom a path names."""

    telegram_id: TelegramId


class HoldNumber(BaseModel):
    """Which hold a path names."""

    hold_id: Id


class Compared(BaseModel):
    """What somebody has at your side."""

    model_config = _NO_EXTRA

    telegram_id: TelegramId
    balance: Balance


class Comparison(BaseModel):
    """Your balances, to be compared with ours."""

    model_config = _NO_EXTRA

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = Field(
        None, description="Shown to the boss; your project's name when left out."
    )
    balances: Annotated[list[Compared], Field(min_length=1, max_length=MOST_COMPARED)]


class HistoryPage(BaseModel):
    """Which part of a history."""

    model_config = _NO_EXTRA

    before: Id | None = Field(None, description="`next` of the page before.")
    limit: Annotated[int, Field(ge=1, le=200), BeforeValidator(_whole)] = Field(
        50, description="Postings per page."
    )


class ChangesPage(BaseModel):
    """Which part of the feed."""

    model_config = _NO_EXTRA

    after: Annotated[int, Field(ge=0, le=MAX_ID), BeforeValidator(_whole)] = Field(
        0, description="`cursor` of the page before; 0 = from the beginning."
    )
    limit: Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole)] = Field(
        200, description="Changes per page."
    )
    source: Source | None = Field(None, description="Only postings of this source.")
    except_source: Source | None = Field(
        None, description="All but this source: your own, which you know already."
    )
