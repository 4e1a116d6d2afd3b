"""Before anything is handed out PingPong is asked whether the money is there, over real HTTP to the sandbox."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.settings import get_settings
from app.domain.orders import OrderState, Phase, Step
from app.domain.payments import Provider
from app.models import Order, Payment
from app.services.fulfilment import steps
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.fulfilling import fulfil, reread
from tests.paying import ask_for, fresh, make, set_up_pingpong, tell
from tests.sandbox_client import Sandbox
from tests.shopping import a_product, an_order, codes


@pytest.fixture
def payment(telegram: Sandbox, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Payment:
    """A payment for a code, made at PingPong."""
    monkeypatch.setattr(get_settings(), "pingpong_api_url", telegram.pingpong_url)
    set_up_pingpong(cast.tenant)
    order = an_order(a_product(cast.tenant, codes(1)), provider=Provider.PINGPONG)
    payment = ask_for(order)
    make(payment)
    return fresh(payment)


@pytest.fixture
def order(payment: Payment) -> Order:
    """We were told that it is paid."""
    tell(payment, transaction="T1")
    return db.session.get_one(Order, payment.order_id)


@pytest.fixture
def paid_order(telegram: Sandbox, payment: Payment) -> Order:
    """The money is there, and we were told so."""
    tell(payment, transaction=telegram.pay(payment.reference)["transaction"])
    return db.session.get_one(Order, payment.order_id)


def sold(order: Order) -> bool:
    query = text("SELECT count(*) FROM stock_item WHERE order_id = :id AND state = 'sold'")
    return db.session.execute(query, {"id": order.id}).scalar() == 1


def test_money_that_is_there_is_confirmed_once(app: Flask, paid_order: Order):
    fulfil(app)
    assert reread(paid_order).phase is Phase.DELIVERING
    assert steps.find(paid_order.id, Step.CONFIRM).calls == 1
    assert sold(paid_order)


def test_what_pingpong_does_not_know_of_is_not_delivered(app: Flask, order: Order, time: Clockwork):
    for attempt in (1, 2):
        fulfil(app)
        assert (reread(order).state, order.error) == (OrderState.PAID, "not_confirmed")
        assert order.attempts == attempt
        time.forward(minutes=2)
    assert not sold(order)


def test_an_outage_of_pingpong_opens_its_breaker_and_everything_goes_on_afterwards(
    app: Flask, paid_order: Order, time: Clockwork, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as away:
        away.setattr(get_settings(), "pingpong_api_url", "http://127.0.0.1:9")
        for _ in range(90):
            time.forward(minutes=1)
            fulfil(app)
    opened = db.session.execute(text("SELECT opened_at FROM provider_breaker WHERE service = 'pingpong'"))
    assert opened.scalar() is not None
    assert reread(paid_order).state is OrderState.PAID
    assert paid_order.attempts <= 5
    time.forward(minutes=2)
    fulfil(app)
    assert reread(paid_order).phase is Phase.DELIVERING
