"""The address that PingPong calls: what is believed, what is refused, and that nobody learns why."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from app.core.db import db
from app.core.settings import get_settings
from app.domain.orders import OrderState
from app.domain.payments import PaymentState, RefundState
from app.gateways.payments import signing
from app.models import Payment, PaymentEvent, Refund, RefusedCallback, ShopAlert
from tests.cast import Cast
from tests.paying import (
    ACCOUNT,
    a_payment,
    alerts,
    ask_for,
    call_back,
    envelope,
    expire,
    fresh,
    order_of,
    told,
    told_refund,
    waiting_order,
)

OTHER_STORE = "990000000000000001002"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def payment(cast: Cast) -> Payment:
    """One that waits for its money, at tenant A's own account."""
    return a_payment(cast.tenant)


def state_of(payment: Payment) -> OrderState:
    return order_of(payment).state


def verdicts(model: type = PaymentEvent) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(model.verdict).order_by(model.id)))


# --- what is believed
def test_a_signed_callback_pays_the_order(client: FlaskClient, payment: Payment):
    answer = call_back(client, envelope(told(payment)))
    assert (answer.status_code, answer.data) == (204, b"")
    assert state_of(payment) is OrderState.PAID
    assert verdicts() == ["accepted"]


def test_fields_that_nobody_knows_are_tolerated(client: FlaskClient, payment: Payment):
    message = envelope(told(payment, somethingNew={"a": [1, 2.5, None]}), version="1.0", requestId="R")
    assert call_back(client, message).status_code == 204
    assert state_of(payment) is OrderState.PAID


def test_an_account_that_signs_by_hmac(client: FlaskClient, cast: Cast, payment: Payment):
    fields = {name: value for name, value in envelope(told(payment)).items() if name != "sign"}
    account = db.session.execute(
        text('UPDATE service_account SET public = public || \'{"scheme":"hmac-sha256"}\'')
    )
    db.session.commit()
    assert account.rowcount == 1
    assert call_back(client, envelope(told(payment))).status_code == 400
    signed = {**fields, "sign": signing.sign("hmac-sha256", ACCOUNT["salt"], fields)}
    assert call_back(client, signed).status_code == 204


def test_the_operators_account_serves_tenants_without_one(client: FlaskClient, cast: Cast, monkeypatch):
    settings = get_settings()
    monkeypatch.setattr(settings, "pingpong_client_id", ACCOUNT["client_id"])
    monkeypatch.setattr(settings, "pingpong_acc_id", ACCOUNT["acc_id"])
    monkeypatch.setattr(settings, "pingpong_salt", type(settings.pingpong_salt)(ACCOUNT["salt"]))
    payment = ask_for(waiting_order(cast.tenant))
    assert not payment.own_account
    assert call_back(client, envelope(told(payment))).status_code == 204
    assert state_of(payment) is OrderState.PAID


def test_failed_is_not_the_end(client: FlaskClient, payment: Payment):
    assert call_back(client, envelope(told(payment, "FAILED"))).status_code == 204
    assert state_of(payment) is OrderState.PENDING
    call_back(client, envelope(told(payment)))
    assert state_of(payment) is OrderState.PAID
    assert verdicts() == ["noted", "accepted"]


def test_a_late_callback_is_honoured(client: FlaskClient, payment: Payment):
    expire(payment)
    assert call_back(client, envelope(told(payment))).status_code == 204
    assert state_of(payment) is OrderState.PAID


def test_a_refund_in_the_vendors_pages_refunds_the_order(client: FlaskClient, payment: Payment):
    call_back(client, envelope(told(payment)))
    call_back(client, envelope(told_refund(payment)))
    assert state_of(payment) is OrderState.REFUNDED
    assert db.session.scalar(select(Refund.state)) is RefundState.DONE


def test_a_refund_told_first_ends_the_same(client: FlaskClient, payment: Payment):
    call_back(client, envelope(told_refund(payment)))
    assert state_of(payment) is OrderState.REFUNDED
    call_back(client, envelope(told(payment)))
    assert state_of(payment) is OrderState.REFUNDED
    assert fresh(payment).state is PaymentState.PAID
    assert alerts() == []


def test_a_part_that_went_back_leaves_the_order_paid(client: FlaskClient, payment: Payment):
    call_back(client, envelope(told(payment)))
    call_back(client, envelope(told_refund(payment, amount="5.000000")))
    call_back(client, envelope(told_refund(payment, amount="5.000000")))
    assert state_of(payment) is OrderState.PAID
    assert db.session.scalar(select(func.sum(Refund.amount_minor))) == 500


def test_more_than_came_in_cannot_go_back(client: FlaskClient, payment: Payment):
    call_back(client, envelope(told(payment)))
    call_back(client, envelope(told_refund(payment, amount="20.000000")))
    assert state_of(payment) is OrderState.PAID
    assert alerts() == ["amount_mismatch"]


# --- a dispute
@pytest.mark.parametrize("flat", [True, False])
def test_a_dispute_stops_the_delivery_and_is_told(client: FlaskClient, payment: Payment, *, flat: bool):
    call_back(client, envelope(told(payment)))
    dispute = {"eventCode": "NOTIFICATION_OF_CHARGEBACK", "merchantReference": payment.reference}
    if flat:
        fields = {"accId": ACCOUNT["acc_id"], "signType": "SHA256", **dispute}
        message = {**fields, "sign": signing.sign("salted-sha256", ACCOUNT["salt"], fields)}
    else:
        message = envelope(dispute)
    assert call_back(client, message).status_code == 204
    order = order_of(payment)
    assert (order.state, order.error) == (OrderState.FAILED, "disputed")
    assert alerts() == ["dispute"]


# --- twice, and a hundred times
def test_a_hundred_equal_callbacks_make_one_transition(app: Flask, payment: Payment):
    message = envelope(told(payment))
    answers: list[int] = []

    def many() -> None:
        answers.extend(call_back(app.test_client(), message).status_code for _ in range(10))

    threads = [Thread(target=many) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [204] * 100
    assert verdicts() == ["accepted"]
    assert db.session.scalar(select(PaymentEvent.times)) == 100
    assert state_of(payment) is OrderState.PAID


def test_a_second_payment_of_one_order_is_kept_and_told(client: FlaskClient, payment: Payment):
    call_back(client, envelope(told(payment)))
    assert call_back(client, envelope(told(payment, transactionId="T2"))).status_code == 204
    assert verdicts() == ["accepted", "paid_twice"]
    assert alerts() == ["paid_twice"]


# --- amounts
@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.00", "USD"),
        ("19.9", "EUR"),
        ("1990", "JPY"),
        ("19.901", "USD"),
        ("1e2", "USD"),
        ("", "USD"),
        ("-19.90", "USD"),
        (19.9, "USD"),
        ("19.90", "XYZ"),
        ("19.90", "usd"),
    ],
)
def test_another_amount_or_currency_is_kept_told_and_pays_nothing(
    client: FlaskClient, payment: Payment, amount: object, currency: str
):
    message = envelope(told(payment, amount=amount, currency=currency))
    assert call_back(client, message).status_code == 204
    assert state_of(payment) is OrderState.PENDING
    assert (verdicts(), alerts()) == (["amount_mismatch"], ["amount_mismatch"])


@pytest.mark.parametrize("amount", ["19.9", "19.90", "19.900000", "019.90"])
def test_the_same_amount_is_the_same_however_it_is_written(
    client: FlaskClient, payment: Payment, amount: str
):
    call_back(client, envelope(told(payment, amount=amount)))
    assert state_of(payment) is OrderState.PAID


# --- what is not ours
def test_an_unknown_payment_rightly_signed_is_kept_and_told_when_it_adds_up(
    client: FlaskClient, cast: Cast, payment: Payment
):
    for number in range(5):
        message = envelope(told(payment, merchantTransactionId=f"NOBODY-{number}"))
        assert call_back(client, message).status_code == 204
    assert verdicts(RefusedCallback) == ["unknown_payment"] * 5
    assert alerts() == ["unknown_payments"]
    assert db.session.scalar(select(ShopAlert.tenant_id)) == cast.tenant.id


def test_an_unknown_payment_that_nobody_signed_is_refused(client: FlaskClient, payment: Payment):
    message = envelope(told(payment, merchantTransactionId="NOBODY"), salt="WRONG")
    assert call_back(client, message).status_code == 400
    assert verdicts(RefusedCallback) == ["bad_signature"]


# --- alone
FRESH = """
import sys, wsgi
client = wsgi.payments.test_client()
print(client.post("/webhook/pingpong", data=b"{}").status_code, client.get("/health").status_code)
print(client.get("/").status_code, client.get("/admin/").status_code)
print([name for name in sys.modules if name.split(".")[0] in {"bots", "admin", "tasks", "telebot", "flask_admin"}])
"""


def test_the_receiver_works_alone_and_imports_no_bots_and_no_pages(app: Flask):
    done = subprocess.run(
        [sys.executable, "-c", FRESH], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines() == ["400 200", "404 404", "[]"], done.stderr
