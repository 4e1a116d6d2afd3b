"""PingPong as it really calls: late, many times, shuffled, forged, over real HTTP and in its own wire format."""

from collections.abc import Iterator
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.serving import make_server

from app.core.db import db
from app.core.settings import get_settings
from app.domain.orders import OrderState
from app.models import OrderEvent, Payment, PaymentReceipt
from tests.cast import Cast
from tests.paying import alerts, ask_for, fresh, make, order_of, set_up_pingpong, waiting_order
from tests.sandbox_client import Sandbox
from tests.waiting import wait_for

ORDERS = 2
COPIES = 50


@pytest.fixture
def door(app: Flask) -> Iterator[str]:
    """Our address over real HTTP."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def vendor(telegram: Sandbox, cast: Cast, door: str, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setattr(get_settings(), "pingpong_api_url", telegram.pingpong_url)
    monkeypatch.setattr(get_settings(), "pingpong_notify_url", f"{door}/webhook/pingpong")
    set_up_pingpong(cast.tenant)
    return telegram


@pytest.fixture
def payments(vendor: Sandbox, cast: Cast) -> list[Payment]:
    found = [ask_for(waiting_order(cast.tenant)) for _ in range(ORDERS)]
    for payment in found:
        make(payment)
    return [fresh(payment) for payment in found]


def told(vendor: Sandbox, number: int) -> list[dict]:
    """The callbacks that were answered, when there are so many."""

    def enough() -> list[dict]:
        found = vendor.notifications()
        return found if len(found) >= number else []

    return wait_for(enough, seconds=90, what=f"{number} callbacks")


def states(payments: list[Payment]) -> set[OrderState]:
    db.session.rollback()
    return {order_of(payment).state for payment in payments}


def test_fifty_shuffled_callbacks_of_each_pay_each_once(vendor: Sandbox, payments: list[Payment]):
    vendor.pingpong_knobs(copies=COPIES, jitter=2.0)
    vendor.pay_all()
    attempts = told(vendor, ORDERS * COPIES)
    assert {one["answer"] for one in attempts} == {204}
    assert states(payments) == {OrderState.PAID}
    assert db.session.scalar(select(func.count()).select_from(PaymentReceipt)) == ORDERS
    assert db.session.scalar(select(func.count()).where(OrderEvent.why == "paid")) == ORDERS


@pytest.mark.parametrize(
    "forged",
    [{"sign": "wrong"}, {"sign": "md5"}, {"sign": "missing"}, {"sign": "hmac"}, {"account": "other"}],
)
def test_forged_ones_pay_nothing(vendor: Sandbox, payments: list[Payment], forged: dict[str, str]):
    vendor.pingpong_knobs(**forged)
    vendor.pay(payments[0].reference)
    assert told(vendor, 1)[0]["answer"] == 400
    assert states(payments) == {OrderState.PENDING}


def test_another_amount_is_told_once_and_pays_nothing(vendor: Sandbox, payments: list[Payment]):
    vendor.pingpong_knobs(amount="1.00")
    vendor.pay(payments[0].reference)
    assert told(vendor, 1)[0]["answer"] == 204
    assert (states(payments), alerts()) == ({OrderState.PENDING}, ["amount_mismatch"])


def test_paid_by_two_open_pages(vendor: Sandbox, payments: list[Payment]):
    vendor.pay(payments[0].reference)
    vendor.pay_again(payments[0].reference)
    told(vendor, 2)
    wait_for(lambda: alerts() == ["paid_twice"], what="the alert")
    assert order_of(payments[0]).state is OrderState.PAID


def test_a_dispute_stops_the_delivery(vendor: Sandbox, payments: list[Payment]):
    vendor.pay(payments[0].reference)
    told(vendor, 1)
    vendor.dispute(payments[0].reference)
    assert told(vendor, 2)[-1]["answer"] == 204
    db.session.rollback()
    assert (order_of(payments[0]).error, alerts()) == ("disputed", ["dispute"])


def test_a_refund_in_the_vendors_pages(vendor: Sandbox, payments: list[Payment]):
    vendor.pay(payments[0].reference)
    told(vendor, 1)
    vendor.refund_by_hand(payments[0].reference)
    told(vendor, 2)
    assert order_of(payments[0]).state is OrderState.REFUNDED
