"""What a buyer hears when he has not paid in time, and how he orders once more."""

import threading

from app.core.queue import transaction
from app.domain.orders import OrderState
from app.models import Order
from app.services.orders import expiry
from bots.telegram.outbox import flush
from tests.bots.order_talk import a_mug, orders, queued
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.sandbox_client import LIN
from tests.shopping import an_order
from tests.talking import Talk


def test_he_is_told_once_and_orders_again_by_one_press(talk: Talk, cast: Cast, time: Clockwork):
    order = waiting(talk, cast)
    time.forward(minutes=31)
    for _ in range(2):
        expire()
    flush(talk.config, threading.Event())
    told = talk.telegram.messages(talk.bot, LIN)[-1]
    assert f"Order {order.code} (Mug) was not paid in time" in told["text"]
    assert "Who is it for?" in talk.press("🔁 Order again")
    assert [one.dedupe_key for one in queued()] == [f"order:{order.id}:expired"]


def test_who_cancelled_it_himself_is_told_nothing(talk: Talk, cast: Cast, time: Clockwork):
    order = waiting(talk, cast)
    with transaction():
        expiry.cancel(order.id)
    time.forward(minutes=31)
    expire()
    assert orders()[0].state is OrderState.EXPIRED
    assert queued() == []


def waiting(talk: Talk, cast: Cast) -> Order:
    talk.say("/start")
    return an_order(a_mug(cast.tenant), LIN, bot_id=talk.config.id)


def expire() -> None:
    with transaction():
        expiry.expire_due()
