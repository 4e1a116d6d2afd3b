"""Many senders of one bot's outbox at once: a token revoked in the middle, and Telegram's limit."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from flask import Flask

from app.core import metrics
from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.bots import BotConfig, BotState
from app.models import Bot, OutgoingMessage
from app.services import outbox
from bots.telegram.outbox import flush
from tests.cast import Cast
from tests.sandbox_client import LIN, Json, Sandbox
from tests.talking import config_of, make_bot
from tests.waiting import wait_for

NEVER = Event()
PEOPLE = range(LIN, LIN + 40)


@pytest.fixture
def pair(telegram: Sandbox, cast: Cast) -> tuple[Json, BotConfig]:
    """A bot with 100 messages to 40 people who have written to it."""
    there, config = make_bot(telegram, cast.tenant)
    telegram.crowd([there["username"]], users=40, text="hi", first_user=LIN)
    for number in range(100):
        with transaction():
            payload: dict[str, object] = {"text": str(number)}
            outbox.queue_message(
                config.tenant_id, config.id, PEOPLE[number % 40], "sendMessage", payload, str(number)
            )
    return there, config


def _states() -> Counter[str]:
    db.session.expire_all()
    return Counter(str(row.state) for row in db.session.query(OutgoingMessage))


def _arrived_once(telegram: Sandbox, there: Json) -> bool:
    texts = [text for chat in PEOPLE for text in telegram.texts(there, chat)]
    return sorted(texts, key=int) == [str(number) for number in range(100)]


def _refused() -> float:
    """Calls that Telegram answered with 401; the sandbox cannot tell whose they were, we can."""
    return metrics._telegram.labels("sendMessage", "revoked")._value.get()


def _flush_by(app: Flask, config: BotConfig, threads: int) -> None:
    """Several senders at once, each as its own task would be."""

    def work(_: int) -> None:
        with app.app_context(), system_scope():
            flush(config, NEVER)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def test_a_revoked_token_holds_everything_until_there_is_another(app: Flask, pair, telegram: Sandbox):
    there, config = pair
    before = _refused()
    sender = threading.Thread(target=_flush_by, args=(app, config, 2))
    sender.start()
    wait_for(lambda: len(telegram.calls(there, "sendMessage")) >= 20)
    fresh = telegram.revoke(there)
    sender.join()
    assert 1 <= _refused() - before <= 5
    states = _states()
    assert states["held"] == 100 - states["sent"]
    assert max(row.attempts for row in db.session.query(OutgoingMessage)) <= 1
    assert db.session.get_one(Bot, config.id).state is BotState.REVOKED

    with transaction():
        bot = db.session.get_one(Bot, config.id)
        bot.token, bot.state, bot.version = fresh["token"], BotState.STARTING, bot.version + 1
    with transaction():
        outbox.sweep()
    _flush_by(app, config_of(config.id), 2)
    assert _states() == {"sent": 100}
    assert _arrived_once(telegram, there)


def test_many_senders_stay_under_the_limit_and_send_each_once(app: Flask, pair, telegram: Sandbox):
    """100 messages by 4 senders against a limit of 25/s: all arrive once, and next to no call is refused."""
    there, config = pair
    telegram.order_limits(bot=there, per_second=25)
    _flush_by(app, config, 4)
    calls = telegram.calls(there, "sendMessage")
    assert _states() == {"sent": 100}
    assert len(calls) - 100 <= 1
    assert _arrived_once(telegram, there)
