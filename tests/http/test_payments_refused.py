"""What is no callback of PingPong's: refused with one answer, kept, limited; and what cannot be kept right now."""

import hashlib
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import create_environ, run_wsgi_app

from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import OrderState
from app.domain.payments import Verdict
from app.gateways.payments import signing
from app.models import Order, Payment, PaymentEvent, RefusedCallback
from app.services.payments import receiving
from tests.cast import Cast
from tests.paying import ACCOUNT, OTHER_SALT, a_payment, call_back, envelope, order_of, set_up_pingpong, told

OTHER_STORE = "990000000000000001002"


@pytest.fixture
def payment(cast: Cast) -> Payment:
    """One that waits for its money, at tenant A's own account."""
    return a_payment(cast.tenant)


def state_of(payment: Payment) -> OrderState:
    return order_of(payment).state


def verdicts(model: type = PaymentEvent) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(model.verdict).order_by(model.id)))


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
