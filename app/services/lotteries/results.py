"""A draw's way from the closed list to its winners, one step and one commit at a time, whoever takes the next step.

A step holds the lock on the draw's row, so that of many workers one computes and the others go away; one who dies
lets go of it, and what he had not committed is done anew. Outside calls stand between two steps.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, func, or_, select, text

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, enqueue
from app.domain.lotteries import CandidateState, DrawPhase, LotteryState, WinnerState
from app.models import Lottery, LotteryCandidate, LotteryDraw, LotteryWinner
from app.services.lotteries import checks, events, order, sealing
from app.services.lotteries.moves import move
from app.services.lotteries.order import Awaited
from app.services.lotteries.streaming import in_bulk

_DECIDED_AT_ONCE = 10_000

# OFFSET 0 keeps the planner, which knows nothing about rows that were just written, from reading all entries.
_WIN = text("""
WITH slots AS (
    SELECT p.id AS prize_id, p.name, p.credits, row_number() OVER (ORDER BY p.position, n) AS slot
    FROM lottery_prize p, generate_series(1, p.quantity) AS n WHERE p.lottery_id = :lottery_id
), passed AS (
    SELECT c.rank, c.number, c.entry_id, e.telegram_id, row_number() OVER (ORDER BY c.rank) AS slot
    FROM lottery_candidate c CROSS JOIN LATERAL (
        SELECT e.telegram_id FROM lottery_entry e
        WHERE e.lottery_id = c.lottery_id AND e.id = c.entry_id OFFSET 0) AS e
    WHERE c.lottery_id = :lottery_id AND c.state = 'passed'
), won AS MATERIALIZED (
    SELECT * FROM slots JOIN passed USING (slot)
), written AS (
    INSERT INTO lottery_winner (tenant_id, lottery_id, slot, turn, prize_id, entry_id, telegram_id, rank, state,
                                won_at, claim_until, handed_over_at)
    SELECT :tenant_id, :lottery_id, slot, 0, prize_id, entry_id, telegram_id, rank,
           CASE WHEN credits IS NULL THEN 'won' ELSE 'handed_over' END, :now,
           CASE WHEN credits IS NULL THEN CAST(:claim_until AS timestamptz) END,
           CASE WHEN credits IS NOT NULL THEN CAST(:now AS timestamptz) END
    FROM won
)
SELECT slot, name AS prize, number, rank FROM won ORDER BY slot
""")
# Prizes that were taken back and have no new holder yet.
_HOLES = text("""
SELECT w.slot, w.turn, w.prize_id, w.reason, p.name, p.credits IS NOT NULL AS pays FROM lottery_winner w
JOIN lottery_prize p ON p.id = w.prize_id
WHERE w.lottery_id = :lottery_id AND w.state = 'replaced' AND NOT EXISTS (
    SELECT FROM lottery_winner n WHERE n.lottery_id = w.lottery_id AND n.slot = w.slot AND n.turn > w.turn)
ORDER BY w.slot
""")
_NEXT = text("""
SELECT c.rank, c.number, c.entry_id, e.telegram_id
FROM lottery_candidate c CROSS JOIN LATERAL (
        SELECT e.telegram_id FROM lottery_entry e
        WHERE e.lottery_id = c.lottery_id AND e.id = c.entry_id OFFSET 0) AS e
WHERE c.lottery_id = :lottery_id AND c.state = 'passed' AND NOT EXISTS (
    SELECT FROM lottery_winner w WHERE w.lottery_id = c.lottery_id AND w.entry_id = c.entry_id)
ORDER BY c.rank LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class _Next:
    """Who takes over a prize. `rank` None = nobody is left."""

    rank: int | None = None
    number: int | None = None
    entry_id: int = 0
    telegram_id: int = 0


def advance(lottery_id: int) -> Awaited | bool:
    """Takes the next step of a draw: True = there may be another, False = nothing to do now.

    A round of the beacon comes back where one is to be asked for, between this transaction and the next; what the
    relays say goes to `order.hear` or `order.miss`.
    """
    draw = _take(lottery_id)
    if draw is None:
        return False
    lottery = db.session.get_one(Lottery, lottery_id, populate_existing=True)
    if draw.phase is DrawPhase.SEALING:
        sealing.seal(lottery, draw)
        return True
    if draw.phase is DrawPhase.WAITING:
        return _reveal(lottery, draw)
    if draw.phase is DrawPhase.ORDERED:
        return _decide(lottery, draw)
    return False


def _take(lottery_id: int) -> LotteryDraw | None:
    """The draw, if nobody else is at it and its time has come."""
    due = or_(LotteryDraw.not_before.is_(None), LotteryDraw.not_before <= clock.now())
    query = select(LotteryDraw).where(LotteryDraw.lottery_id == lottery_id, due)
    locked = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return db.session.scalar(locked)


def _reveal(lottery: Lottery, draw: LotteryDraw) -> Awaited | bool:
    awaited = order.awaits(lottery, draw)
    if awaited is not None:
        return awaited
    if draw.round is not None and draw.signature is None:
        return False
    order.arrange(lottery, draw)
    return True


def _decide(lottery: Lottery, draw: LotteryDraw) -> bool:
    found = checks.progress(lottery.id)
    if found.open > 0 and not found.undecided and order.extend(lottery, draw):
        return True
    if found.open <= 0 or not found.undecided:
        _complete(lottery, draw)
        return False
    if checks.asked_of_telegram(lottery, draw):
        enqueue(TaskName.LOTTERIES_CHECK, lottery.id)
        return False
    return checks.claim(lottery, draw, _DECIDED_AT_ONCE).decided > 0


def _complete(lottery: Lottery, draw: LotteryDraw) -> None:
    """Everybody who was needed has been asked: the winners, all in this transaction."""
    before, draw.decided = draw.decided, _last_decided(lottery.id)
    if lottery.state is LotteryState.DRAWING:
        _draw_all(lottery)
    else:
        _draw_again(lottery, before, draw.decided)
    draw.phase, draw.error, draw.stuck, draw.not_before = DrawPhase.DONE, None, None, None
    enqueue(TaskName.LOTTERIES_SETTLE, lottery.id)


def _last_decided(lottery_id: int) -> int:
    query = select(func.max(LotteryCandidate.rank)).where(
        LotteryCandidate.lottery_id == lottery_id,
        LotteryCandidate.state.in_([CandidateState.PASSED, CandidateState.FAILED]),
    )
    return db.session.scalar(query) or 0


def _draw_all(lottery: Lottery) -> None:
    now = clock.now()
    values = {
        "tenant_id": lottery.tenant_id,
        "lottery_id": lottery.id,
        "now": now,
        "claim_until": _claim_until(lottery, now),
    }
    won = in_bulk(_WIN, values).mappings()
    winners = [dict(row) for row in won]
    events.append(lottery, "drawn", {"winners": winners, "passed_over": _passed_over(lottery.id, 0, None)})
    move(lottery, LotteryState.DRAWN, drawn_at=now)


def _draw_again(lottery: Lottery, told: int, decided: int) -> None:
    """Fills the prizes that were taken back, in their order, with the next who passed.

    Down to the rank `told` the public record tells who passed, down to `decided` everybody has been asked.
    """
    holes = db.session.execute(_HOLES, {"lottery_id": lottery.id}).all()
    rows = db.session.execute(_NEXT, {"lottery_id": lottery.id, "most": len(holes)})
    found = [_Next(*row) for row in rows]
    found += [_Next()] * (len(holes) - len(found))
    for hole, one in zip(holes, found, strict=True):
        if one.rank is not None:
            db.session.add(_winner(lottery, hole, one, one.rank))
        passed_over = _passed_over(lottery.id, told, one.rank)
        told = one.rank or decided
        body = {
            "slot": hole.slot,
            "turn": hole.turn + 1,
            "number": one.number,
            "rank": one.rank,
            "reason": hole.reason,
            "passed_over": passed_over,
        }
        events.append(lottery, "redrawn", body)


def _winner(lottery: Lottery, hole: Row[tuple[object, ...]], one: _Next, rank: int) -> LotteryWinner:
    now = clock.now()
    return LotteryWinner(
        tenant_id=lottery.tenant_id,
        lottery_id=lottery.id,
        slot=hole.slot,
        turn=hole.turn + 1,
        prize_id=hole.prize_id,
        entry_id=one.entry_id,
        telegram_id=one.telegram_id,
        rank=rank,
        state=WinnerState.HANDED_OVER if hole.pays else WinnerState.WON,
        won_at=now,
        claim_until=None if hole.pays else _claim_until(lottery, now),
        handed_over_at=now if hole.pays else None,
    )


def _claim_until(lottery: Lottery, now: datetime) -> datetime | None:
    return now + timedelta(hours=lottery.claim_hours) if lottery.claim_hours else None


def _passed_over(lottery_id: int, after: int, before: int | None) -> list[dict[str, object]]:
    """Who failed between two ranks, both left out; None = down to the last who was asked."""
    query = select(LotteryCandidate.rank, LotteryCandidate.number, LotteryCandidate.checks).where(
        LotteryCandidate.lottery_id == lottery_id,
        LotteryCandidate.state == CandidateState.FAILED,
        LotteryCandidate.rank > after,
    )
    if before is not None:
        query = query.where(LotteryCandidate.rank < before)
    rows = db.session.execute(query.order_by(LotteryCandidate.rank))
    return [{"rank": rank, "number": number, "checks": checks} for rank, number, checks in rows]
