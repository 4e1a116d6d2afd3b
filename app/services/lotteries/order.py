"""The order of a draw: waiting for the beacon, then revealing the seed and writing down who comes in which place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text, update

from app.core import clock
from app.core.db import db
from app.core.errors import AppError
from app.domain.draw import BeaconChain, best
from app.domain.lotteries import DrawPhase
from app.models import Lottery, LotteryCandidate, LotteryDraw
from app.services.lotteries import events, lookup, spec
from app.services.lotteries.sealing import beacon
from app.services.lotteries.streaming import rows

ASK_SECONDS = 15.0
"""Nobody else asks the relays while one may still be asking."""
AWAY_SECONDS = 5.0
UNPUBLISHED_SECONDS = 1.0
SPARE = 100
"""Candidates beyond twice the prizes, so that the order rarely has to be read a second time."""

_WEIGHTS = "SELECT id, weight FROM lottery_entry WHERE lottery_id = %(lottery_id)s ORDER BY id"
_WRITE = text("""
INSERT INTO lottery_candidate (tenant_id, lottery_id, rank, entry_id, number, score)
SELECT :tenant_id, :lottery_id, :ranked + place, entry_id, number, score
FROM unnest(CAST(:entries AS bigint[]), CAST(:numbers AS bigint[]), CAST(:scores AS text[]))
  WITH ORDINALITY AS found (entry_id, number, score, place)
""")


@dataclass(frozen=True, slots=True)
class Awaited:
    """The round of the beacon that a draw needs."""

    lottery_id: int
    chain: BeaconChain
    round: int


def awaits(lottery: Lottery, draw: LotteryDraw) -> Awaited | None:
    """The round to ask for now; None where the order needs none any more, or where its time has not come.

    Needs the lock on `draw`. Until its answer is there, `draw.not_before` keeps others from asking too.
    """
    chain = beacon(lottery)
    if chain is None or draw.round is None or draw.signature is not None:
        return None
    published = datetime.fromtimestamp(chain.time_of(draw.round), UTC)
    if published > clock.now():
        draw.not_before = published
        return None
    draw.not_before = clock.now() + timedelta(seconds=ASK_SECONDS)
    return Awaited(lottery.id, chain, draw.round)


def hear(lottery_id: int, signature: str | None) -> bool:
    """Keeps what the relays said; False while the round is not published."""
    again = clock.now() + timedelta(seconds=UNPUBLISHED_SECONDS)
    _update_waiting(lottery_id, signature=signature, error=None, not_before=None if signature else again)
    return signature is not None


def miss(lottery_id: int, error: AppError) -> None:
    """The relays can't be asked now: the draw waits for them and never goes on without."""
    words = error.text(spec.locale(lookup.get(lottery_id).tenant_id))
    again = clock.now() + timedelta(seconds=AWAY_SECONDS)
    _update_waiting(lottery_id, error=words, not_before=again)


def _update_waiting(lottery_id: int, **values: object) -> None:
    db.session.execute(
        update(LotteryDraw)
        .where(
            LotteryDraw.lottery_id == lottery_id,
            LotteryDraw.phase == DrawPhase.WAITING,
            LotteryDraw.signature.is_(None),
        )
        .values(values)
    )


def arrange(lottery: Lottery, draw: LotteryDraw) -> None:
    """Reveals the seed and writes down the beginning of the order; needs the lock on `draw` and the signature."""
    if draw.round is not None and draw.signature is None:
        raise ValueError("a draw with a beacon never goes on without it")
    _rank(lottery, draw, draw.slots * 2 + SPARE)
    # The event comes last: from then on nobody else can write one until the commit.
    events.append(
        lottery,
        "revealed",
        {"seed": lottery.seed, "round": draw.round, "signature": draw.signature},
    )
    draw.ordered_at = clock.now()
    draw.phase = DrawPhase.ORDERED


def extend(lottery: Lottery, draw: LotteryDraw) -> bool:
    """Writes down more of the order, twice as far as before; False when everybody is in it. Needs the lock."""
    if draw.ranked >= draw.entries:
        return False
    last = select(LotteryCandidate.score).where(
        LotteryCandidate.lottery_id == lottery.id, LotteryCandidate.rank == draw.ranked
    )
    _rank(lottery, draw, max(draw.ranked, SPARE), bytes.fromhex(db.session.execute(last).scalar_one()))
    return True


def _rank(lottery: Lottery, draw: LotteryDraw, most: int, after: bytes = b"") -> None:
    found = best(
        _weights(lottery.id),
        most,
        seed=bytes.fromhex(lottery.seed),
        root=bytes.fromhex(draw.root or ""),
        signature=bytes.fromhex(draw.signature or ""),
        after=after,
    )
    db.session.execute(
        _WRITE,
        {
            "tenant_id": lottery.tenant_id,
            "lottery_id": lottery.id,
            "ranked": draw.ranked,
            "entries": [one.key for one in found],
            "numbers": [one.number for one in found],
            "scores": [one.score.hex() for one in found],
        },
    )
    draw.ranked += len(found)


def _weights(lottery_id: int) -> Iterator[tuple[int, int]]:
    for key, weight in rows(_WEIGHTS, lottery_id=lottery_id):
        yield int(key), int(weight)
