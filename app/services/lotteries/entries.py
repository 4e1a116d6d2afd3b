"""Joining a lottery: each member once, only while it is open, never more than it takes, and paid for exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import TaskName, enqueue
from app.domain.credits import LOTTERY
from app.domain.lotteries import TALLIES
from app.services import credits  # noqa: A004 - ours, not Python's
from app.services.lotteries import conditions, standing
from app.services.lotteries.conditions import Checked, Missing, Result
from app.services.lotteries.errors import AlreadyJoined, LotteryClosed, LotteryFull
from app.services.lotteries.standing import Standing

_INSERT = text("""
INSERT INTO lottery_entry (tenant_id, lottery_id, telegram_id, bot_id, conditions, paid, boosts)
VALUES (:tenant_id, :lottery_id, :telegram_id, :bot_id, :conditions, :paid, :boosts)
ON CONFLICT (lottery_id, telegram_id) DO NOTHING RETURNING id
""")
# The one row that entrants of a lottery with a limit share, so it comes last and is held for the commit alone.
_COUNT = text("""
UPDATE lottery_tally SET entries = entries + 1
WHERE lottery_id = :lottery_id AND shard = :shard AND (most IS NULL OR entries < most)
RETURNING entries
""")
_SET_BOOSTS = text("""
UPDATE lottery_entry SET boosts = :boosts WHERE lottery_id = :lottery_id AND telegram_id = :telegram_id
RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Joined:
    """What joining did. `checked` are the conditions in order, `boosts` what was counted."""

    entry_id: int
    paid: int
    boosts: int
    checked: tuple[Checked, ...]


def join(
    lottery_id: int, telegram_id: int, bot_id: int, results: Mapping[int, Result], boosts: int = 0
) -> Joined:
    """Makes somebody an entrant. Needs a transaction; what it costs in statements does not depend on how many joined.

    `results` tell of the conditions that Telegram was asked about, by place. Raises LotteryClosed, AlreadyJoined,
    Missing, LotteryFull; the caller's transaction must end with them.
    """
    return enter(lock_open(lottery_id, telegram_id), bot_id, results, boosts)


def enter(found: Standing, bot_id: int, results: Mapping[int, Result], boosts: int = 0) -> Joined:
    """The same for somebody whose standing was read under the lock in this transaction."""
    if not found.takes_entries:
        raise LotteryClosed
    lottery_id, telegram_id = found.lottery_id, found.telegram_id
    if found.entry is not None:
        raise AlreadyJoined
    if found.is_full:
        raise LotteryFull
    checked = check(found, results)
    if not all(one.passed for one in checked):
        raise Missing(checked)
    price = conditions.price(found.conditions)
    entry_id = _insert(
        found, bot_id, conditions.render((one.passed, one.at) for one in checked), price, boosts
    )
    if price:
        reference = f"lottery:{lottery_id}:join:{telegram_id}"
        credits.post(
            found.tenant_id, telegram_id, -price, source=LOTTERY, reference=reference, reason=found.title
        )
    _count(found)
    return Joined(entry_id, price, boosts, tuple(checked))


def check(found: Standing, results: Mapping[int, Result]) -> list[Checked]:
    """All conditions of the lottery for this member, as things stand now."""
    return conditions.check(found.conditions, found.known, results, clock.now())


def lock_open(lottery_id: int, telegram_id: int) -> Standing:
    """How somebody stands with a lottery that stays open until the transaction ends. Raises LotteryClosed, NotFound."""
    found = standing.lock(lottery_id, telegram_id)
    if found is None:
        raise NotFound
    if not found.takes_entries:
        raise LotteryClosed
    return found


def set_boosts(lottery_id: int, telegram_id: int, boosts: int) -> bool:
    """Keeps how often an entrant boosts the channel now; False where he is none. Raises LotteryClosed."""
    lock_open(lottery_id, telegram_id)
    values = {"lottery_id": lottery_id, "telegram_id": telegram_id, "boosts": boosts}
    return db.session.execute(_SET_BOOSTS, values).first() is not None


def _insert(found: Standing, bot_id: int, rendered: str, paid: int, boosts: int) -> int:
    row = db.session.execute(
        _INSERT,
        {
            "tenant_id": found.tenant_id,
            "lottery_id": found.lottery_id,
            "telegram_id": found.telegram_id,
            "bot_id": bot_id,
            "conditions": rendered,
            "paid": paid,
            "boosts": boosts,
        },
    ).first()
    if row is None:
        raise AlreadyJoined
    entry_id: int = row[0]
    return entry_id


def _count(found: Standing) -> None:
    shard = 0 if found.max_entries else found.telegram_id % TALLIES
    counted = db.session.execute(_COUNT, {"lottery_id": found.lottery_id, "shard": shard}).scalar()
    if counted is None:
        raise LotteryFull
    if found.closes_when_full and counted == found.max_entries:
        enqueue(TaskName.LOTTERIES_SWEEP)
