"""Sending a broadcast: everybody once, at Telegram's pace, through pauses, deaths, blocks and a revoked token."""

import io
import threading
import time as wall
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.broadcasts import Audience, Button, Content, RecipientState
from app.models import Bot, BotMember, Broadcast
from app.services import broadcasts, pictures
from app.services.broadcasts import audience, sending
from app.services.broadcasts.errors import NotOurs
from app.services.broadcasts.sending import Result
from bots.telegram import broadcasts as sender
from tests.broadcasting import NEVER, Shop, add_members, fresh, states
from tests.cast import Cast
from tests.sandbox_client import LIN, Sandbox
from tests.talking import config_of
from tests.waiting import wait_for


@pytest.fixture
def shop(app: Flask, cast: Cast, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Shop:
    # A chat that takes one message a second would make every test of two broadcasts wait.
    monkeypatch.setattr(sender.gate, "_chat_rate", lambda _chat: sender.gate.BOT_RATE)
    return Shop.open(app, telegram, cast.tenant, 10)


def do(act, *arguments):
    with transaction():
        return act(*arguments)


def expire(what: str = "broadcast") -> None:
    """Every lease of a kind runs out now."""
    do(db.session.execute, text(f"UPDATE {what} SET lease_until = now() - interval '1 second'"))


def counters(broadcast: Broadcast) -> dict[str, int]:
    now = fresh(broadcast)
    found = {"sent": now.sent, "blocked": now.blocked, "failed": now.failed, "unknown": now.unknown}
    return {name: number for name, number in found.items() if number}


def test_everybody_gets_it_once(shop: Shop):
    made = shop.start()
    assert shop.send()
    assert shop.got() == {1: 10}
    assert states(made) == {"sent": 10}
    done = fresh(made)
    assert (done.state, done.total, done.sent, done.lease_until) == ("done", 10, 10, None)
    assert not shop.send()


def test_buttons_stand_below_it(shop: Shop, telegram: Sandbox):
    made = shop.broadcast("News!", None, Button("Shop", "https://shop.example/"), Button("B", "tg://x"))
    do(broadcasts.start, made.id)
    shop.send()
    keyboard = telegram.messages(shop.bot, LIN)[-1]["reply_markup"]["inline_keyboard"]
    assert [[button["text"] for button in row] for row in keyboard] == [["Shop"], ["B"]]


def test_a_picture_is_uploaded_once_and_goes_to_everybody(shop: Shop, telegram: Sandbox):
    made = shop.broadcast("News!")
    picture = do(pictures.store, shop.config.tenant_id, png())
    draft = broadcasts.Draft("", Content("News!", picture_id=picture), Audience())
    do(broadcasts.change, made.id, draft)
    do(broadcasts.start, made.id)
    shop.send()
    assert counters(made) == {"sent": 10}
    calls = telegram.calls(shop.bot, "sendPhoto")
    assert [call["status"] for call in calls] == [200] * 10
    assert shop.got() == {1: 10}


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(file, "PNG")
    return file.getvalue()


def test_many_recipients_are_written_in_batches(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audience, "BATCH", 4)
    made = shop.start()
    shop.send()
    assert (fresh(made).total, shop.got()) == (10, {1: 10})


def test_a_death_while_recipients_are_written_loses_none(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audience, "BATCH", 4)
    made = shop.start()
    turn = do(sending.take, shop.config.id)
    do(sending.fill, turn)
    expire()
    shop.send()
    assert (fresh(made).total, shop.got()) == (10, {1: 10})


def test_who_blocks_the_bot_is_marked_and_the_others_get_it(shop: Shop, telegram: Sandbox):
    telegram.block(shop.bot, LIN + 3)
    made = shop.start()
    shop.send()
    assert counters(made) == {"sent": 9, "blocked": 1}
    blocked = db.session.query(BotMember).filter(BotMember.blocked_at.is_not(None)).one()
    assert blocked.telegram_id == LIN + 3


def test_who_came_to_the_bot_otherwise_than_in_private_fails_alone(shop: Shop, telegram: Sandbox):
    telegram.order_error(400, "Bad Request: something odd", bot=shop.bot, method="sendMessage", count=1)
    made = shop.start()
    shop.send()
    assert counters(made) == {"sent": 9, "failed": 1}
    failed = broadcasts.list_recipients(fresh(made), RecipientState.FAILED)
    assert failed[0].error == "Bad Request: something odd"


def test_a_message_that_telegram_takes_from_nobody_pauses(
    shop: Shop, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sender, "MOST_REFUSED", 2)
    telegram.order_error(400, "Bad Request: BUTTON_URL_INVALID", bot=shop.bot, method="sendMessage")
    made = shop.start()
    shop.send()
    paused = fresh(made)
    assert (paused.state, paused.error) == ("paused", "refused:Bad Request: BUTTON_URL_INVALID")
    assert paused.failed < 10


def test_telegrams_own_trouble_is_tried_again(shop: Shop, telegram: Sandbox):
    telegram.order_error(502, "Bad Gateway", bot=shop.bot, method="sendMessage", count=2)
    made = shop.start()

    def over() -> bool:
        shop.send()
        return fresh(made).state == "done"

    wait_for(over)
    assert counters(made) == {"sent": 10}
    assert shop.got() == {1: 10}


def test_an_answer_that_was_not_seen_is_unclear_and_sent_again_on_demand(shop: Shop, telegram: Sandbox):
    telegram.order_error(0, bot=shop.bot, method="sendMessage", count=1)
    made = shop.start()
    shop.send()
    assert counters(made) == {"sent": 9, "unknown": 1}
    assert fresh(made).state == "done"
    assert do(broadcasts.send_again, made.id) == 1
    wait_for(lambda: shop.send() or fresh(made).state == "done")
    assert counters(made) == {"sent": 10}
    with pytest.raises(broadcasts.IllegalMove):
        do(broadcasts.send_again, made.id)


def test_a_429_parks_the_bot_and_everybody_gets_it(shop: Shop, telegram: Sandbox):
    telegram.order_error(429, "Too Many Requests", bot=shop.bot, method="sendMessage", count=1, retry_after=1)
    made = shop.start()
    wait_for(lambda: shop.send() or fresh(made).state == "done")
    calls = telegram.calls(shop.bot, "sendMessage")
    assert sum(call["status"] == 429 for call in calls) == 1
    assert shop.got() == {1: 10}


def test_a_revoked_token_pauses_and_the_boss_resumes_it(shop: Shop, telegram: Sandbox):
    made = shop.start()
    token = telegram.revoke(shop.bot)["token"]
    shop.send()
    assert (fresh(made).state, fresh(made).error) == ("paused", "revoked")
    with pytest.raises(broadcasts.BotSilent):
        do(broadcasts.resume, made.id)
    with transaction():
        bot = db.session.get_one(Bot, shop.config.id)
        bot.token, bot.state, bot.version = token, "running", bot.version + 1
    do(broadcasts.resume, made.id)
    shop.send()
    assert counters(made) == {"sent": 10}
    assert fresh(made).error is None


def test_a_stopped_bot_pauses_at_once(shop: Shop):
    made = shop.start()
    do(db.session.execute, text("UPDATE bot SET enabled = false"))
    assert not shop.send()
    assert (fresh(made).state, fresh(made).error) == ("paused", "bot_stopped")
    assert shop.got() == {0: 10}


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
