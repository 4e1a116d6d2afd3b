"""What the JSON API for lotteries takes and gives. Bodies are checked by `lottery_spec`; here is their shape."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.domain.draw import STAFF
from app.domain.lotteries import (
    MAX_REASON,
    CloseReason,
    ConditionKind,
    LotteryState,
    WinnerState,
    bot_link,
    is_erased,
)
from app.domain.lottery_spec import dump
from app.domain.members import shown_name
from app.models import Bot, Lottery, LotteryDraw, LotteryEntry, LotteryPrize
from app.services.lotteries import figures, showing, spec

MAX_PEOPLE = 1000
MOMENT = "ISO 8601; without an offset it is of the tenant's zone"
Amount = Annotated[int, Field(gt=0, lt=2**62)]
Telegram = Annotated[int, Field(gt=0, lt=2**62)]


class Strict(BaseModel):
    """Input: a misspelt field is refused, and no text is taken for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Prize(Strict):
    name: str
    quantity: Amount = 1
    credits: Amount | None = Field(None, description="Posted to each winner by themselves")


class Condition(Strict):
    """`channel` needs `chat`, `invites` needs `count`, `credits` needs `amount`, `account_age` needs `days`."""

    model_config = ConfigDict(extra="forbid", strict=False)

    type: ConditionKind
    chat: str | int | None = None
    title: str | None = None
    url: str | None = None
    count: Amount | None = None
    amount: Amount | None = None
    days: Amount | None = None


class Tickets(Strict):
    """What gives more tickets than the one that everybody holds."""

    per_invite: int = 0
    per_boost: int = 0
    boost_chat: str | int | None = None
    price: int = Field(0, description="Credits for one ticket")
    max: Amount | None = None


class LotteryBody(Strict):
    """A lottery as in `lottery.json`."""

    title: str
    description: str = ""
    prizes: list[Prize]
    opens_at: str | None = Field(None, description=f"{MOMENT}; none = when it is published")
    closes_at: str = Field(description=MOMENT)
    max_entries: Amount | None = None
    closes_when_full: bool = False
    conditions: list[Condition] = []
    tickets: Tickets | None = None
    publish_to: list[str | int] = Field([], description="Channels and groups: @name or -100…")
    claim_hours: Amount | None = None
    picture_id: Amount | None = None

    def body(self) -> dict[str, object]:
        """For `spec.read`: only what was given."""
        return self.model_dump(mode="json", exclude_unset=True, exclude={"publish"})


class NewLottery(LotteryBody):
    publish: bool = Field(default=False, description="Open or schedule it at once")


class WhichBot(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bot: str | None = Field(None, max_length=64, description="Public id; needed where there are several bots")


class Listing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: LotteryState | None = None
    page: int = Field(0, ge=0, le=100_000)


class After(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: int = Field(0, ge=0, lt=2**62, description="`next` of the page before")


class PageNumber(BaseModel):
    model_config = ConfigDict(extra="forbid")

    page: int = Field(0, ge=0, le=100_000)


class Reason(Strict):
    reason: str = Field(max_length=MAX_REASON, description="Everybody can read it")


class Note(Strict):
    note: str = Field("", max_length=500, description="For yourself; never public")


class People(Strict):
    telegram_ids: list[Telegram] = Field(min_length=1, max_length=MAX_PEOPLE)


class Added(BaseModel):
    added: int
    already: int = Field(description="Were in before")
    unknown: int = Field(description="Never talked with a bot of yours")


class LotteryView(BaseModel):
    """A lottery. Times are UTC; `rules` are what `lottery.json` would make the same lottery of."""

    code: str
    state: LotteryState
    bot: str = Field(description="Public id")
    title: str
    rules: dict[str, object]
    entries: int
    commitment: str = Field(description="SHA-256 of the seed that decides, in hex")
    announced_round: int | None = Field(description="The beacon's round that decides; null = seed only")
    opened_at: datetime | None
    closed_at: datetime | None
    close_reason: CloseReason | None
    drawn_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    waiting_for: str | None = Field(description="What the draw waits for")
    link: str = Field(description="The bot's card; empty without a user name")
    public_link: str = Field(description="The public page; empty where the platform has no address")


class LotteryList(BaseModel):
    lotteries: list[LotteryView]
    more: bool


class Entry(BaseModel):
    id: int
    telegram_id: int | None = Field(description="null where he was erased")
    joined_at: datetime
    by_staff: bool
    conditions: str = Field(description="`<place>:<1 or 0>:<unix time>` for each condition when he joined")
    tickets: int = Field(description="Counted when the list is sealed")
    paid: int = Field(description="Credits")


class EntryList(BaseModel):
    entries: list[Entry]
    next: int | None = Field(description="Pass it as ?after= for the next page")


class Winner(BaseModel):
    """Who holds or held a prize. `turn` 0 is the draw, 1 the first redraw of that slot."""

    slot: int
    turn: int
    prize: str
    credits: int | None
    telegram_id: int | None = Field(description="null where he was erased")
    name: str
    rank: int
    state: WinnerState
    won_at: datetime
    claim_until: datetime | None
    claimed_at: datetime | None
    handed_over_at: datetime | None
    note: str
    reason: str | None = Field(description="Why the prize was drawn again")


class WinnerList(BaseModel):
    winners: list[Winner]
    more: bool


def view_of(
    lottery: Lottery, prizes: Sequence[LotteryPrize], bot: Bot, entries: int, draw: LotteryDraw | None
) -> LotteryView:
    """A lottery with its figures."""
    return LotteryView(
        code=lottery.code,
        state=lottery.state,
        bot=bot.public_id,
        title=lottery.title,
        rules=dump(spec.of(lottery, prizes)),
        entries=entries,
        commitment=lottery.commitment,
        announced_round=lottery.announced_round,
        opened_at=lottery.opened_at,
        closed_at=lottery.closed_at,
        close_reason=lottery.close_reason,
        drawn_at=lottery.drawn_at,
        cancelled_at=lottery.cancelled_at,
        cancel_reason=lottery.cancel_reason,
        waiting_for=draw.error if draw else None,
        link=bot_link(bot.username, lottery.code),
        public_link=showing.public_link(lottery.code),
    )


def entry_of(entry: LotteryEntry) -> Entry:
    """One line of the list of entrants."""
    by_staff = entry.conditions == STAFF
    return Entry(
        id=entry.id,
        telegram_id=None if is_erased(entry.telegram_id) else entry.telegram_id,
        joined_at=entry.created_at,
        by_staff=by_staff,
        conditions="" if by_staff else entry.conditions,
        tickets=entry.weight,
        paid=entry.paid,
    )


def winners_of(holders: Sequence[figures.Holder]) -> list[Winner]:
    """Holders as the API shows them."""
    return [_winner(holder) for holder in holders]


def _winner(holder: figures.Holder) -> Winner:
    winner, member = holder.winner, holder.member
    names = (member.first_name, member.last_name) if member else ("", "")
    erased = is_erased(winner.telegram_id)
    return Winner(
        slot=winner.slot,
        turn=winner.turn,
        prize=holder.prize.name,
        credits=holder.prize.credits,
        telegram_id=None if erased else winner.telegram_id,
        name="" if erased else shown_name(*names, winner.telegram_id),
        rank=winner.rank,
        state=winner.state,
        won_at=winner.won_at,
        claim_until=winner.claim_until,
        claimed_at=winner.claimed_at,
        handed_over_at=winner.handed_over_at,
        note=winner.note,
        reason=winner.reason,
    )
