"""The address that PingPong calls: what is believed, what is refused, and that nobody learns why."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from werkzeug.test import create_environ, run_wsgi_app

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.orders import OrderState
from app.domain.payments import PaymentState, RefundState, Verdict
from app.gateways.payments import signing
from app.models import Order, Payment, PaymentEvent, Refund, RefusedCallback, ShopAlert
from app.services.payments import receiving
from tests.cast import Cast
from tests.paying import (
    ACCOUNT,
    OTHER_SALT,
    a_payment,
    alerts,
    ask_for,
    call_back,
    envelope,
    expire,
    fresh,
    order_of,
    set_up_pingpong,
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


# --- forgeries
def _md5(payment: Payment) -> dict[str, object]:
    fields = {**envelope(told(payment)), "signType": "MD5"}
    del fields["sign"]
    digest = hashlib.md5((ACCOUNT["salt"] + signing.canonical(fields)).encode(), usedforsecurity=False)
    return {**fields, "sign": digest.hexdigest().upper()}


def _unsigned(payment: Payment) -> dict[str, object]:
    return {name: value for name, value in envelope(told(payment)).items() if name != "sign"}


def _changed(payment: Payment) -> dict[str, object]:
    return {**envelope(told(payment, "FAILED")), "bizContent": json.dumps(told(payment))}


FORGERIES = {
    "wrong salt": (lambda p: envelope(told(p), salt="WRONG"), Verdict.BAD_SIGNATURE),
    "md5": (_md5, Verdict.BAD_SIGNATURE),
    "unsigned": (_unsigned, Verdict.BAD_SIGNATURE),
    "changed": (_changed, Verdict.BAD_SIGNATURE),
    "other store": (lambda p: envelope(told(p), acc_id=OTHER_STORE), Verdict.WRONG_ACCOUNT),
    "other merchant": (lambda p: envelope(told(p), clientId="1"), Verdict.WRONG_ACCOUNT),
    "content as an object": (
        lambda p: {**envelope(told(p)), "bizContent": told(p)},
        Verdict.MALFORMED,
    ),
    "no content": (lambda p: envelope(""), Verdict.MALFORMED),
    "not about money": (lambda p: envelope(told(p, notifyType="HELLO")), Verdict.MALFORMED),
    "no status": (lambda p: envelope(told(p, "")), Verdict.MALFORMED),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_kept_and_pays_nothing(client: FlaskClient, payment: Payment, name: str):
    forge, verdict = FORGERIES[name]
    answer = call_back(client, forge(payment))
    assert (answer.status_code, answer.data) == (400, b"refused\n")
    assert verdicts(RefusedCallback) == [verdict]
    assert state_of(payment) is OrderState.PENDING


def test_a_valid_signature_of_our_other_store_is_refused(client: FlaskClient, cast: Cast, payment: Payment):
    set_up_pingpong(cast.other_tenant, OTHER_STORE, OTHER_SALT)
    answer = call_back(client, envelope(told(payment), acc_id=OTHER_STORE, salt=OTHER_SALT))
    assert answer.status_code == 400
    assert verdicts(RefusedCallback) == ["wrong_account"]
    assert state_of(payment) is OrderState.PENDING


def test_a_boss_cannot_pay_another_tenants_order_with_his_own_account(
    client: FlaskClient, cast: Cast, payment: Payment
):
    # The same store's number, entered with a salt of his own.
    set_up_pingpong(cast.other_tenant, salt=OTHER_SALT)
    assert call_back(client, envelope(told(payment), salt=OTHER_SALT)).status_code == 400
    assert state_of(payment) is OrderState.PENDING


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{",
        b"a=1&b=2",
        b"\xff\xfe",
        b'{"accId":"1","accId":"2"}',
        b'{"accId":NaN}',
        b'{"a":' * 100,
        b"x" * 70_000,
        b"\x1f\x8b\x08\x00",
    ],
)
def test_junk_gets_the_same_answer(client: FlaskClient, payment: Payment, raw: bytes):
    answer = call_back(client, raw)
    assert (answer.status_code, answer.data) == (400, b"refused\n")
    assert verdicts(RefusedCallback) == ["malformed"]


def test_a_body_that_was_made_longer_is_not_utf8_and_refused(client: FlaskClient, payment: Payment):
    raw = json.dumps(envelope(told(payment))).encode()
    assert call_back(client, raw[:-2] + b"\x80\x00\x00\x00\x01" + raw[-2:]).status_code == 400
    assert state_of(payment) is OrderState.PENDING


class Endless:
    """A body that never ends, and counts what was read of it."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        self.taken += size
        return b"x" * size

    readline = read


def test_a_long_body_in_pieces_is_not_read_to_its_end(app: Flask, payment: Payment):
    environ = create_environ("/webhook/pingpong", method="POST")
    body = Endless()
    environ |= {"wsgi.input": body, "wsgi.input_terminated": True}
    _, status, _ = run_wsgi_app(app.wsgi_app, environ)
    assert status == "400 BAD REQUEST"
    assert body.taken < 400_000


def test_form_and_get_are_not_served(client: FlaskClient, payment: Payment):
    assert client.get("/webhook/pingpong").status_code == 405
    assert client.post("/webhook/pingpong", data={"sign": "1"}).status_code == 400


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


# --- limits
def test_refused_callbacks_are_limited_by_address_and_good_ones_are_not(
    client: FlaskClient, payment: Payment
):
    answers = [call_back(client, b"{}").status_code for _ in range(70)]
    assert answers == [400] * 60 + [429] * 10
    other = app_client_at(client, "203.0.113.9")
    good = [other.post("/webhook/pingpong", json=envelope(told(payment))).status_code for _ in range(70)]
    assert good == [204] * 70


def app_client_at(client: FlaskClient, address: str) -> FlaskClient:
    other = client.application.test_client()
    other.environ_base["REMOTE_ADDR"] = address
    return other


def test_only_so_many_refused_ones_are_kept_a_day(client: FlaskClient, payment: Payment, monkeypatch):
    monkeypatch.setattr(receiving, "MAX_REFUSED", 3)
    for _ in range(6):
        call_back(client, b"{}")
    assert len(verdicts(RefusedCallback)) == 3


def test_without_a_database_it_shall_come_again(client: FlaskClient, payment: Payment, monkeypatch):
    def gone(*_: object) -> Verdict:
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr(receiving, "receive", gone)
    answer = call_back(client, envelope(told(payment)))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_what_was_kept_is_committed_before_the_answer(client: FlaskClient, payment: Payment):
    call_back(client, envelope(told(payment)))
    with transaction():
        assert db.session.scalar(select(func.count()).select_from(Order).where(Order.state == "paid")) == 1


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
