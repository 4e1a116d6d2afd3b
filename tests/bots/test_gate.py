"""Telegram's limits, shared by everybody who sends."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from redis.exceptions import ConnectionError as RedisGone

from app.core import buckets
from app.core.buckets import Bucket, Turn
from app.domain.bots import BotConfig
from app.domain.sending import Priority
from app.services import sending
from bots.telegram import gate
from bots.telegram.errors import Postpone
from tests.bots.test_sender import _send
from tests.talking import Talk


@pytest.fixture
def config(talk: Talk) -> BotConfig:
    return talk.config


def _take(key: str, rate: int = 40, burst: int = 5, wait: float = 0.0) -> Turn:
    return buckets.take([Bucket(key, rate, rate * (burst - 1))], tag="a", longest_wait=wait)


def test_a_bucket_gives_its_burst_and_then_one_token_an_interval(app):
    assert [_take("x", 500).taken for _ in range(6)] == [True] * 5 + [False]
    assert 0.3 < _take("x", 500).wait <= 0.5


def test_a_token_of_the_near_future_is_reserved(app):
    waits = [_take("x", 100, 1, wait=1.0).wait for _ in range(3)]
    assert waits == sorted(waits)
    assert waits[2] == pytest.approx(0.2, abs=0.05)


def test_two_buckets_are_taken_together_or_not_at_all(app):
    narrow, wide = Bucket("narrow", 1000, 0), Bucket("wide", 1000, 4000)
    assert buckets.take([wide, narrow], tag="a", longest_wait=0).taken
    for _ in range(9):
        assert not buckets.take([wide, narrow], tag="a", longest_wait=0).taken
    assert [_take("wide", 1000).taken for _ in range(5)] == [True] * 4 + [False]


def test_many_threads_get_no_more_than_there_is(app):
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: _take("x", 10_000).taken, range(100)))
    assert sum(taken) == 5


def test_a_chat_gets_three_at_once_and_then_one_a_second(config: BotConfig):
    started = time.monotonic()
    for _ in range(4):
        gate.wait_turn(config, 7, Priority.INTERACTIVE)
    assert 0.9 < time.monotonic() - started < 1.4
    chat = gate._bucket(gate._chat_key(config, 7), gate.CHAT_RATE)
    buckets.take([chat], tag=gate._tag(config), longest_wait=3)
    with pytest.raises(Postpone):
        gate.wait_turn(config, 7, Priority.INTERACTIVE)


def test_a_group_gets_few_a_minute(config: BotConfig):
    for _ in range(5):
        gate.wait_turn(config, -7, Priority.INTERACTIVE)
    with pytest.raises(Postpone) as raised:
        gate.wait_turn(config, -7, Priority.INTERACTIVE)
    assert 3 < raised.value.seconds <= 4


def test_broadcasts_get_what_the_others_leave(config: BotConfig):
    gate.wait_turn(config, 9, Priority.BROADCAST)
    with pytest.raises(Postpone):
        gate.wait_turn(config, 10, Priority.BROADCAST)
    started = time.monotonic()
    for chat in range(4):
        gate.wait_turn(config, chat, Priority.INTERACTIVE)
    assert time.monotonic() - started < 0.2


def test_a_nicety_waits_for_its_chat_but_never_for_the_bot(config: BotConfig):
    started = time.monotonic()
    for _ in range(4):
        time.sleep(gate.BOT_RATE.interval / 1000)
        gate.wait_turn(config, 7, Priority.SPARE)
    assert 0.5 < time.monotonic() - started < 1.6
    busy = gate._bucket(gate.bot_key(config.id), gate.BOT_RATE)
    for _ in range(40):
        buckets.take([busy], tag=gate._tag(config), longest_wait=3)
    with pytest.raises(Postpone):
        gate.wait_turn(config, 99, Priority.SPARE)


def test_answers_to_buttons_take_nothing_from_messages_but_wait_with_a_parked_bot(config: BotConfig):
    for _ in range(30):
        gate.wait_turn(config, None, Priority.INTERACTIVE)
    assert sending.budgets([config.id])[0] == 1.0
    gate.park(config, 5, 10)
    with pytest.raises(Postpone):
        gate.wait_turn(config, None, Priority.INTERACTIVE)


def test_the_budget_is_readable(config: BotConfig):
    assert sending.budgets([config.id])[0] == 1.0
    for chat in range(5):
        gate.wait_turn(config, chat, Priority.INTERACTIVE)
    budget = sending.budgets([config.id])[0]
    assert budget is not None
    assert budget < 0.9
    gate.park(config, 5, 10)
    assert sending.budgets([config.id])[0] == 0.0


def test_a_park_is_over_when_it_is_over_and_then_it_goes_slower(config: BotConfig):
    gate.park(config, 5, 0.0)
    gate.wait_turn(config, 5, Priority.INTERACTIVE)
    bot = [gate._bucket(sending.bot_key(config.id), gate.BOT_RATE)]
    turns = [buckets.take(bot, tag=gate._tag(config), longest_wait=5) for _ in range(24)]
    # Twenty tokens beyond the burst take 50 ms each now, as against 40 ms.
    assert turns[-1].wait - turns[4].wait == pytest.approx(19 * 0.05, abs=0.15)


def test_another_token_is_another_start(config: BotConfig):
    gate.close(config)
    with pytest.raises(Postpone):
        gate.wait_turn(config, 5, Priority.INTERACTIVE)
    gate.wait_turn(replace(config, token=config.token[:-1] + "B"), 5, Priority.INTERACTIVE)


def test_without_redis_this_process_goes_on_alone_and_slowly(config: BotConfig, monkeypatch):
    def away() -> None:
        raise RedisGone("away")

    monkeypatch.setattr("app.core.scripts.wire", away)
    monkeypatch.setattr("app.core.buckets._local", buckets._Local())
    taken = [_take("x", 100).taken for _ in range(6)]
    assert taken[0]
    assert not all(taken)
    gate.park(config, 5, 5)
    with pytest.raises(Postpone):
        gate.wait_turn(config, 5, Priority.INTERACTIVE)


def test_redis_that_comes_back_is_used_again(talk: Talk, monkeypatch):
    monkeypatch.setattr("app.core.buckets._local", buckets._Local())
    buckets._local.away_until = time.monotonic() - 1
    assert _send(talk).text == "hello"
    assert sending.budgets([talk.config.id])[0] is not None
