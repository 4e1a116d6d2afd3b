"""Rules of broadcasts: states and moves, audiences, limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_BUTTONS = 8
MAX_NAME = 80


class BroadcastState(StrEnum):
    """draft -> scheduled -> running <-> paused -> done, or cancelled before done."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


MOVES: Mapping[BroadcastState, frozenset[BroadcastState]] = {
    BroadcastState.DRAFT: frozenset(
        {BroadcastState.SCHEDULED, BroadcastState.RUNNING, BroadcastState.CANCELLED}
    ),
    BroadcastState.SCHEDULED: frozenset(
        {BroadcastState.DRAFT, BroadcastState.RUNNING, BroadcastState.CANCELLED}
    ),
    BroadcastState.RUNNING: frozenset({BroadcastState.PAUSED, BroadcastState.DONE, BroadcastState.CANCELLED}),
    BroadcastState.PAUSED: frozenset({BroadcastState.RUNNING, BroadcastState.CANCELLED}),
    BroadcastState.DONE: frozenset(),
    BroadcastState.CANCELLED: frozenset(),
}


class RecipientState(StrEnum):
    """pending -> sending -> sent | blocked | failed; sending -> unknown when its sender died in the middle.

    `unknown` is not sent again by itself: Telegram may have it, and nobody gets a broadcast twice.
    """

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    BLOCKED = "blocked"
    FAILED = "failed"
    UNKNOWN = "unknown"


class AudienceKind(StrEnum):
    ALL = "all"
    ENTRANTS = "entrants"
    LANGUAGE = "language"
    ACTIVE = "active"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets it, among those who wrote to the bot and do not block it. `value`: lottery id, language, or days."""

    kind: AudienceKind = AudienceKind.ALL
    value: str = ""
