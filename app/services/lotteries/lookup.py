"""Finding lotteries, and what is read about them all the time."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, func, select
from sqlalchemy.orm import defer

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.domain.lotteries import LATEST_ENTRIES, PAGE, LotteryState, WinnerState, read_code
from app.models import Bot, Lottery, LotteryDraw, LotteryEntry, LotteryPrize, LotteryTally, LotteryWinner
from app.services.lotteries import door

_LAST_PAGE: Final = 1000
_SECRETS: Final = (defer(Lottery.seed), defer(Lottery.salt))


@dataclass(frozen=True, slots=True)
class Page:
    """Some lotteries of a longer list; pages count from 0. `more` = another page follows."""

    lotteries: list[Lottery]
    number: int
    more: bool


@dataclass(frozen=True, slots=True)
class MyEntry:
    """An entry of somebody's own. `winner` and `prize` are set where it holds a prize now."""

    entry: LotteryEntry
    lottery: Lottery
    winner: LotteryWinner | None
    prize: LotteryPrize | None


def get(lottery_id: int, *, lock: bool = False) -> Lottery:
    """Raises NotFound. `lock` waits for running joins and holds up changes until the transaction ends."""
    if lock:
        door.shut(lottery_id)
    query = select(Lottery).where(Lottery.id == lottery_id).execution_options(populate_existing=lock)
    lottery = db.session.scalar(query.with_for_update(key_share=True) if lock else query)
    if lottery is None:
        raise NotFound
    return lottery


def find_by_code(code: str) -> Lottery | None:
    """By the public code, in small or capital letters."""
    wanted = read_code(code)
    if wanted is None:
        return None
    return db.session.scalar(select(Lottery).where(Lottery.code == wanted))


def get_by_code(code: str) -> Lottery:
    """Raises NotFound."""
    lottery = find_by_code(code)
    if lottery is None:
        raise NotFound
    return lottery


def list_open(tenant_id: int, page: int = 0) -> Page:
    """The lotteries that take entries now, those that close first come first. Their secrets are not read."""
    number = max(0, min(page, _LAST_PAGE))
    query = (
        select(Lottery)
        .where(
            Lottery.tenant_id == tenant_id,
            Lottery.state == LotteryState.OPEN,
            Lottery.closes_at > clock.now(),
        )
        .order_by(Lottery.closes_at, Lottery.id)
        .offset(number * PAGE)
        .limit(PAGE + 1)
        .options(*_SECRETS)
    )
    found = list(db.session.scalars(query))
    return Page(found[:PAGE], number, len(found) > PAGE)


def latest(tenant_id: int) -> Lottery | None:
    """The one that was opened last. Its secrets are not read."""
    query = select(Lottery).where(Lottery.tenant_id == tenant_id, Lottery.opened_at.is_not(None))
    return db.session.scalar(query.order_by(Lottery.id.desc()).limit(1).options(*_SECRETS))


def entry_count(lottery_id: int) -> int:
    """How many joined; reads the counters, not the entries."""
    query = select(func.sum(LotteryTally.entries)).where(LotteryTally.lottery_id == lottery_id)
    return int(db.session.scalar(query) or 0)


def prizes(lottery_id: int) -> list[LotteryPrize]:
    """In the order that they are drawn in."""
    query = select(LotteryPrize).where(LotteryPrize.lottery_id == lottery_id)
    return list(db.session.scalars(query.order_by(LotteryPrize.position)))


def latest_entries(tenant_id: int, telegram_id: int) -> list[MyEntry]:
    """Somebody's latest entries, the newest first."""
    holds = and_(
        LotteryWinner.lottery_id == LotteryEntry.lottery_id,
        LotteryWinner.entry_id == LotteryEntry.id,
        LotteryWinner.state != WinnerState.REPLACED,
    )
    query = (
        select(LotteryEntry, Lottery, LotteryWinner, LotteryPrize)
        .join(Lottery, Lottery.id == LotteryEntry.lottery_id)
        .outerjoin(LotteryWinner, holds)
        .outerjoin(LotteryPrize, LotteryPrize.id == LotteryWinner.prize_id)
        .where(LotteryEntry.tenant_id == tenant_id, LotteryEntry.telegram_id == telegram_id)
        .order_by(LotteryEntry.id.desc())
        .limit(LATEST_ENTRIES)
        .options(*_SECRETS)
    )
    return [MyEntry(*row) for row in db.session.execute(query)]


def entries_after(lottery_id: int, after: int, limit: int) -> list[LotteryEntry]:
    """The entries that follow the one with the id `after`, in the order of the sealed list."""
    query = select(LotteryEntry).where(LotteryEntry.lottery_id == lottery_id, LotteryEntry.id > after)
    return list(db.session.scalars(query.order_by(LotteryEntry.id).limit(limit)))


def bots_of(bot_ids: Collection[int]) -> dict[int, Bot]:
    """The bots of some lotteries by id, removed ones too."""
    return {bot.id: bot for bot in db.session.scalars(select(Bot).where(Bot.id.in_(bot_ids)))}


def prizes_of(lottery_ids: Collection[int]) -> dict[int, list[LotteryPrize]]:
    """The prizes of some lotteries by the lottery's id, in the order that they are drawn in."""
    found: dict[int, list[LotteryPrize]] = {lottery_id: [] for lottery_id in lottery_ids}
    query = select(LotteryPrize).where(LotteryPrize.lottery_id.in_(lottery_ids))
    for prize in db.session.scalars(query.order_by(LotteryPrize.position)):
        found[prize.lottery_id].append(prize)
    return found


def draws_of(lottery_ids: Collection[int]) -> dict[int, LotteryDraw]:
    """The draws of those lotteries that have one, by the lottery's id."""
    query = select(LotteryDraw).where(LotteryDraw.lottery_id.in_(lottery_ids))
    return {draw.lottery_id: draw for draw in db.session.scalars(query)}
