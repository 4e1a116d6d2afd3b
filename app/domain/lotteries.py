"""Rules of lotteries: states and moves, conditions, tickets, and what a lottery may be made of."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.links import start_link

MAX_TITLE = 120
MAX_DESCRIPTION = 2000
MAX_PRIZES = 20
MAX_PRIZE_NAME = 80
MAX_WINNERS = 10_000
MAX_CREDITS = 10**12
MAX_CHANNELS = 5
MAX_ENTRIES = 10_000_000
MAX_TICKETS = 100
"""The most tickets that one entrant may hold."""
MAX_DAYS_OPEN = 366
MAX_CLAIM_HOURS = 24 * 60
MAX_INVITES = 1000
MAX_ACCOUNT_DAYS = 3650
MAX_POSTS = 20
"""Channels and groups that show one lottery."""
MAX_REASON = 200
MAX_TEMPLATE_NAME = 80
PAGE = 5
LATEST_ENTRIES = 10
_CODE = re.compile(r"[A-Z0-9]{4,20}", re.ASCII)
TALLIES = 16
"""Counters of a lottery without a limit, so that many may join at once; one with a limit has a single counter."""


class LotteryState(StrEnum):
    """draft -> scheduled -> open -> drawing -> drawn, or cancelled from any state before drawing."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    OPEN = "open"
    DRAWING = "drawing"
    DRAWN = "drawn"
    CANCELLED = "cancelled"


MOVES: Mapping[LotteryState, frozenset[LotteryState]] = {
    LotteryState.DRAFT: frozenset({LotteryState.SCHEDULED, LotteryState.OPEN, LotteryState.CANCELLED}),
    LotteryState.SCHEDULED: frozenset({LotteryState.OPEN, LotteryState.DRAFT, LotteryState.CANCELLED}),
    LotteryState.OPEN: frozenset({LotteryState.DRAWING, LotteryState.CANCELLED}),
    LotteryState.DRAWING: frozenset({LotteryState.DRAWN}),
    LotteryState.DRAWN: frozenset(),
    LotteryState.CANCELLED: frozenset(),
}
"""A scheduled one may go back to draft to be changed; nobody has joined it yet."""


class DrawPhase(StrEnum):
    """Where a lottery in `drawing` is. Each phase ends with a commit, so that a killed worker's successor goes on."""

    SEALING = "sealing"
    """The list is closed; its root is being computed."""
    WAITING = "waiting"
    """The root is public; the beacon's round is still to come."""
    ORDERED = "ordered"
    """Seed and beacon are public, so the order is; candidates are asked the conditions again, in that order."""
    DONE = "done"


class CloseReason(StrEnum):
    """Why a lottery stopped taking entries."""

    TIME = "time"
    FULL = "full"
    EARLY = "early"
    """Somebody of the boss's closed it before its time; public, and it decides on a later round of the beacon."""


class CandidateState(StrEnum):
    """waiting -> checking -> passed | failed; checking -> waiting when its lease ran out."""

    WAITING = "waiting"
    CHECKING = "checking"
    PASSED = "passed"
    FAILED = "failed"


class WinnerState(StrEnum):
    """won -> claimed -> handed_over; won -> expired after the claim window; won or expired -> replaced by a redraw."""

    WON = "won"
    CLAIMED = "claimed"
    HANDED_OVER = "handed_over"
    EXPIRED = "expired"
    REPLACED = "replaced"


REDRAWABLE = frozenset({WinnerState.WON, WinnerState.EXPIRED})


class ConditionKind(StrEnum):
    CHANNEL = "channel"
    INVITES = "invites"
    CREDITS = "credits"
    ACCOUNT_AGE = "account_age"


@dataclass(frozen=True, slots=True)
class Condition:
    """What an entrant needs. As JSON: {"type": "channel", "chat": "@x" or "-100…", "title"?, "url"?},
    {"type": "invites", "count": 3}, {"type": "credits", "amount": 10}, {"type": "account_age", "days": 7}.

    `amount` is the count, the credits or the days.
    """

    kind: ConditionKind
    amount: int = 0
    chat: str = ""
    title: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class TicketRules:
    """How many tickets an entrant holds beyond his first: for friends, for boosts of `boost_chat`, for credits.

    As JSON: {"per_invite"?, "per_boost"?, "boost_chat"?, "price"?, "max"}; `price` in credits for one ticket.
    """

    per_invite: int = 0
    per_boost: int = 0
    boost_chat: str = ""
    price: int = 0
    most: int = 1


@dataclass(frozen=True, slots=True)
class PrizeSpec:
    """A prize, `quantity` times. `credits` are posted to the winner by themselves."""

    name: str
    quantity: int = 1
    credits: int | None = None


@dataclass(frozen=True, slots=True)
class LotterySpec:
    """Everything that a boss decides about a lottery, checked. Moments are aware; `opens_at` None = when published."""

    title: str
    prizes: Sequence[PrizeSpec]
    closes_at: datetime
    description: str = ""
    opens_at: datetime | None = None
    max_entries: int | None = None
    closes_when_full: bool = False
    conditions: Sequence[Condition] = ()
    tickets: TicketRules = field(default_factory=TicketRules)
    publish_to: Sequence[str] = ()
    claim_hours: int | None = None
    picture_id: int | None = None


def weight(rules: TicketRules, *, friends: int, boosts: int, bought: int) -> int:
    """The tickets of an entrant: one, and what the rules give on top, up to their limit."""
    extra = rules.per_invite * friends + rules.per_boost * boosts + bought
    return max(1, min(1 + extra, rules.most))


def read_code(typed: str) -> str | None:
    """The public code that somebody means, whose letters may be small; None for what can't be one."""
    code = typed.strip().upper()
    return code if _CODE.fullmatch(code) else None


def bot_link(bot: str | None, code: str, ref: str = "") -> str:
    """What opens a lottery in its bot, for a friend of the member with the mark `ref`; empty where the bot has no name yet."""
    return start_link(bot, f"l_{code}{ref and '_'}{ref}")


def is_erased(telegram_id: int) -> bool:
    """Whether the number stands for somebody who was erased: it is made from his entry and leads to nobody."""
    return telegram_id < 0
