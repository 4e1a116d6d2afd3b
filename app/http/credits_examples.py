"""What each call of the credit API is about, for its description: models, examples, and the errors it may answer."""

from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from app.core.errors import AppError, NotFound, TooLarge, Unavailable
from app.domain.credit_clients import (
    AddressRefused,
    BatchRefused,
    BatchTooLarge,
    BusinessSuspended,
    ClientDisabled,
    InvalidCall,
    InvalidKey,
    InvalidSignature,
    KeyExpired,
    QuotaExceeded,
    RateLimited,
    Replayed,
    ScopeMissing,
    TimestampExpired,
    UnknownUser,
    V1Refused,
    WrongSource,
)
from app.domain.credit_holds import HoldClosed, UnknownHold
from app.domain.credits import BalanceTooLarge, InsufficientCredits, ReferenceConflict
from app.http import credits_answers as answers
from app.http import credits_schema as schema
from app.http.tenancy import TenantsDisagree

Example = dict[str, Any]
Problems = tuple[type[AppError], ...]
ANY_CALL: Final[Problems] = (
    InvalidKey,
    KeyExpired,
    InvalidSignature,
    TimestampExpired,
    ScopeMissing,
    AddressRefused,
    ClientDisabled,
    BusinessSuspended,
    Replayed,
    InvalidCall,
    TenantsDisagree,
    NotFound,
    TooLarge,
    RateLimited,
    QuotaExceeded,
    Unavailable,
)
"""What may be answered to any call."""


@dataclass(frozen=True)
class Operation:
    """One call. `body`: the first model is signed by version 2, a second one by version 1."""

    answer: type[BaseModel]
    answers: dict[str, Example]
    problems: Problems = ()
    body: tuple[type[BaseModel], ...] = ()
    bodies: dict[str, Example] = field(default_factory=dict)
    query: type[BaseModel] | None = None
    path: type[BaseModel] | None = None
    path_example: int = 0

    @property
    def all_problems(self) -> Problems:
        """Each that this call may answer."""
        return ANY_CALL + self.problems


_ITEM: Final[Example] = {
    "telegram_id": 5550001,
    "amount": 10,
    "reason": "Order 42",
    "reference": "order-42",
}
_TAKEN: Final = _ITEM | {"amount": "-3", "reason": "Coffee", "reference": "coffee-7"}
_POSTED: Final[Example] = {
    "success": True,
    "balance": 90,
    "message": "Posted.",
    "transaction_id": 4711,
    "duplicate": False,
}
_ENTRY: Final[Example] = {
    "id": 4711,
    "telegram_id": 5550001,
    "amount": 10,
    "balance": 90,
    "source": "shop",
    "reference": "order-42",
    "reason": "Order 42",
    "metadata": {"order": 42},
    "created_at": "2026-11-20T12:00:00Z",
}
_STANDING: Final[Example] = {"telegram_id": 5550001, "balance": 90, "held": 20, "available": 70}
_HELD: Final[Example] = {
    "success": True,
    "message": "The credits are put aside.",
    "hold_id": 12,
    "telegram_id": 5550001,
    "amount": 20,
    "captured": 0,
    "state": "active",
    "source": "shop",
    "reference": "booking-9",
    "reason": "Table for two",
    "expires_at": "2026-11-27T12:00:00Z",
    "transaction_id": None,
    "balance": 90,
    "held": 20,
    "available": 70,
}
_CAPTURED: Final = _HELD | {
    "message": "The credits were taken.",
    "captured": 20,
    "state": "captured",
    "transaction_id": 4712,
    "balance": 70,
    "held": 0,
}
_VOIDED: Final = _HELD | {
    "message": "The credits were let go.",
    "state": "voided",
    "held": 0,
    "available": 90,
}
_REFUSED_ITEM: Final[Example] = {
    "index": 1,
    "success": False,
    "message": "There are not enough credits: 2 can be taken.",
    "code": "insufficient_credits",
}

SYNC: Final = Operation(
    answers.Posted,
    {
        "first time": _POSTED,
        "repeated": _POSTED | {"message": "This was posted before; nothing was changed.", "duplicate": True},
    },
    problems=(
        WrongSource,
        V1Refused,
        UnknownUser,
        InsufficientCredits,
        BalanceTooLarge,
        ReferenceConflict,
    ),
    body=(schema.Posting, schema.PostingV1),
    bodies={
        "add": _ITEM | {"source": "shop", "metadata": {"order": 42}},
        "take": _TAKEN,
        "version 1": {
            "telegram_id": "123456789",
            "amount": "10",
            "source": "shop",
            "reason": "Order 42",
            "external_reference": "order-42",
            "timestamp": "1700000000",
            "token": "27b1ee54e499a48d991e07317f0fa65f0a99c930a47c2167cb06612ce1c8b3e7",
        },
    },
)
BATCH: Final = Operation(
    answers.BatchPosted,
    {
        "one refused": {
            "success": False,
            "posted": 1,
            "duplicates": 0,
            "refused": 1,
            "results": [{"index": 0} | _POSTED, _REFUSED_ITEM],
        }
    },
    problems=(BatchTooLarge, BatchRefused),
    body=(schema.Batch,),
    bodies={"two": {"items": [_ITEM, _TAKEN]}, "all or nothing": {"items": [_ITEM, _TAKEN], "atomic": True}},
)
BALANCE: Final = Operation(
    answers.Standing,
    {"standing": _STANDING},
    problems=(UnknownUser,),
    path=schema.User,
    path_example=5550001,
    query=schema.Nothing,
)
BALANCES: Final = Operation(
    answers.Standings,
    {
        "one unknown": {
            "balances": [
                _STANDING | {"known": True},
                {"telegram_id": 5550002, "balance": 0, "held": 0, "available": 0, "known": False},
            ]
        }
    },
    body=(schema.Balances,),
    bodies={"two": {"telegram_ids": [5550001, 5550002]}},
)
HISTORY: Final = Operation(
    answers.HistoryAnswer,
    {"last page": {"postings": [_ENTRY], "next": None}},
    problems=(UnknownUser,),
    path=schema.User,
    path_example=5550001,
    query=schema.HistoryPage,
)
CHANGES: Final = Operation(
    answers.ChangesAnswer,
    {"page": {"changes": [_ENTRY], "cursor": 4711, "more": False}},
    query=schema.ChangesPage,
)
COMPARE: Final = Operation(
    answers.ComparisonAnswer,
    {
        "one differs": {
            "id": 3,
            "compared": 2,
            "differing": 1,
            "explained": 0,
            "lines": [{"telegram_id": 5550001, "ours": 90, "theirs": 80, "undelivered": 0}],
        }
    },
    body=(schema.Comparison,),
    bodies={
        "two": {"balances": [{"telegram_id": 5550001, "balance": 80}, {"telegram_id": 5550002, "balance": 0}]}
    },
)
_BOOKING: Final[Example] = {
    "telegram_id": 5550001,
    "amount": 20,
    "reason": "Table for two",
    "reference": "booking-9",
    "expires_in": 86400,
}
RESERVE: Final = Operation(
    answers.HoldAnswer,
    {"put aside": _HELD},
    problems=(WrongSource, UnknownUser, InsufficientCredits, ReferenceConflict),
    body=(schema.NewHold,),
    bodies={"a day": _BOOKING},
)
HOLD: Final = Operation(
    answers.HoldAnswer,
    {"put aside": _HELD},
    problems=(UnknownHold,),
    path=schema.HoldNumber,
    path_example=12,
    query=schema.Nothing,
)
CAPTURE: Final = Operation(
    answers.HoldAnswer,
    {"taken": _CAPTURED},
    problems=(UnknownHold, HoldClosed, ReferenceConflict),
    body=(schema.Capture,),
    bodies={"all": {}, "a part": {"amount": 15}},
    path=schema.HoldNumber,
    path_example=12,
)
VOID: Final = Operation(
    answers.HoldAnswer,
    {"let go": _VOIDED},
    problems=(UnknownHold, HoldClosed),
    body=(schema.Nothing,),
    bodies={"nothing to say": {}},
    path=schema.HoldNumber,
    path_example=12,
)
