"""Pauses, deaths and turns of broadcasts: two senders at once, and counters that are right whatever comes in which order."""

import threading
import time as wall
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.db import db
from app.core.tenancy import system_scope
from app.domain.broadcasts import RecipientState
from app.services import broadcasts
from app.services.broadcasts import sending
from app.services.broadcasts.errors import NotOurs
from app.services.broadcasts.sending import Result
from bots.telegram import broadcasts as sender
from tests.broadcasting import NEVER, Shop, add_members, counters, do, expire, fresh, states
from tests.cast import Cast
from tests.sandbox_client import LIN, Sandbox
from tests.talking import config_of
from tests.waiting import wait_for


@pytest.fixture
def shop(app: Flask, cast: Cast, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Shop:
    # A chat that takes one message a second would make every test of two broadcasts wait.
    monkeypatch.setattr(sender.gate, "_chat_rate", lambda _chat: sender.gate.BOT_RATE)
    return Shop.open(app, telegram, cast.tenant, 10)


# --- pause, cancel, hand over
def in_background(shop: Shop, stopping: Event = NEVER) -> threading.Thread:
    def work() -> None:
        with shop.app.app_context(), system_scope():
            sender.send(shop.app, config_of(shop.config.id), stopping)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.fixture
def crowd(app: Flask, cast: Cast, telegram: Sandbox) -> Shop:
    """More people than are reached in a second."""
    return Shop.open(app, telegram, cast.tenant, 100)


@pytest.mark.parametrize("act", [broadcasts.pause, broadcasts.cancel])
def test_it_stops_within_a_second(crowd: Shop, act):
    made = crowd.start()
    thread = in_background(crowd)
    wait_for(lambda: fresh(made).sent >= 10)
    do(act, made.id)
    since = wall.monotonic()
    thread.join()
    assert wall.monotonic() - since < 1
    sent = counters(made)["sent"]
    assert sent < 50
    assert crowd.got() == {1: sent, 0: 100 - sent}
    assert fresh(made).lease_until is None


def test_a_paused_one_goes_on_where_it_stopped(crowd: Shop):
    made = crowd.start()
    for _ in range(2):
        thread = in_background(crowd)
        before = fresh(made).sent
        wait_for(lambda before=before: fresh(made).sent >= before + 10)
        do(broadcasts.pause, made.id)
        thread.join()
        do(broadcasts.resume, made.id)
    crowd.send()
    assert crowd.got() == {1: 100}


def test_a_worker_that_ends_hands_over_what_is_left(crowd: Shop):
    made, stopping = crowd.start(), Event()
    thread = in_background(crowd, stopping)
    wait_for(lambda: fresh(made).sent >= 10)
    stopping.set()
    thread.join()
    assert states(made)["sending"] == 0
    crowd.send()
    assert crowd.got() == {1: 100}


def test_two_senders_double_nothing(crowd: Shop):
    made = crowd.start()
    threads = [in_background(crowd) for _ in range(2)]
    wait_for(lambda: fresh(made).sent >= 10)
    # The first lost its lease without knowing it, so the second begins beside it.
    expire()
    threads.append(in_background(crowd))
    for thread in threads:
        thread.join()
    wait_for(lambda: crowd.send() or fresh(made).state == "done")
    assert crowd.got() == {1: 100}
    assert counters(made) == {"sent": 100}


# --- a sender's death
def test_a_dead_senders_calls_are_unclear_and_not_sent_again(shop: Shop):
    made = shop.start()
    turn = do(sending.take, shop.config.id)
    do(sending.fill, turn)
    dead = do(sending.mark, turn, LIN)
    assert dead is not None
    assert not shop.send(), "the lease still holds"
    expire()
    shop.send()
    assert fresh(made).state == "running"
    expire("broadcast_recipient")
    shop.send()
    assert fresh(made).state == "done"
    assert counters(made) == {"sent": 9, "unknown": 1}
    assert shop.got() == {1: 9, 0: 1}
    # He was only slow: what he says late is the truth.
    do(sending.write, made.id, [Result(dead, RecipientState.SENT, 5)])
    assert counters(made) == {"sent": 10}


def test_a_dead_senders_calls_become_clear_also_when_it_is_cancelled(shop: Shop):
    made = shop.start()
    turn = do(sending.take, shop.config.id)
    do(sending.fill, turn)
    do(sending.mark, turn, LIN)
    do(broadcasts.cancel, made.id)
    for what in ("broadcast", "broadcast_recipient"):
        expire(what)
    do(broadcasts.sweep)
    assert counters(made) == {"unknown": 1}
    assert fresh(made).lease_until is None


def test_who_lost_his_lease_marks_nobody(shop: Shop):
    shop.start()
    turn = do(sending.take, shop.config.id)
    do(sending.fill, turn)
    expire()
    assert do(sending.take, shop.config.id).lease == turn.lease + 1
    with pytest.raises(NotOurs):
        do(sending.mark, turn, LIN)
    with pytest.raises(NotOurs):
        do(sending.renew, turn, 1.0)


# --- several broadcasts
def test_broadcasts_of_one_bot_take_turns(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sender, "SLICE_SECONDS", 0.2)
    first, second = shop.start("first"), shop.start("second")
    shop.send()
    shop.send()
    assert 0 < fresh(first).sent < 10
    assert 0 < fresh(second).sent < 10
    wait_for(lambda: not shop.send() and fresh(second).state == fresh(first).state == "done")
    assert shop.got("first") == shop.got("second") == {1: 10}


def test_only_one_sender_has_a_bot(app: Flask, shop: Shop):
    shop.start("first")
    shop.start("second")

    def take(_: int) -> object:
        with app.app_context(), system_scope():
            return do(sending.take, shop.config.id)

    with ThreadPoolExecutor(4) as pool:
        assert sum(turn is not None for turn in pool.map(take, range(4))) == 1


# --- the counters are what the recipients say, whatever comes in which order
_steps = st.lists(
    st.tuples(
        st.sampled_from(["mark", "write", "late", "reap", "again"]),
        st.integers(0, 3),
        st.sampled_from(list(RecipientState)),
    ),
    max_size=25,
)


def test_counters_and_states_agree_after_any_steps(shop: Shop):
    made = shop.start()
    first = do(sending.take, shop.config.id)
    do(sending.fill, first)

    @settings(max_examples=40, deadline=None)
    @given(_steps)
    def agree(steps: list[tuple[str, int, RecipientState]]) -> None:
        calm = "UPDATE broadcast SET state = 'running', sent = 0, blocked = 0, failed = 0, unknown = 0"
        do(db.session.execute, text(calm))
        do(db.session.execute, text("UPDATE broadcast_recipient SET state = 'pending'"))
        marked: dict[int, list[sending.Marked]] = {}
        got: dict[int, int] = {}
        for step, place, outcome in steps:
            person = LIN + place
            if step == "mark" and (one := do(sending.mark, first, person)):
                marked.setdefault(person, []).append(one)
                got[person] = got.get(person, 0) + 1
            elif step in {"write", "late"} and outcome is not RecipientState.SENDING and person in marked:
                one = marked[person][-1 if step == "write" else 0]
                do(sending.write, made.id, [Result(one, outcome)])
            elif step == "reap":
                expire("broadcast_recipient")
                do(sending.reap, made.id)
            elif step == "again" and fresh(made).unknown:
                do(broadcasts.send_again, made.id)
            found = states(made)
            assert counters(made) == {
                name: found[name] for name in ("sent", "blocked", "failed", "unknown") if found[name]
            }
            assert broadcasts.progress_of(fresh(made)).left == found["pending"] + found["sending"]

    agree()


def test_the_next_lot_is_found_by_its_index(shop: Shop):
    add_members(shop.config, range(1, 5_001))
    made = shop.start()
    turn = do(sending.take, shop.config.id)
    do(sending.fill, turn)
    do(db.session.execute, text("ANALYZE broadcast_recipient"))
    values = {"id": made.id, "after": 5, "lot": 100}
    plan = "\n".join(db.session.execute(text(f"EXPLAIN {sending._LOT.text}"), values).scalars())
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
