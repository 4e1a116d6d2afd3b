"""The resident reader: order, fairness, failures, postponement, hand-over, recovery."""

import threading
import time

import psycopg
import pytest
from sqlalchemy import text

from app.core.db import db
from app.services import leases
from bots.telegram.errors import Postpone
from tests.bots.draining import all_in_state, ring
from tests.inbox_tools import make_bot, put, row, states
from tests.waiting import wait_for


def test_everything_is_handled_once_and_in_order_of_its_chat(bot, script, readers):
    put(bot, [(number, number % 20) for number in range(400)])
    readers.start()
    wait_for(all_in_state("done", 400))
    assert sorted(script.all) == list(range(400))
    assert all(ids == sorted(ids) for ids in script.handled.values())


def test_two_readers_share_the_work_and_keep_the_order(bot, script, readers):
    readers.start(drain_slices=2)
    readers.start(drain_slices=2)
    put(bot, [(number, number % 20) for number in range(400)])
    wait_for(all_in_state("done", 400))
    assert sorted(script.all) == list(range(400))
    assert all(ids == sorted(ids) for ids in script.handled.values())


def test_a_bell_is_answered_at_once(bot, script, readers):
    readers.start()
    wait_for(lambda: leases.held(leases.CHAT, 32)[0] == 32 or db.session.rollback())
    put(bot, [(0, 1)])
    wait_for(lambda: script.all)
    put(bot, [(1, 1)])
    rung = time.monotonic()
    ring()
    wait_for(lambda: 1 in script.at)
    assert script.at[1] - rung < 0.3


def test_without_a_bell_it_looks_every_second(bot, script, readers):
    readers.start()
    wait_for(lambda: leases.held(leases.CHAT, 32)[0] == 32 or db.session.rollback())
    put(bot, [(1, 1)])
    wait_for(lambda: script.all, seconds=3)


def test_a_slow_chat_does_not_hold_up_another(bot, script, readers):
    gate = threading.Event()
    script.act = lambda update_id: gate.wait(10) if update_id == 1 else None
    put(bot, [(1, 1), (2, 1), (3, 2)])
    readers.start()
    wait_for(lambda: 3 in script.all)
    assert script.all == [3]
    gate.set()
    wait_for(all_in_state("done", 3))
    assert script.handled[bot.id, 1] == [1, 2]


def test_a_slow_tenant_leaves_threads_to_the_others(bot, cast, script, readers):
    gate = threading.Event()
    script.act = lambda update_id: gate.wait(20) if update_id < 1000 else None
    theirs = make_bot(cast.other_tenant, 2)
    put(bot, [(number, number) for number in range(200)])
    readers.start()
    wait_for(lambda: list(states().values()).count("leased") >= 20)
    put(theirs, [(1000, 1)])
    ring()
    wait_for(lambda: 1000 in script.all, seconds=3)
    gate.set()
    wait_for(all_in_state("done", 201))


def test_ten_thousand_waiting_updates_do_not_delay_the_other_tenant(bot, cast, script, readers):
    theirs = make_bot(cast.other_tenant, 2)
    script.act = lambda update_id: time.sleep(0.01) if update_id < 100_000 else None
    put(bot, [(number, number % 500) for number in range(10_000)])
    readers.start()
    wait_for(lambda: len(script.all) > 100)
    for number in range(10):
        put(theirs, [(100_000 + number, number)])
        put_at = time.monotonic()
        ring()
        wait_for(lambda number=number: 100_000 + number in script.at, seconds=3)
        assert script.at[100_000 + number] - put_at < 1
    assert len(script.all) < 10_000


def test_an_update_that_fails_is_tried_again_and_its_chat_waits(bot, script, readers):
    fails = iter([True])

    def act(update_id: int) -> None:
        if update_id == 1 and next(fails, False):
            raise ValueError("once")

    script.act = act
    put(bot, [(1, 1), (2, 1), (3, 2)])
    readers.start()
    wait_for(all_in_state("done", 3))
    assert script.handled[bot.id, 1] == [1, 2]
    assert row(1).attempts == 2
    assert row(2).attempts == 1
    assert script.at[1] - script.at[3] > 0.9


def test_after_five_failures_it_is_set_aside_and_the_chat_goes_on(bot, script, readers, monkeypatch):
    monkeypatch.setattr("bots.drain.crew.WAITS", (0.01,) * 5)
    tries: list[int] = []

    def act(update_id: int) -> None:
        if update_id == 1:
            tries.append(1)
            raise ValueError(f"the token {bot.token} shows")

    script.act = act
    put(bot, [(1, 1), (2, 1)])
    readers.start()
    wait_for(lambda: set(states().values()) == {"dead", "done"})
    assert len(tries) == 5
    dead = row(1)
    assert dead.attempts == 5
    assert dead.error.startswith("ValueError: the token 1000001:***")
    assert script.all == [2]


def test_one_poisoned_update_in_a_thousand_stops_nobody(bot, script, readers, monkeypatch):
    monkeypatch.setattr("bots.drain.crew.WAITS", (0.01,) * 5)

    def act(update_id: int) -> None:
        if update_id == 500:
            raise ValueError("poison")

    script.act = act
    put(bot, [(number, number % 10) for number in range(1000)])
    readers.start()
    wait_for(lambda: sorted(set(states().values())) == ["dead", "done"], seconds=20)
    assert sorted(script.all) == [number for number in range(1000) if number != 500]
    assert all(ids == sorted(ids) for ids in script.handled.values())


def test_a_postponed_update_waits_without_being_counted(bot, script, readers):
    waits = iter([0.05] * 8)

    def act(update_id: int) -> None:
        for seconds in waits:
            raise Postpone(seconds, "limit")

    script.act = act
    put(bot, [(1, 1), (2, 1)])
    readers.start()
    wait_for(all_in_state("done", 2))
    assert row(1).attempts == 1
    assert script.all == [1, 2]


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection"),
        psycopg.errors.AdminShutdown("terminating connection"),
        psycopg.errors.CannotConnectNow("starting up"),
    ],
)
def test_no_update_is_blamed_for_an_absent_database(bot, script, readers, monkeypatch, error):
    monkeypatch.setattr("bots.drain.attempt.AWAY_SECONDS", 0.01)
    away = iter([True] * 7)

    def act(_: int) -> None:
        if next(away, False):
            raise error

    script.act = act
    put(bot, [(1, 1)])
    readers.start()
    wait_for(all_in_state("done", 1))
    assert row(1).attempts == 1


@pytest.mark.parametrize("change", ["removed_at = now()", "enabled = false"])
def test_a_bot_that_is_removed_or_disabled_is_silent(bot, script, readers, change):
    db.session.execute(text(f"UPDATE bot SET {change}"))
    put(bot, [(1, 1)])
    readers.start()
    wait_for(all_in_state("done", 1))
    assert script.all == []
