"""Lotteries in figures, for the boss's pages: the list, one lottery at a glance, its entries over time.

What grows with the number of entries is counted at most once in a while, the more rarely the more there are.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select

from app.core import clock
from app.core.cache import Cache
from app.core.db import db
from app.domain.lotteries import LotteryState, WinnerState
from app.domain.members import read_number, read_username
from app.models import (
    Lottery,
    LotteryCandidate,
    LotteryDraw,
    LotteryEntry,
    LotteryPrize,
    LotteryTally,
    LotteryWinner,
    Member,
)
from app.services.dashboard import midnight

PAGE = 20
WINNERS = 50
LATEST = 12
HOURLY = timedelta(days=3)
"""A lottery that has been open for less is drawn by the hour, else by the day."""
MOST_POINTS = 120
MEMORY, SHORT, LONG = 2, 8, 60
"""Seconds for which counts are kept: in the process, and in Redis below and above MANY entries."""
FEW, MANY = 1_000, 20_000
CHATS = 12


@dataclass(frozen=True)
class Row:
    """A line of the list; `open_prizes` wait to be handed over, `waits` = the draw cannot go on for now."""

    lottery: Lottery
    entries: int
    open_prizes: int = 0
    waits: bool = False


@dataclass(frozen=True)
class Holder:
    """A winner with his prize and, where the tenant knows him, his name."""

    winner: LotteryWinner
    prize: LotteryPrize
    member: Member | None


@dataclass(frozen=True)
class Newcomer:
    """An entry and whose it is."""

    entry: LotteryEntry
    member: Member | None


@dataclass(frozen=True)
class Checking:
    """How far the conditions were asked again: of `looked` candidates `passed` may win; the draw needs `slots`."""

    looked: int
    passed: int
    slots: int


@dataclass(frozen=True)
class Series:
    """Entries by the hour or by the day: (beginning in the tenant's zone, how many)."""

    hourly: bool
    points: Sequence[tuple[datetime, int]]


@dataclass(frozen=True)
class Today:
    """What the home page tells of lotteries; `hours` are entries of each hour of the day up to now."""

    open: int
    hours: Sequence[int]

    @property
    def entries(self) -> int:
        """Entries since midnight."""
        return sum(self.hours)


@cache
def _kept(seconds: int) -> Cache:
    return Cache(f"lottery-figures-{seconds}", memory_seconds=MEMORY, redis_seconds=seconds)


def entry_count() -> ColumnElement[int]:
    """The entries of a lottery, as a column of a query of lotteries."""
    total = select(func.coalesce(func.sum(LotteryTally.entries), 0))
    return total.where(LotteryTally.lottery_id == Lottery.id).scalar_subquery()


def listing(
    tenant_id: int, states: Collection[LotteryState] = (), words: str = "", page: int = 0
) -> list[Row]:
    """A page of lotteries, newest first, and one more where there are more; `states` empty = all."""
    waits = select(LotteryDraw.error.is_not(None)).where(LotteryDraw.lottery_id == Lottery.id)
    query = select(Lottery, entry_count(), waits.scalar_subquery()).where(Lottery.tenant_id == tenant_id)
    if states:
        query = query.where(Lottery.state.in_(states))
    if words:
        query = query.where(
            or_(Lottery.title.icontains(words, autoescape=True), Lottery.code == words.strip().upper())
        )
    found = db.session.execute(query.order_by(Lottery.id.desc()).limit(PAGE + 1).offset(page * PAGE)).all()
    waiting = _open_prizes([lottery.id for lottery, *_ in found if lottery.state is LotteryState.DRAWN])
    return [
        Row(lottery, int(entries), waiting.get(lottery.id, 0), bool(stuck))
        for lottery, entries, stuck in found
    ]


def _open_prizes(lottery_ids: Sequence[int]) -> dict[int, int]:
    if not lottery_ids:
        return {}
    rows = db.session.execute(
        select(LotteryWinner.lottery_id, func.count())
        .where(
            LotteryWinner.lottery_id.in_(lottery_ids),
            LotteryWinner.state.in_((WinnerState.WON, WinnerState.CLAIMED)),
        )
        .group_by(LotteryWinner.lottery_id)
    )
    return {lottery_id: int(count) for lottery_id, count in rows}


def counts(tenant_id: int) -> dict[LotteryState, int]:
    """How many lotteries are in each state."""
    rows = db.session.execute(
        select(Lottery.state, func.count()).where(Lottery.tenant_id == tenant_id).group_by(Lottery.state)
    )
    return {state: int(count) for state, count in rows}


def latest(lottery: Lottery) -> list[Newcomer]:
    """Who joined last."""
    rows = db.session.execute(
        select(LotteryEntry, Member)
        .outerjoin(
            Member,
            and_(Member.tenant_id == LotteryEntry.tenant_id, Member.telegram_id == LotteryEntry.telegram_id),
        )
        .where(LotteryEntry.lottery_id == lottery.id)
        .order_by(LotteryEntry.id.desc())
        .limit(LATEST)
    )
    return [Newcomer(entry, member) for entry, member in rows]


def winners(lottery: Lottery, page: int = 0) -> list[Holder]:
    """Who holds or held a prize, by slot, the latest turn first; one more than a page where there are more."""
    rows = db.session.execute(
        select(LotteryWinner, LotteryPrize, Member)
        .join(LotteryPrize, LotteryPrize.id == LotteryWinner.prize_id)
        .outerjoin(
            Member,
            and_(
                Member.tenant_id == LotteryWinner.tenant_id,
                Member.telegram_id == LotteryWinner.telegram_id,
            ),
        )
        .where(LotteryWinner.lottery_id == lottery.id)
        .order_by(LotteryWinner.slot, LotteryWinner.turn.desc())
        .limit(WINNERS + 1)
        .offset(page * WINNERS)
    )
    return [Holder(*row) for row in rows]


def checking(lottery: Lottery) -> Checking:
    """How far the candidates have been asked the conditions again."""
    looked, passed = db.session.execute(
        select(
            func.count(),
            func.count().filter(LotteryCandidate.state == "passed"),
        ).where(LotteryCandidate.lottery_id == lottery.id, LotteryCandidate.state.in_(("passed", "failed")))
    ).one()
    draw = db.session.get(LotteryDraw, lottery.id)
    return Checking(int(looked), int(passed), draw.slots if draw else 0)


def draw_of(lottery: Lottery) -> LotteryDraw | None:
    """Its draw, once it is closed."""
    return db.session.get(LotteryDraw, lottery.id)


def over_time(lottery: Lottery, zone: str, entries: int) -> Series:
    """Entries by the hour or day from its opening until now or its end, at most 120 points, the newest."""
    until = min(lottery.closed_at or lottery.cancelled_at or clock.now(), clock.now())
    since = lottery.opened_at or until
    hourly = until - since < HOURLY
    step = "hour" if hourly else "day"
    kept = _kept(LONG if entries > MANY else SHORT)
    # Few entries are counted anew with each that comes, so that the first ones are seen at once.
    key = f"{lottery.id}:{step}:{zone}:{entries if entries < FEW else 'many'}"
    found = dict(kept.get(key, lambda: _counted(lottery.id, step, zone)))
    return Series(hourly, [(at, found.get(_key(at), 0)) for at in _steps(since, until, zone, hourly=hourly)])


def _counted(lottery_id: int, step: str, zone: str) -> list[list[object]]:
    at = func.date_trunc(step, func.timezone(zone, LotteryEntry.created_at)).label("at")
    rows = db.session.execute(
        select(at, func.count())
        .where(LotteryEntry.lottery_id == lottery_id)
        .group_by(at)
        .order_by(at.desc())
        .limit(MOST_POINTS)
    )
    return [[_key(moment), int(count)] for moment, count in rows]


def _key(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H")


def _steps(since: datetime, until: datetime, zone: str, *, hourly: bool) -> list[datetime]:
    """The wall clock's hours or days; an hour that summer time repeats or skips shows once."""
    parts = {"minute": 0, "second": 0, "microsecond": 0} | ({} if hourly else {"hour": 0})
    step = timedelta(hours=1) if hourly else timedelta(days=1)
    first, at = (moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in (since, until))
    first, at = (_cut(moment, parts) for moment in (first, at))
    points: list[datetime] = []
    while at >= first and len(points) < MOST_POINTS:
        points.append(at)
        at -= step
    return points[::-1]


def _cut(moment: datetime, parts: dict[str, int]) -> datetime:
    return moment.replace(**parts)  # type: ignore[arg-type]


def today(tenant_id: int, zone: str) -> Today:
    """Open lotteries, and entries since midnight in that zone."""
    since = midnight(zone)
    key = f"today:{tenant_id}:{zone}:{since.isoformat()}"
    found = dict(_kept(LONG // 2).get(key, lambda: _hours(tenant_id, zone, since)))
    running = db.session.scalar(
        select(func.count()).where(Lottery.tenant_id == tenant_id, Lottery.state == LotteryState.OPEN)
    )
    last = clock.now().astimezone(ZoneInfo(zone)).hour
    return Today(running or 0, [int(found.get(hour, 0)) for hour in range(last + 1)])


def _hours(tenant_id: int, zone: str, since: datetime) -> list[list[int]]:
    lately = select(Lottery.id).where(
        Lottery.tenant_id == tenant_id,
        Lottery.opened_at.is_not(None),
        or_(Lottery.state == LotteryState.OPEN, Lottery.closed_at >= since),
    )
    hour = func.extract("hour", func.timezone(zone, LotteryEntry.created_at)).label("hour")
    rows = db.session.execute(
        select(hour, func.count())
        .where(LotteryEntry.lottery_id.in_(lately), LotteryEntry.created_at >= since)
        .group_by(hour)
    )
    return [[int(at), int(count)] for at, count in rows]


def used_chats(tenant_id: int) -> list[str]:
    """Channels and groups that the tenant's newest lotteries were published to."""
    rows = db.session.scalars(
        select(Lottery.publish_to)
        .where(Lottery.tenant_id == tenant_id)
        .order_by(Lottery.id.desc())
        .limit(PAGE)
    )
    return list(dict.fromkeys(str(chat) for chats in rows for chat in chats))[:CHATS]


def find_people(tenant_id: int, words: Sequence[str]) -> list[int]:
    """Telegram ids of members named by number or `@name`; who is unknown is left out."""
    numbers = [number for word in words if (number := read_number(word)) is not None]
    names = [name.lower() for word in words if (name := read_username(word)) is not None]
    query = select(Member.telegram_id).where(
        Member.tenant_id == tenant_id,
        or_(Member.telegram_id.in_(numbers), func.lower(Member.username).in_(names)),
    )
    return list(db.session.scalars(query))
