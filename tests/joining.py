"""Open lotteries and people who join them, written straight into the database."""

from datetime import timedelta

from app.core.clock import now
from app.core.db import db
from app.core.queue import transaction
from app.domain.draw import commitment
from app.domain.lotteries import TALLIES
from app.domain.members import Person
from app.models import CreditAccount, Lottery, LotteryEntry, LotteryPrize, LotteryTally
from app.services import members
from app.services.lotteries import entries

FIRST = 7_000_001
"""The Telegram id of the first of a crowd."""


def make_lottery(tenant_id: int, bot_id: int, *, code: str = "LUCKY234", **more) -> Lottery:
    """An open lottery with one prize; `more` are its columns."""
    values = {
        "title": "Anniversary",
        "state": "open",
        "closes_at": now() + timedelta(hours=2),
        "opened_at": now(),
    }
    lottery = Lottery(
        tenant_id=tenant_id,
        bot_id=bot_id,
        code=code,
        seed="11" * 32,
        salt="22" * 32,
        commitment=commitment(bytes([0x11] * 32)),
        **(values | more),
    )
    with transaction():
        db.session.add(lottery)
        db.session.flush()
        shards = 1 if lottery.max_entries else TALLIES
        owned = {"tenant_id": tenant_id, "lottery_id": lottery.id}
        db.session.add(LotteryPrize(**owned, position=0, name="Phone", quantity=1))
        db.session.add_all(
            LotteryTally(**owned, shard=shard, entries=0, most=lottery.max_entries) for shard in range(shards)
        )
    return lottery


def meet(tenant_id: int, bot_id: int, telegram_id: int, *, credit: int = 0) -> None:
    """Somebody has talked with the bot, and has some credits."""
    with transaction():
        members.see(tenant_id, bot_id, Person(telegram_id, "Lin", "", None, "en"), private=True)
        if credit:
            db.session.add(CreditAccount(tenant_id=tenant_id, telegram_id=telegram_id, balance=credit))


def join(lottery: Lottery, telegram_id: int, results=None, boosts: int = 0) -> entries.Joined:
    """Joins in a transaction of its own."""
    with transaction():
        return entries.join(lottery.id, telegram_id, lottery.bot_id, results or {}, boosts)


def counted(lottery: Lottery) -> tuple[int, int]:
    """(entries, what the counters say)."""
    db.session.rollback()
    rows = db.session.query(LotteryEntry).filter_by(lottery_id=lottery.id).count()
    tallies = db.session.query(LotteryTally).filter_by(lottery_id=lottery.id)
    return rows, sum(tally.entries for tally in tallies.populate_existing())
