"""Sending a broadcast: everybody once, at Telegram's pace, through pauses, deaths, blocks and a revoked token."""

import io

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.domain.broadcasts import Audience, Button, Content, RecipientState
from app.models import Bot, BotMember
from app.services import broadcasts, pictures
from app.services.broadcasts import audience, sending
from bots.telegram import broadcasts as sender
from tests.broadcasting import Shop, counters, do, expire, fresh, states
from tests.cast import Cast
from tests.sandbox_client import LIN, Sandbox
from tests.waiting import wait_for


@pytest.fixture
def shop(app: Flask, cast: Cast, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Shop:
    # A chat that takes one message a second would make every test of two broadcasts wait.
    monkeypatch.setattr(sender.gate, "_chat_rate", lambda _chat: sender.gate.BOT_RATE)
    return Shop.open(app, telegram, cast.tenant, 10)


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
