"""The public record of a lottery, from which anybody can check its draw: the format `laoban-draw/1` of docs/draws.md.

It exists in every state and holds what is public by then: the rules and the commitment, after sealing the list and
its root, after the reveal the seed and the order, then the winners. No Telegram id and no name is in it.
"""

import json
from collections.abc import Iterator

from sqlalchemy import select

from app.core.db import db
from app.domain.draw import FORMAT, keyed
from app.domain.lotteries import DrawPhase
from app.models import (
    Lottery,
    LotteryCandidate,
    LotteryChunk,
    LotteryDraw,
    LotteryEvent,
    LotteryPrize,
    LotteryWinner,
)
from app.services.lotteries import events, lookup, spec
from app.services.lotteries.sealing import LIST
from app.services.lotteries.streaming import rows

LINES = 4096
"""Lines of the list that are put together at once."""
END = b"]}\n"
_REVEALED = frozenset({DrawPhase.ORDERED, DrawPhase.DONE})


def record(lottery: Lottery) -> dict[str, object]:
    """The record without the list of entrants, which `stream` adds."""
    draw = db.session.get(LotteryDraw, lottery.id, populate_existing=True)
    sealed = draw if draw is not None and draw.root is not None else None
    revealed = sealed if sealed is not None and sealed.phase in _REVEALED else None
    opened = spec.opened(lottery, lookup.prizes(lottery.id))
    chain, announced = opened.pop("beacon"), opened.pop("announced_round")
    beacon = {
        "chain": chain,
        "announced_round": announced,
        "round": sealed.round if sealed else None,
        "signature": revealed.signature if revealed else None,
    }
    chained = events.chain(lottery.id)
    return {
        "format": FORMAT,
        "state": lottery.state.value,
        **opened,
        "close_reason": lottery.close_reason.value if lottery.close_reason else None,
        "beacon": beacon if chain else None,
        "events": [
            {name: getattr(one, name) for name in ("number", "kind", "at", "body", "previous", "hash")}
            for one in chained
        ],
        "entries_count": sealed.entries if sealed else None,
        "tickets": sealed.tickets if sealed else None,
        "staff": _staff(chained) if sealed else None,
        "root": sealed.root if sealed else None,
        "chunks": _chunks(lottery.id) if sealed else [],
        "seed": lottery.seed if revealed else None,
        "candidates": _candidates(lottery.id) if revealed else [],
        "winners": _winners(lottery.id),
    }


def stream(lottery: Lottery, head: dict[str, object]) -> Iterator[bytes]:
    """The whole record as JSON, the list last; `head` is what `record` gave. Nothing else may use the session meanwhile."""
    yield opening(head)
    yield from tail(lottery) if head["root"] is not None else [END]


def opening(head: dict[str, object]) -> bytes:
    """The record as JSON up to the list."""
    return json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "entries": ['


def tail(lottery: Lottery) -> Iterator[bytes]:
    """A sealed list and the record's end; it is always the same. Nothing else may use the session meanwhile."""
    yield from _lines(lottery)
    yield END


def _lines(lottery: Lottery) -> Iterator[bytes]:
    mac, lines, before = keyed(bytes.fromhex(lottery.salt)), list[bytes](), b"\n"
    found = rows(LIST, lottery_id=lottery.id)
    for number, (_, telegram_id, weight, conditions, kept) in enumerate(found, start=1):
        reference = kept or mac(telegram_id).hex().encode()
        lines.append(b'[%d,"%b",%b,"%b"]' % (number, reference, weight, conditions))
        if len(lines) == LINES:
            yield before + b",\n".join(lines)
            lines.clear()
            before = b",\n"
    if lines:
        yield before + b",\n".join(lines)


def _staff(chained: list[LotteryEvent]) -> int:
    return next(int(json.loads(one.body)["staff"]) for one in chained if one.kind == "sealed")


def _chunks(lottery_id: int) -> list[str]:
    query = select(LotteryChunk.root).where(LotteryChunk.lottery_id == lottery_id)
    return [root.hex() for root in db.session.scalars(query.order_by(LotteryChunk.number))]


def _candidates(lottery_id: int) -> list[list[object]]:
    query = (
        select(
            LotteryCandidate.rank, LotteryCandidate.number, LotteryCandidate.state, LotteryCandidate.checks
        )
        .where(LotteryCandidate.lottery_id == lottery_id)
        .order_by(LotteryCandidate.rank)
    )
    return [[rank, number, state.value, checks] for rank, number, state, checks in db.session.execute(query)]


def _winners(lottery_id: int) -> list[dict[str, object]]:
    same = (LotteryCandidate.lottery_id == LotteryWinner.lottery_id) & (
        LotteryCandidate.entry_id == LotteryWinner.entry_id
    )
    query = (
        select(LotteryWinner, LotteryPrize.name, LotteryCandidate.number)
        .join(LotteryPrize, LotteryPrize.id == LotteryWinner.prize_id)
        .join(LotteryCandidate, same)
        .where(LotteryWinner.lottery_id == lottery_id)
        .order_by(LotteryWinner.slot, LotteryWinner.turn)
    )
    return [
        {
            "slot": one.slot,
            "turn": one.turn,
            "prize": prize,
            "number": number,
            "rank": one.rank,
            "state": one.state.value,
            "reason": one.reason,
        }
        for one, prize, number in db.session.execute(query)
    ]
