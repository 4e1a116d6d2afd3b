"""Whoever dies between two commits of a draw leaves it to a successor: one result, each winner told and paid once.

The same points as in tests/faults/test_draws.py, there with real processes.
"""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.domain.lotteries import DrawPhase
from app.models import Bot, CreditPosting, Lottery
from app.services.lotteries import events, lookup, winners
from tasks import lotteries as tasks
from tests.cast import Cast
from tests.drawing import FIRST, close, kinds, messages, the_draw
from tests.drawing import winners as holding
from tests.faults.deaths import POINTS
from tests.lottery_tools import an_open, enter, members
from tests.sandbox_client import Sandbox
from tests.talking import make_bot


class Died(BaseException):
    """Not caught by anything on its way."""


def die(*_: object, **__: object) -> None:
    raise Died


@pytest.fixture
def bot(telegram: Sandbox, cast: Cast) -> Bot:
    there, config = make_bot(telegram, cast.tenant)
    people = {str(FIRST + n): "member" if n % 3 else "left" for n in range(12)}
    for person in people:
        telegram.post("users", id=int(person), first_name="Lin")
    telegram.create_chat("channel", "Tea house", username="teahouse", members=people)
    telegram.set_member("@teahouse", there["username"], "administrator")
    members(cast.tenant, *map(int, people))
    return db.session.get_one(Bot, config.id)


def sweep(lottery_id: int) -> list[Callable[[], object]]:
    """What is done for a lottery again and again until it is settled."""
    return [lambda: tasks.draw(lottery_id), lambda: tasks.check(lottery_id), lambda: tasks.settle(lottery_id)]


def run(lottery_id: int) -> bool:
    """One turn; True when somebody died."""
    died = False
    for task in sweep(lottery_id):
        try:
            task()
        except Died:
            died = True
        db.session.rollback()
        # Leases of the dead run out.
        with transaction():
            db.session.execute(text("UPDATE lottery_candidate SET lease_until = now() - interval '1 s' WHERE state = 'checking'"))  # fmt: skip
    return died


def settle(lottery_id: int, point: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Turns until nothing is left to do, of which the first ones die; whether one did."""
    died = False
    for _ in range(6):
        with monkeypatch.context() as patched:
            if not died:
                patched.setattr(POINTS[point], die)
            died = run(lottery_id) or died
    for _ in range(6):
        run(lottery_id)
    db.session.expire_all()
    return died


def killed_while_closing(lottery: Lottery, point: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Closes it, after one who died of it where that is the point."""
    if point == "closing":
        with monkeypatch.context() as patched:
            patched.setattr(POINTS[point], die)
            with pytest.raises(Died):
                close(lottery)
    close(lottery)
    return point == "closing"


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_it_is_drawn_once(bot: Bot, point: str, monkeypatch: pytest.MonkeyPatch):
    prizes = [{"name": "Mug", "quantity": 2}, {"name": "Credits", "quantity": 2, "credits": 5}]
    lottery = an_open(bot, prizes=prizes, conditions=[{"type": "channel", "chat": "@teahouse"}])
    enter(lottery, *range(FIRST, FIRST + 12))
    died = killed_while_closing(lottery, point, monkeypatch)
    died = settle(lottery.id, point, monkeypatch) or died
    with transaction():
        winners.redraw(lottery.id, 1, "Did not answer")
    died = settle(lottery.id, point, monkeypatch) or died
    assert died
    assert kinds(lottery) == ["opened", "closed", "sealed", "revealed", "drawn", "redrawn"]
    assert the_draw(lottery).phase is DrawPhase.DONE
    assert lookup.get(lottery.id).settled_at is not None
    held = holding(lottery)
    assert [(one.slot, one.turn) for one in held] == [(1, 0), (1, 1), (2, 0), (3, 0), (4, 0)]
    assert all((one.telegram_id - FIRST) % 3 for one in held)
    assert sorted(chat for chat, _ in messages(lottery)) == sorted(one.telegram_id for one in held)
    assert [row.amount for row in db.session.query(CreditPosting)] == [5, 5]
    told = json.loads(next(event.body for event in events.chain(lottery.id) if event.kind == "drawn"))
    assert [one["rank"] for one in told["winners"]] == [one.rank for one in held if one.turn == 0]
