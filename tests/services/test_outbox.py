"""Messages that must arrive: written once, sent in order, held while the token is revoked, never lost by a crash."""

from collections import Counter
from threading import Event

import pytest
from sqlalchemy import text

from app.core.db import db
from app.core.errors import BadInput
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.bots import BotConfig, BotState
from app.domain.outbox import OutboxState, wait_after
from app.models import Bot, BotMember, OutgoingMessage
from app.services import outbox
from bots.telegram.outbox import flush
from tests.cast import Cast
from tests.sandbox_client import LIN, Json, Sandbox
from tests.talking import config_of, make_bot

NEVER = Event()


@pytest.fixture
def pair(telegram: Sandbox, cast: Cast) -> tuple[Json, BotConfig]:
    """A bot at Telegram with 40 people who have written to it, and its configuration."""
    there, config = make_bot(telegram, cast.tenant)
    telegram.crowd([there["username"]], users=40, text="hi", first_user=LIN)
    return there, config


def _queue(config: BotConfig, key: str, chat: int = LIN, **payload) -> bool:
    with transaction():
        return outbox.queue_message(
            config.tenant_id, config.id, chat, "sendMessage", payload or {"text": key}, key
        )


def _states() -> Counter[str]:
    db.session.expire_all()
    return Counter(str(row.state) for row in db.session.query(OutgoingMessage))


def _only() -> OutgoingMessage:
    db.session.expire_all()
    return db.session.query(OutgoingMessage).one()


def _let_pass(what: str) -> None:
    """Makes every lease or wait end now."""
    with transaction():
        db.session.execute(text(f"UPDATE outbox SET {what} = now() - interval '1 second'"))


def test_it_is_sent_and_its_message_id_is_kept(pair, telegram: Sandbox):
    there, config = pair
    assert _queue(config, "winner:1")
    flush(config, NEVER)
    assert telegram.texts(there, LIN) == ["winner:1"]
    assert (_only().state, _only().message_id) == (
        OutboxState.SENT,
        telegram.messages(there, LIN)[-1]["message_id"],
    )


def test_the_same_key_is_written_once_per_tenant(pair, telegram: Sandbox, cast: Cast):
    _, config = pair
    _, other = make_bot(telegram, cast.other_tenant)
    assert [_queue(config, "a"), _queue(config, "a"), _queue(other, "a")] == [True, False, True]


def test_a_nul_goes_and_what_only_looks_like_one_stays(pair):
    _, config = pair
    _queue(config, "odd", text="a\0b c:\\u0000")
    assert _only().payload["text"] == "ab c:\\u0000"


def test_a_rolled_back_cause_leaves_no_message(pair):
    _, config = pair

    def cause() -> None:
        with transaction():
            outbox.queue_message(config.tenant_id, config.id, LIN, "sendMessage", {"text": "x"}, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cause()
    assert _states() == {}


def test_a_bot_of_another_tenant_is_refused(pair, cast: Cast):
    _, config = pair
    with pytest.raises(BadInput), transaction():
        outbox.queue_message(cast.other_tenant.id, config.id, LIN, "sendMessage", {"text": "x"}, "a")


def test_a_long_text_becomes_rows_in_order(pair, telegram: Sandbox):
    there, config = pair
    assert _queue(config, "a", text="字" * 9000 + "!", reply_markup={"inline_keyboard": []})
    assert not _queue(config, "a", text="字" * 9000)
    flush(config, NEVER)
    assert [len(part) for part in telegram.texts(there, LIN)] == [4096, 4096, 809]


def test_rows_of_one_chat_keep_their_order_even_when_one_fails(pair, telegram: Sandbox):
    there, config = pair
    for number in range(3):
        _queue(config, f"{number}")
    telegram.order_error(500, bot=there, method="sendMessage", count=1)
    flush(config, NEVER)
    flush(config, NEVER)
    assert telegram.texts(there, LIN) == []
    _let_pass("not_before")
    flush(config, NEVER)
    assert telegram.texts(there, LIN) == ["0", "1", "2"]


def test_it_waits_longer_each_time_and_gives_up_after_eight_attempts(pair, telegram: Sandbox):
    there, config = pair
    _queue(config, "a")
    telegram.order_error(500, bot=there, method="sendMessage")
    for attempt in range(1, 9):
        flush(config, NEVER)
        assert _only().attempts == attempt
        _let_pass("not_before")
    assert _only().state is OutboxState.DEAD
    assert [round(wait_after(n)) for n in (4, 9)] == [pytest.approx(8, abs=2), pytest.approx(64, abs=13)]


def test_who_blocks_the_bot_gets_nothing_and_holds_up_nobody(pair, telegram: Sandbox):
    there, config = pair
    with transaction():
        db.session.add(BotMember(tenant_id=config.tenant_id, bot_id=config.id, telegram_id=LIN))
    telegram.block(there, LIN)
    _queue(config, "a")
    _queue(config, "b", chat=LIN + 1)
    flush(config, NEVER)
    assert _states() == {"dead": 1, "sent": 1}
    assert db.session.query(BotMember).one().blocked_at is not None


def test_a_flood_costs_no_attempts(pair, telegram: Sandbox):
    there, config = pair
    _queue(config, "a")
    telegram.order_error(429, bot=there, retry_after=30, count=1)
    flush(config, NEVER)
    assert (_only().state, _only().attempts) == (OutboxState.QUEUED, 0)


def test_when_telegram_is_away_no_attempts_are_lost(pair, monkeypatch):
    _, config = pair
    _queue(config, "a")
    monkeypatch.setattr(get_settings(), "telegram_api_url", "http://127.0.0.1:9")
    flush(config, NEVER)
    assert (_only().state, _only().attempts, _only().unclear) == (OutboxState.QUEUED, 0, 0)


def test_an_unclear_send_is_repeated_once_and_then_left(pair, telegram: Sandbox):
    there, config = pair
    _queue(config, "a")
    telegram.order_error(0, bot=there, method="sendMessage")
    flush(config, NEVER)
    assert (_only().state, _only().unclear) == (OutboxState.QUEUED, 1)
    _let_pass("not_before")
    flush(config, NEVER)
    assert _only().state is OutboxState.UNKNOWN


def test_an_unclear_edit_is_simply_repeated(pair, telegram: Sandbox):
    there, config = pair
    sent = telegram.api(there, "sendMessage", chat_id=LIN, text="please wait")["result"]
    with transaction():
        payload = {"text": "your report", "message_id": sent["message_id"]}
        outbox.queue_message(config.tenant_id, config.id, LIN, "editMessageText", payload, "a")
    telegram.order_error(0, bot=there, method="editMessageText", count=3)
    for _ in range(4):
        flush(config, NEVER)
        _let_pass("not_before")
    assert _only().state is OutboxState.SENT
    assert telegram.texts(there, LIN) == ["your report"]


def test_a_killed_sender_leaves_one_row_which_is_sent_again(pair, telegram: Sandbox):
    there, config = pair
    _queue(config, "a")
    _queue(config, "b", chat=LIN + 1)
    with transaction():
        dead = outbox.claim(config.id)
    assert dead is not None
    flush(config, NEVER)
    assert _states() == {"sending": 1, "sent": 1}
    _let_pass("lease_until")
    flush(config, NEVER)
    assert telegram.texts(there, LIN) == ["a"]
    with transaction():
        assert not outbox.complete(dead, 1)


def test_a_row_whose_sender_died_twice_is_unknown(pair, telegram: Sandbox):
    there, config = pair
    _queue(config, "a")
    for _ in range(2):
        with transaction():
            outbox.claim(config.id)
        _let_pass("lease_until")
    flush(config, NEVER)
    assert _states() == {"unknown": 1}
    assert telegram.texts(there, LIN) == []


def test_a_few_send_for_one_bot_at_a_time(pair):
    _, config = pair
    for number in range(10):
        _queue(config, f"{number}", chat=LIN + number)
    with transaction():
        claimed = [outbox.claim(config.id) for _ in range(6)]
    assert [row is not None for row in claimed] == [True] * 4 + [False] * 2


def test_a_disabled_bot_sends_nothing(pair, telegram: Sandbox):
    there, config = pair
    _queue(config, "a")
    with transaction():
        db.session.get_one(Bot, config.id).enabled = False
    assert not flush(config_of(config.id), NEVER)
    assert telegram.texts(there, LIN) == []


def test_the_sweep_asks_for_what_waits_and_drops_what_is_for_removed_bots(pair, monkeypatch):
    _, config = pair
    _queue(config, "a")
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr("app.core.queue.send", lambda *job: sent.append(job))
    with transaction():
        outbox.sweep()
    assert sent == [("telegram.send_outbox", config.id)]
    with transaction():
        db.session.execute(text("UPDATE bot SET removed_at = now()"))
    with transaction():
        outbox.sweep()
    assert _states() == {"dead": 1}


def test_what_is_written_for_a_revoked_bot_is_held_from_the_start(pair):
    _, config = pair
    with transaction():
        db.session.get_one(Bot, config.id).state = BotState.REVOKED
    _queue(config, "a")
    assert _states() == {"held": 1}
