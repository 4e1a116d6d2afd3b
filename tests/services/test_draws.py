"""From a closed list to its winners: each step once, whoever takes it and whenever he dies."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import clock, queue
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain import draw as domain
from app.domain.lotteries import CloseReason, DrawPhase, LotteryState, WinnerState
from app.models import Lottery, LotteryEntry
from app.services.lotteries import entries, events, lookup, manage, results, sweep
from app.services.lotteries.receipts import NotSealed, receipt
from tasks import lotteries as tasks
from tests.cast import Cast
from tests.drawing import FIRST, a_closed, candidates, close, draw, kinds, messages, the_draw, winners
from tests.lottery_tools import a_bot, an_open, enter, members
from tests.racing import in_threads

TWO = [{"name": "Car", "quantity": 1}, {"name": "Mug", "quantity": 2}]


def body(lottery, kind: str) -> dict:
    return next(json.loads(event.body) for event in events.chain(lottery.id) if event.kind == kind)


def test_a_draw_gives_each_prize_to_somebody_and_says_so(cast: Cast):
    lottery = a_closed(a_bot(cast.tenant), 50, prizes=TWO)
    won = draw(lottery)
    assert [(one.slot, one.turn, one.rank, one.state) for one in won] == [
        (slot, 0, slot, WinnerState.WON) for slot in (1, 2, 3)
    ]
    assert [one["prize"] for one in body(lottery, "drawn")["winners"]] == ["Car", "Mug", "Mug"]
    assert kinds(lottery) == ["opened", "closed", "sealed", "revealed", "drawn"]
    assert lookup.get(lottery.id).state is LotteryState.DRAWN
    assert sorted(chat for chat, _ in messages(lottery)) == sorted(one.telegram_id for one in won)


def test_the_order_follows_from_seed_and_list_alone(cast: Cast):
    lottery = a_closed(a_bot(cast.tenant), 40)
    draw(lottery)
    seed, root = bytes.fromhex(lottery.seed), bytes.fromhex(the_draw(lottery).root)
    assert body(lottery, "revealed") == {"seed": lottery.seed, "round": None, "signature": None}
    order = sorted(range(1, 41), key=lambda number: domain.score(seed, root, b"", number))
    assert [one.number for one in candidates(lottery)] == order


def test_nobody_joined_and_nobody_wins(cast: Cast):
    lottery = a_closed(a_bot(cast.tenant), 0)
    assert draw(lottery) == []
    assert body(lottery, "drawn") == {"winners": [], "passed_over": []}
    assert lookup.get(lottery.id).settled_at is not None


def test_fewer_entrants_than_prizes(cast: Cast):
    lottery = a_closed(a_bot(cast.tenant), 2, prizes=[{"name": "Mug", "quantity": 5}])
    assert [one.slot for one in draw(lottery)] == [1, 2]


def test_drawing_again_changes_nothing(cast: Cast):
    lottery = a_closed(a_bot(cast.tenant), 20, prizes=TWO)
    first = [one.telegram_id for one in draw(lottery)]
    told = kinds(lottery)
    assert [one.telegram_id for one in draw(lottery)] == first
    assert kinds(lottery) == told
    assert len(messages(lottery)) == 3


def test_six_at_once_draw_one_result(app: Flask, cast: Cast):
    lottery_id = a_closed(a_bot(cast.tenant), 300, prizes=TWO).id
    jobs = [lambda: tasks.draw(lottery_id)] * 6 + [lambda: tasks.settle(lottery_id)] * 6
    in_threads(jobs, threads=6)
    tasks.draw(lottery_id)
    tasks.settle(lottery_id)
    lottery = lookup.get(lottery_id)
    assert len(winners(lottery)) == 3
    assert kinds(lottery) == ["opened", "closed", "sealed", "revealed", "drawn"]
    assert len(messages(lottery)) == 3


def test_300_join_while_three_close_and_the_list_is_whole(app: Flask, cast: Cast):
    bot = a_bot(cast.tenant)
    lottery = an_open(bot)
    lottery_id, bot_id, people = lottery.id, bot.id, range(FIRST, FIRST + 100)
    members(cast.tenant, *people)

    def join(person: int) -> str:
        with transaction():
            return type(entries.join(lottery_id, person, bot_id, {})).__name__

    def shut() -> str:
        with transaction():
            manage.close(lottery_id, CloseReason.TIME)
        return "closed"

    jobs = [lambda person=person: join(person) for person in [*people] * 3]
    jobs[60:60] = [shut] * 3
    ends = Counter(
        end if isinstance(end, str) else type(end).__name__ for end in in_threads(jobs, threads=12)
    )
    assert sum(ends.values()) == 303
    tasks.draw(lottery_id)
    rows = db.session.query(LotteryEntry).filter_by(lottery_id=lottery_id).count()
    assert rows == ends["Joined"] == the_draw(lottery).entries == body(lottery, "sealed")["entries"]
    assert set(ends) <= {"Joined", "AlreadyJoined", "LotteryClosed", "closed"}


def test_the_weights_are_those_of_the_rules(cast: Cast):
    bot = a_bot(cast.tenant)
    lottery = an_open(bot, tickets={"per_invite": 2, "price": 5, "max": 6})
    enter(lottery, *range(FIRST, FIRST + 4))
    known = {"t": cast.tenant.id, "l": lottery.id, "b": bot.id}
    with transaction():
        for inviter, friend, blocks in (
            (1, 11, False),
            (1, 12, True),
            (2, 13, False),
            (2, 14, False),
            (2, 15, False),
        ):
            person = known | {"i": FIRST + inviter, "f": friend, "blocked": clock.now() if blocks else None}
            db.session.execute(text("INSERT INTO lottery_invite (tenant_id, lottery_id, telegram_id, inviter) VALUES (:t, :l, :f, :i)"), person)  # fmt: skip
            db.session.execute(text("INSERT INTO bot_member (tenant_id, bot_id, telegram_id, blocked_at) VALUES (:t, :b, :f, :blocked)"), person)  # fmt: skip
        db.session.execute(
            text("UPDATE lottery_entry SET bought = 1 WHERE telegram_id = :one"), {"one": FIRST}
        )
    close(lottery)
    draw(lottery)
    query = text("SELECT weight FROM lottery_entry WHERE lottery_id = :l ORDER BY id")
    assert db.session.scalars(query, known).all() == [2, 3, 6, 1]
    assert the_draw(lottery).tickets == 12


def test_ten_thousand_prizes_and_tickets_for_friends_need_no_square_of_time(cast: Cast):
    """Each statement must end within the limit of 15 seconds, though the planner knows nothing about fresh rows."""
    lottery = an_open(a_bot(cast.tenant), prizes=[{"name": "Mug", "quantity": 10_000}], tickets={"per_invite": 1, "max": 2})  # fmt: skip
    known = {"t": cast.tenant.id, "l": lottery.id, "b": lottery.bot_id}
    with transaction():
        for statement in (
            "INSERT INTO lottery_entry (tenant_id, lottery_id, telegram_id, bot_id) SELECT :t, :l, n, :b FROM generate_series(1, 10000) n",
            "INSERT INTO lottery_invite (tenant_id, lottery_id, telegram_id, inviter) SELECT :t, :l, 20000 + n, n FROM generate_series(1, 5000) n",
            "INSERT INTO bot_member (tenant_id, bot_id, telegram_id) SELECT :t, :b, 20000 + n FROM generate_series(1, 5000) n",
        ):
            db.session.execute(text(statement), known)
    close(lottery)
    tasks.draw(lottery.id)
    assert the_draw(lottery).tickets == 15_000
    assert len(winners(lottery)) == 10_000


def test_those_whom_staff_added_are_counted(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    members(cast.tenant, FIRST, FIRST + 1)
    with transaction():
        manage.add_by_staff(lottery.id, [FIRST, FIRST + 1])
    close(lottery)
    draw(lottery)
    sealed = body(lottery, "sealed")
    assert (sealed["entries"], sealed["staff"]) == (2, 2)
    assert candidates(lottery)[0].checks == "staff"


@pytest.mark.parametrize("entrants", [1, 5, 1023, 1024, 1025, 2100])
def test_every_receipt_leads_to_the_root(cast: Cast, entrants: int):
    lottery = a_closed(a_bot(cast.tenant), entrants)
    tasks.draw(lottery.id)
    for number in {1, entrants // 2 + 1, entrants}:
        found = receipt(lottery.id, FIRST + number - 1)
        assert (found.number, found.root) == (number, the_draw(lottery).root)
        steps = [(side, bytes.fromhex(neighbour)) for side, neighbour in found.path]
        assert domain.climb(bytes.fromhex(found.leaf), steps).hex() == found.root
        line = (found.number, found.ref, found.weight, found.conditions)
        assert domain.leaf(*line).hex() == found.leaf
        assert found.ref == domain.reference(bytes.fromhex(lottery.salt), FIRST + number - 1)


def test_a_receipt_is_for_entrants_and_after_the_closing(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    enter(lottery, FIRST)
    with pytest.raises(NotSealed):
        receipt(lottery.id, FIRST)
    with pytest.raises(NotFound):
        receipt(lottery.id, FIRST + 1)


def rung(lottery: Lottery) -> bool:
    """Whether the sweep asks for this draw."""
    with transaction():
        sweep.ring()
        return any(lottery.id in job.args for job in queue._pending())


def test_a_draw_that_waits_is_left_alone_until_its_time(cast: Cast, time):
    lottery = a_closed(a_bot(cast.tenant), 3)
    with transaction():
        the_draw(lottery).not_before = clock.now() + timedelta(minutes=1)
    tasks.draw(lottery.id)
    assert the_draw(lottery).phase is DrawPhase.SEALING
    assert not rung(lottery)
    time.forward(minutes=2)
    assert rung(lottery)
    tasks.draw(lottery.id)
    assert the_draw(lottery).phase is DrawPhase.DONE


def test_who_finds_another_at_it_goes_away(app: Flask, cast: Cast):
    lottery_id = a_closed(a_bot(cast.tenant), 3).id
    with transaction():
        results.advance(lottery_id)

        def other() -> object:
            with app.app_context(), system_scope(), transaction():
                return results.advance(lottery_id)

        assert in_threads([other], threads=1) == [False]
