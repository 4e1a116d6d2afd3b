"""Erasing somebody from a tenant's lotteries, so that what was published about sealed lists still proves itself.

Where nothing public counts his entry yet, it goes: nobody draws it, and what he paid is lost. Else its line stays, as
do his places as candidate and winner: with the reference that was published, and in place of his Telegram id the
negative id of the entry. He may then still win, since passing him over would look like cheating; he is not told or
paid, and the boss may have the prize drawn again. A condition about a channel he no longer meets.
"""

from collections.abc import Collection

from sqlalchemy import delete, or_, select, text

from app.core import clock
from app.core.db import db
from app.domain.draw import STAFF, reference
from app.domain.lotteries import TALLIES, CloseReason, LotteryState
from app.models import Lottery, LotteryDraw, LotteryEntry, LotteryInvite
from app.services.lotteries import lookup

_CLOSED = frozenset({LotteryState.DRAWING, LotteryState.DRAWN})
# Whoever takes the next step of a draw, or draws a prize again, holds this lock too.
_DRAWS = text("""
SELECT d.lottery_id, d.root IS NOT NULL AS sealed FROM lottery_draw d
JOIN lottery_entry e ON e.lottery_id = d.lottery_id
WHERE e.tenant_id = :tenant_id AND e.telegram_id = :telegram_id ORDER BY d.lottery_id FOR UPDATE OF d
""")
_LEAVE = text("""
WITH gone AS (
    DELETE FROM lottery_entry WHERE lottery_id = ANY(CAST(:lotteries AS bigint[])) AND telegram_id = :telegram_id
    RETURNING lottery_id
)
UPDATE lottery_tally t SET entries = entries - 1 FROM gone JOIN lottery l ON l.id = gone.lottery_id
WHERE t.lottery_id = gone.lottery_id AND t.shard = CASE WHEN l.max_entries IS NULL THEN :shard ELSE 0 END
""")
_DISGUISE = text("""
UPDATE lottery_entry e SET telegram_id = -e.id, ref = kept.ref, returned_at = coalesce(e.returned_at, :now)
FROM unnest(CAST(:lotteries AS bigint[]), CAST(:refs AS text[])) AS kept (lottery_id, ref)
WHERE e.lottery_id = kept.lottery_id AND e.telegram_id = :telegram_id
""")
_DISGUISE_WINNER = text("""
UPDATE lottery_winner SET telegram_id = -entry_id, note = ''
WHERE tenant_id = :tenant_id AND telegram_id = :telegram_id
""")


def erase(tenant_id: int, telegram_id: int) -> None:
    """Takes a Telegram user out of all lotteries of a tenant. Draws that are under way wait, or are waited for."""
    mine = (LotteryInvite.telegram_id == telegram_id, LotteryInvite.inviter == telegram_id)
    db.session.execute(delete(LotteryInvite).where(LotteryInvite.tenant_id == tenant_id, or_(*mine)))
    him = {"tenant_id": tenant_id, "telegram_id": telegram_id}
    sealed = {row.lottery_id: row.sealed for row in db.session.execute(_DRAWS, him)}
    leaving, unsealed = list[int](), list[int]()
    for lottery_id, conditions in _entries(tenant_id, telegram_id):
        if lottery_id not in sealed:
            sealed[lottery_id] = _is_sealed(lottery_id)
        if not sealed[lottery_id]:
            # How many staff added is public at once, and so is that all places were taken: the list has to show it.
            stays = conditions == STAFF or _closed_full(lottery_id)
            (unsealed if stays else leaving).append(lottery_id)
    shard = telegram_id % TALLIES
    db.session.execute(_LEAVE, {"lotteries": leaving, "telegram_id": telegram_id, "shard": shard})
    lines = {**_references(telegram_id, [one for one in sealed if sealed[one]]), **dict.fromkeys(unsealed)}
    values = {"lotteries": list(lines), "refs": list(lines.values()), "telegram_id": telegram_id}
    db.session.execute(_DISGUISE, values | {"now": clock.now()})
    db.session.execute(_DISGUISE_WINNER, him)


def _entries(tenant_id: int, telegram_id: int) -> list[tuple[int, str]]:
    """(lottery, conditions) of his entries, in the order in which locks are taken."""
    query = select(LotteryEntry.lottery_id, LotteryEntry.conditions).where(
        LotteryEntry.tenant_id == tenant_id, LotteryEntry.telegram_id == telegram_id
    )
    return [(row.lottery_id, row.conditions) for row in db.session.execute(query.order_by("lottery_id"))]


def _is_sealed(lottery_id: int) -> bool:
    """Whether the list is sealed; that stays as it is until the transaction ends."""
    attempt = db.session.begin_nested()
    if lookup.get(lottery_id, lock=True).state not in _CLOSED:
        attempt.commit()
        return False
    # It was closed meanwhile. Who seals locks the draw before the lottery, so we let go before we take the draw.
    attempt.rollback()
    draw = db.session.get_one(LotteryDraw, lottery_id, with_for_update=True, populate_existing=True)
    return draw.root is not None


def _closed_full(lottery_id: int) -> bool:
    reason = db.session.scalar(select(Lottery.close_reason).where(Lottery.id == lottery_id))
    return reason is CloseReason.FULL


def _references(telegram_id: int, lotteries: Collection[int]) -> dict[int, str]:
    query = select(Lottery.id, Lottery.salt).where(Lottery.id.in_(lotteries))
    return {row.id: reference(bytes.fromhex(row.salt), telegram_id) for row in db.session.execute(query)}
