"""Draws for tests: lotteries with entrants, closed and drawn by the tasks themselves."""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from unittest.mock import patch

from sqlalchemy import Row, select, text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain import draw_verifier
from app.domain.draw_verifier import Verdict
from app.domain.lotteries import CloseReason
from app.models import Bot, Lottery, LotteryCandidate, LotteryDraw, LotteryWinner
from app.services.lotteries import events, lookup, manage, record
from tasks import lotteries as tasks
from tests.lottery_tools import an_open, enter

FIRST = 7_000_001


def a_closed(
    bot: Bot, entrants: int = 0, reason: CloseReason = CloseReason.TIME, **fields: object
) -> Lottery:
    """A lottery whose entrants, FIRST and following, have joined, and that nobody has begun to draw."""
    lottery = an_open(bot, **fields)
    enter(lottery, *range(FIRST, FIRST + entrants))
    close(lottery, reason)
    return lottery


def close(lottery: Lottery, reason: CloseReason = CloseReason.TIME) -> None:
    """At its time where that is the reason, else now."""
    moment = lottery.closes_at if reason is CloseReason.TIME else clock.now()
    # The clock of this module alone: a browser that is signed in meanwhile must not lose its session.
    with patch.object(manage, "clock", SimpleNamespace(now=lambda: moment)), transaction():
        manage.close(lottery.id, reason)


def draw(lottery: Lottery) -> list[LotteryWinner]:
    """Draws and settles as the tasks do it; the winners by slot and turn."""
    tasks.draw(lottery.id)
    tasks.check(lottery.id)
    tasks.draw(lottery.id)
    tasks.settle(lottery.id)
    return winners(lottery)


def winners(lottery: Lottery) -> list[LotteryWinner]:
    """By slot and turn, fresh from the database."""
    db.session.rollback()
    db.session.expire_all()
    query = select(LotteryWinner).where(LotteryWinner.lottery_id == lottery.id)
    ordered = query.order_by(LotteryWinner.slot, LotteryWinner.turn)
    return list(db.session.scalars(ordered.execution_options(populate_existing=True)))


def the_draw(lottery: Lottery) -> LotteryDraw:
    return db.session.get_one(LotteryDraw, lottery.id, populate_existing=True)


def candidates(lottery: Lottery) -> list[LotteryCandidate]:
    """By rank."""
    query = select(LotteryCandidate).where(LotteryCandidate.lottery_id == lottery.id)
    ordered = query.order_by(LotteryCandidate.rank).execution_options(populate_existing=True)
    return list(db.session.scalars(ordered))


def kinds(lottery: Lottery) -> list[str]:
    """What the public record tells, in order."""
    chain = events.chain(lottery.id)
    assert events.verify(chain) is None
    return [event.kind for event in chain]


def messages(lottery: Lottery, like: str = "won") -> Sequence[Row[tuple[int, dict[str, object]]]]:
    """(chat, payload) of what waits in the outbox because of a lottery."""
    query = text("SELECT chat_id, payload FROM outbox WHERE dedupe_key LIKE :key ORDER BY id")
    return db.session.execute(query, {"key": f"lottery:{lottery.id}:{like}%"}).all()


def verdict(lottery: Lottery) -> Verdict:
    """What the verifier says to the whole public record."""
    db.session.expire_all()
    found = lookup.get(lottery.id)
    return draw_verifier.verify(json.loads(b"".join(record.stream(found, record.record(found)))))
