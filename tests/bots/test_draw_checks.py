"""Candidates are asked the conditions again: by the database, and by Telegram within its limits, through every trouble."""

import json
from threading import Event

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.redis import quick
from app.domain.bots import BotConfig, BotState
from app.domain.lotteries import CandidateState, DrawPhase
from app.models import Bot, Lottery
from app.services.lotteries import checks, conditions, events, lookup, manage
from app.services.lotteries.errors import IllegalMove
from bots import draw_checks
from tasks import lotteries as tasks
from tests.cast import Cast
from tests.drawing import FIRST, candidates, close, draw, kinds, the_draw, winners
from tests.lottery_tools import an_open, enter, members
from tests.racing import in_threads
from tests.sandbox_client import Json, Sandbox
from tests.talking import config_of, make_bot

CHANNEL = [{"type": "channel", "chat": "@teahouse"}]
THREE = [{"name": "Mug", "quantity": 3}]


@pytest.fixture
def pair(telegram: Sandbox, cast: Cast) -> tuple[Json, BotConfig]:
    """A bot that is an administrator of @teahouse, and 12 people who are in there."""
    there, config = make_bot(telegram, cast.tenant)
    people = {str(FIRST + n): "member" for n in range(12)}
    for person in people:
        telegram.post("users", id=int(person), first_name="Lin")
    telegram.create_chat("channel", "Tea house", username="teahouse", members=people)
    telegram.set_member("@teahouse", there["username"], "administrator")
    members(cast.tenant, *map(int, people))
    return there, config


def ready(config: BotConfig, entrants: int = 12, **fields: object) -> Lottery:
    """Closed, sealed and in order: the next step is to ask."""
    lottery = an_open(
        db.session.get_one(Bot, config.id), **({"conditions": CHANNEL, "prizes": THREE} | fields)
    )
    enter(lottery, *range(FIRST, FIRST + entrants))
    close(lottery)
    tasks.draw(lottery.id)
    return lottery


def asked(telegram: Sandbox, there: Json) -> list[int]:
    return [int(call["params"]["user_id"]) for call in telegram.calls(there, "getChatMember")]


def telegram_ids(lottery: Lottery) -> list[int]:
    """Who comes in which place of the order."""
    query = text("SELECT telegram_id FROM lottery_candidate c JOIN lottery_entry e ON e.id = c.entry_id WHERE c.lottery_id = :l ORDER BY rank")  # fmt: skip
    return list(db.session.scalars(query, {"l": lottery.id}))


def let_pass(what: str, table: str = "lottery_candidate") -> None:
    with transaction():
        db.session.execute(text(f"UPDATE {table} SET {what} = now() - interval '1 second'"))


def test_only_as_many_are_asked_as_there_are_prizes(pair, telegram: Sandbox):
    there, config = pair
    lottery = ready(config)
    first = telegram_ids(lottery)[:3]
    assert [one.telegram_id for one in draw(lottery)] == first
    assert sorted(asked(telegram, there)) == sorted(first)
    assert conditions.read(candidates(lottery)[0].checks)[0][0] is True


def test_who_has_left_is_passed_over_and_the_record_says_so(pair, telegram: Sandbox):
    _, config = pair
    lottery = ready(config)
    order = telegram_ids(lottery)
    for gone in (order[0], order[2], order[3]):
        telegram.set_member("@teahouse", gone, "left")
    assert [one.telegram_id for one in draw(lottery)] == [order[1], order[4], order[5]]
    told = json.loads(events.chain(lottery.id)[-1].body)
    assert [one["rank"] for one in told["passed_over"]] == [1, 3, 4]
    assert all(conditions.read(one["checks"])[0][0] is False for one in told["passed_over"])


def test_everybody_left_and_nobody_wins(pair, telegram: Sandbox):
    _, config = pair
    lottery = ready(config)
    for person in range(FIRST, FIRST + 12):
        telegram.set_member("@teahouse", person, "left")
    assert draw(lottery) == []
    assert the_draw(lottery).phase is DrawPhase.DONE
    assert {one.state for one in candidates(lottery)} == {CandidateState.FAILED}


def test_the_order_is_extended_where_it_ends(pair, telegram: Sandbox, monkeypatch):
    _, config = pair
    monkeypatch.setattr("app.services.lotteries.order.SPARE", 1)
    lottery = ready(config, prizes=[{"name": "Mug", "quantity": 1}])
    before = telegram_ids(lottery)
    assert len(before) == 3
    for gone in before:
        telegram.set_member("@teahouse", gone, "left")
    for _ in range(3):
        tasks.check(lottery.id)
        tasks.draw(lottery.id)
    assert telegram_ids(lottery)[:3] == before
    assert len(set(telegram_ids(lottery))) == len(candidates(lottery)) > 3
    assert [one.rank for one in winners(lottery)] == [4]


def test_telegrams_429_costs_nothing_but_time(pair, telegram: Sandbox):
    there, config = pair
    lottery = ready(config)
    telegram.order_error(429, bot=there, retry_after=1, times=2)
    tasks.check(lottery.id)
    assert {one.state for one in candidates(lottery)} == {CandidateState.WAITING}
    telegram.clear_orders()
    let_pass("not_before")
    quick().flushdb()
    assert len(draw(lottery)) == 3


def test_a_bot_without_a_token_makes_the_draw_wait(pair, telegram: Sandbox):
    there, config = pair
    lottery = ready(config)
    fresh = telegram.revoke(there)
    tasks.check(lottery.id)
    assert winners(lottery) == []
    assert the_draw(lottery).error
    with transaction():
        bot = db.session.get_one(Bot, config.id, populate_existing=True)
        bot.token, bot.state, bot.version = fresh["token"], BotState.RUNNING, bot.version + 1
    config_of(config.id)
    let_pass("not_before", "lottery_draw")
    let_pass("not_before")
    assert len(draw(lottery)) == 3
    assert the_draw(lottery).error is None


def test_a_channel_that_shut_the_bot_out_waits_for_the_boss(pair, telegram: Sandbox):
    there, config = pair
    lottery = ready(config)
    telegram.set_member("@teahouse", there["username"], "left")
    tasks.check(lottery.id)
    assert (the_draw(lottery).stuck, the_draw(lottery).phase) == (0, DrawPhase.ORDERED)
    calls = len(asked(telegram, there))
    tasks.check(lottery.id)
    assert len(asked(telegram, there)) == calls
    with transaction():
        checks.drop_condition(lottery.id, 0, "We lost the channel")
    assert len(draw(lottery)) == 3
    assert conditions.read(candidates(lottery)[0].checks)[0][0] is None
    assert kinds(lottery)[-2:] == ["condition_dropped", "drawn"]


def test_without_the_bot_its_conditions_can_be_let_go(pair, telegram: Sandbox):
    there, config = pair
    lottery = ready(config)
    telegram.revoke(there)
    tasks.check(lottery.id)
    assert the_draw(lottery).stuck == 0
    with transaction():
        checks.drop_condition(lottery.id, 0, "The bot is gone")
    let_pass("not_before")
    assert len(draw(lottery)) == 3


def test_a_bot_that_is_switched_off_is_waited_for(pair):
    _, config = pair
    lottery = ready(config)
    with transaction():
        db.session.get_one(Bot, config.id, populate_existing=True).enabled = False
    config_of(config.id)
    tasks.check(lottery.id)
    assert (the_draw(lottery).stuck, winners(lottery)) == (None, [])
    assert the_draw(lottery).error


def test_a_condition_that_can_be_asked_is_not_dropped(pair):
    _, config = pair
    lottery = ready(config)
    with pytest.raises(IllegalMove), transaction():
        checks.drop_condition(lottery.id, 0, "I do not like it")


def test_those_whom_staff_added_are_asked_nothing(pair, telegram: Sandbox):
    there, config = pair
    lottery = an_open(db.session.get_one(Bot, config.id), conditions=CHANNEL, prizes=THREE)
    with transaction():
        manage.add_by_staff(lottery.id, [FIRST, FIRST + 1, FIRST + 2])
    close(lottery)
    assert len(draw(lottery)) == 3
    assert asked(telegram, there) == []


def test_friends_who_block_the_bot_count_no_more(pair, cast: Cast):
    _, config = pair
    lottery = an_open(db.session.get_one(Bot, config.id), conditions=[{"type": "invites", "count": 1}])
    enter(lottery, FIRST, FIRST + 1)
    known = {"t": cast.tenant.id, "l": lottery.id, "b": config.id}
    with transaction():
        for inviter, blocked in ((FIRST, "now()"), (FIRST + 1, "NULL")):
            person = known | {"i": inviter, "f": inviter + 100}
            db.session.execute(text("INSERT INTO lottery_invite (tenant_id, lottery_id, telegram_id, inviter) VALUES (:t, :l, :f, :i)"), person)  # fmt: skip
            db.session.execute(text(f"INSERT INTO bot_member (tenant_id, bot_id, telegram_id, blocked_at) VALUES (:t, :b, :f, {blocked})"), person)  # fmt: skip
    close(lottery)
    assert [one.telegram_id for one in draw(lottery)] == [FIRST + 1]


def test_a_dead_workers_candidates_are_asked_again_and_his_answers_refused(pair, telegram: Sandbox):
    _, config = pair
    lottery = ready(config)
    with transaction():
        late = checks.claim(lottery, the_draw(lottery), 3).questions
    tasks.check(lottery.id)
    assert winners(lottery) == []
    let_pass("lease_until")
    assert len(draw(lottery)) == 3
    with transaction():
        assert checks.answer(lottery.id, [(late[0], {0: (False, 1)})]) == 0
    assert candidates(lottery)[0].state is CandidateState.PASSED


def test_many_workers_ask_each_once(app: Flask, pair, telegram: Sandbox):
    there, config = pair
    lottery_id = ready(config, prizes=[{"name": "Mug", "quantity": 12}]).id
    in_threads([lambda: tasks.check(lottery_id)] * 6, threads=6)
    tasks.draw(lottery_id)
    assert len(winners(lookup.get(lottery_id))) == 12
    assert sorted(asked(telegram, there)) == list(range(FIRST, FIRST + 12))


def test_a_round_ends_when_the_worker_is_asked_to(pair):

    _, config = pair
    lottery = ready(config)
    ending = Event()
    ending.set()
    assert draw_checks.run(lottery.id, ending)
    assert {one.state for one in candidates(lottery)} == {CandidateState.WAITING}
