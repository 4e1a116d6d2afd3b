"""Rules of orders: states and moves, phases of the work, and when to try again."""

import random
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

DEFAULT_EXPIRY_MINUTES: Final = 30
FORM_HOURS: Final = 24
"""A half-filled form is kept this long."""
LEASE_SECONDS: Final = 120.0
"""An order whose worker was silent for this long may be taken by another. It is renewed four times as often."""
MAX_ATTEMPTS: Final = 14
MAX_DEATHS: Final = 3
"""An order whose worker died this often is set aside."""
GIVE_UP_HOURS: Final = 24
"""An order that could not be delivered for so long after its first try has failed."""
NOTE_AFTER_MINUTES: Final = 10
"""A buyer whose order waits longer gets one note that it takes longer."""
MAX_OPEN: Final = 5
"""Orders of one buyer that may wait for payment at the same time."""
MAX_UNPAID_AN_HOUR: Final = 20
"""Orders that one buyer may make in an hour without paying them: each reserves stock and is a call at a provider."""
_CODE: Final = re.compile(r"[A-Z0-9]{6,20}", re.ASCII)
_WAITS_MINUTES: Final = (1, 2, 4, 8, 16, 32, 64, 64, 120, 120, 240, 240, 240)


class OrderState(StrEnum):
    """pending -> paid -> generating -> completed; the side exits are in MOVES."""

    PENDING = "pending"
    PAID = "paid"
    GENERATING = "generating"
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"
    REFUNDED = "refunded"


MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    # Straight to refunded: the provider may tell of the refund before it tells of the payment.
    OrderState.PENDING: frozenset({OrderState.PAID, OrderState.EXPIRED, OrderState.REFUNDED}),
    OrderState.PAID: frozenset({OrderState.GENERATING, OrderState.REFUNDED}),
    # Back to paid: its lease ended without a result, or it is to be tried again later.
    OrderState.GENERATING: frozenset(
        {OrderState.PAID, OrderState.COMPLETED, OrderState.FAILED, OrderState.REFUNDED}
    ),
    OrderState.COMPLETED: frozenset({OrderState.REFUNDED}),
    # A valid payment that comes late is honoured.
    OrderState.EXPIRED: frozenset({OrderState.PAID, OrderState.REFUNDED}),
    OrderState.FAILED: frozenset({OrderState.PAID, OrderState.REFUNDED}),
    OrderState.REFUNDED: frozenset(),
}
"""Every move that there is; nothing leaves refunded."""


class Phase(StrEnum):
    """What happens to an order in `generating`."""

    PRODUCING = "producing"
    """A worker holds its lease."""
    DELIVERING = "delivering"
    """Everything is written to the outbox; it is completed when Telegram has accepted every part."""
    BY_HAND = "by_hand"
    """The boss delivers it and marks it."""


class Actor(StrEnum):
    """Who moved an order, in its history."""

    BUYER = "buyer"
    CALLBACK = "callback"
    RECONCILIATION = "reconciliation"
    STARS = "stars"
    STAFF = "staff"
    SWEEP = "sweep"
    WORKER = "worker"


class Step(StrEnum):
    """Outside calls and other work of an order that is done once and kept, in their order."""

    CONFIRM = "confirm"
    """The provider was asked whether the money is there."""
    CHART = "chart"
    TEXT = "text"
    PDF = "pdf"
    HANDOUT = "handout"
    """Credits posted, or the item of the stock that was taken."""
    DELIVERY = "delivery"
    """Which messages the buyer gets, by their keys in the outbox."""


class StepState(StrEnum):
    """calling -> done; calling again after a failure. `calling` without an end is a call whose fate is unknown."""

    CALLING = "calling"
    FAILED = "failed"
    DONE = "done"


def wait_after(attempts: int) -> float:
    """Seconds until the next attempt, spread by a fifth; all waits together are a little less than a day."""
    place = min(max(attempts, 1), len(_WAITS_MINUTES)) - 1
    return _WAITS_MINUTES[place] * 60 * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def read_code(typed: str) -> str | None:
    """The code that somebody means, whose letters may be small; None for what can't be one."""
    code = typed.strip().upper()
    return code if _CODE.fullmatch(code) else None


def is_erased(telegram_id: int) -> bool:
    """Whether the number stands for a buyer who was erased: it is made from his order and leads to nobody."""
    return telegram_id < 0
