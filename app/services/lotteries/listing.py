"""Long lists of a lottery, a page at a time, for programs."""

from collections.abc import Collection

from sqlalchemy import select

from app.core.db import db
from app.models import Bot, LotteryDraw, LotteryEntry, LotteryPrize


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
