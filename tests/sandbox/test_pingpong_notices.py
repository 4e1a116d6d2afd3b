"""PingPong's notifications: what they say, and how stubborn they are."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.sandbox.merchant import Merchant, signature
from tests.sandbox_client import PINGPONG_ACCOUNT
from tests.waiting import wait_for

SALT = PINGPONG_ACCOUNT["salt"]


class Ear(ThreadingHTTPServer):
    """Hears notifications and answers with `answers` (status, body), then with 204."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[dict] = []
        self.answers: list[tuple[int, bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/webhook/pingpong"

    def inner(self, number: int = -1) -> dict:
        return json.loads(self.heard[number]["bizContent"])

    def statuses(self) -> list[str]:
        return [f"{one['notifyType']} {one['status']}" for one in map(self.inner, range(len(self.heard)))]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Ear

    def do_POST(self) -> None:
        self.server.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status, body = self.server.answers.pop(0) if self.server.answers else (204, b"")
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ear() -> Iterator[Ear]:
    server = Ear()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def merchant(sandbox, ear) -> Merchant:
    sandbox.post("settings", retry_scale=0.001)
    merchant = Merchant(sandbox, ear.url)
    merchant.create()
    return merchant


def test_a_paid_order_is_told_with_a_signature_over_all_that_is_there(sandbox, merchant, ear):
    transaction = sandbox.pay("ORD-1")["transaction"]
    told = wait_for(lambda: ear.heard and ear.heard[0])
    assert set(told) == {"accId", "clientId", "code", "description", "signType", "bizContent", "sign"}
    assert (told["code"], told["sign"]) == ("000000", signature(SALT, told))
    inner = ear.inner()
    assert (inner["notifyType"], inner["status"], inner["amount"]) == ("RECHARGE", "SUCCESS", "19.900000")
    assert (inner["merchantTransactionId"], inner["transactionId"]) == ("ORD-1", transaction)


def test_it_is_told_until_it_is_taken(sandbox, merchant, ear):
    ear.answers = [(500, b""), (200, b"FAIL"), (302, b""), (200, b"OK")]
    sandbox.pay("ORD-1")
    wait_for(lambda: sandbox.get("pingpong/notifications")["under_way"] == 0)
    tries = sandbox.notifications("ORD-1")
    assert [(one["answer"], one["taken"]) for one in tries] == [
        (500, False),
        (200, False),
        (302, False),
        (200, True),
    ]
    assert len({one["body"] for one in tries}) == 1


def test_after_twelve_more_tries_it_gives_up(sandbox, merchant, ear):
    sandbox.post("settings", retry_scale=0.0)
    ear.answers = [(503, b"")] * 20
    sandbox.pay("ORD-1")
    wait_for(lambda: sandbox.get("pingpong/notifications")["under_way"] == 0)
    assert len(ear.heard) == 13


def test_declines_second_payments_and_refunds_are_told_too(sandbox, merchant, ear):
    for act in (sandbox.decline, sandbox.pay, sandbox.pay_again):
        count = len(ear.heard)
        act("ORD-1")
        wait_for(lambda count=count: len(ear.heard) > count)
    merchant.refund(amount="5.00")
    wait_for(lambda: len(ear.heard) == 4)
    assert ear.statuses() == ["RECHARGE FAILED", "RECHARGE SUCCESS", "RECHARGE SUCCESS", "REFUND SUCCESS"]
    assert (ear.inner(3)["amount"], ear.inner(3)["merchantRefundId"]) == ("5.000000", "REF-1")
    assert ear.heard[0]["code"] == "301002"
    assert ear.inner(1)["transactionId"] != ear.inner(2)["transactionId"]


def test_a_refund_may_fail_and_one_may_be_made_by_hand(sandbox, merchant, ear):
    sandbox.pay("ORD-1")
    sandbox.pay_again("ORD-1")
    sandbox.pingpong_knobs(refund="fails")
    merchant.refund()
    wait_for(lambda: "REFUND FAILED" in ear.statuses())
    sandbox.pingpong_knobs(refund="ok")
    sandbox.refund_by_hand("ORD-1")
    wait_for(lambda: "REFUND SUCCESS" in ear.statuses())


@pytest.mark.parametrize("how", ["wrong", "md5", "missing", "hmac"])
def test_spoilt_signatures(sandbox, merchant, ear, how):
    sandbox.pingpong_knobs(sign=how)
    sandbox.pay("ORD-1")
    told = wait_for(lambda: ear.heard and ear.heard[0])
    assert told.get("sign") != signature(SALT, told)
    if how in {"md5", "hmac"}:
        assert told["sign"] == signature(SALT, told, {"md5": "md5", "hmac": "hmac-sha256"}[how])


def test_spoilt_contents(sandbox, merchant, ear):
    sandbox.pingpong_knobs(account="other", amount="0.01", currency="EUR")
    sandbox.pay("ORD-1")
    told = wait_for(lambda: ear.heard and ear.heard[0])
    assert told["accId"] != PINGPONG_ACCOUNT["acc_id"]
    assert (ear.inner()["amount"], ear.inner()["currency"]) == ("0.010000", "EUR")


def test_none_many_and_late_ones(sandbox, merchant, ear):
    sandbox.pingpong_knobs(notify="off")
    sandbox.pay("ORD-1")
    assert sandbox.get("pingpong/notifications")["under_way"] == 0
    sandbox.pingpong_knobs(notify="on", copies=50, jitter=0.05, delay=0.05)
    sandbox.notify("ORD-1")
    wait_for(lambda: len(ear.heard) == 50)


def test_held_ones_come_in_another_order(sandbox, merchant, ear):
    sandbox.pingpong_knobs(hold=True)
    for status, kind in (("PROCESSING", "RECHARGE"), ("SUCCESS", "RECHARGE"), ("SUCCESS", "REFUND")):
        sandbox.notify("ORD-1", status, type=kind)
    assert ear.heard == []
    assert sandbox.release_notifications("reversed") == 3
    wait_for(lambda: len(ear.heard) == 3)
    assert ear.statuses() == ["REFUND SUCCESS", "RECHARGE SUCCESS", "RECHARGE PROCESSING"]


def test_a_closing_is_told_where_an_address_for_it_was_given(sandbox, merchant, ear):
    merchant.create("ORD-2", closeNotificationUrl=ear.url)
    sandbox.close("ORD-1")
    sandbox.close("ORD-2")
    wait_for(lambda: ear.heard)
    assert (ear.inner(0)["merchantTransactionId"], ear.inner(0)["status"]) == ("ORD-2", "CLOSED")


def test_a_dispute_is_a_flat_message_of_its_own(sandbox, merchant, ear):
    sandbox.post("settings", retry_scale=0.0)
    ear.answers = [(500, b"")] * 10
    sandbox.pay("ORD-1")
    sandbox.notifications()
    wait_for(lambda: sandbox.get("pingpong/notifications")["under_way"] == 0)
    before = len(ear.heard)
    ear.answers = [(500, b"")] * 10
    sandbox.dispute("ORD-1")
    wait_for(lambda: sandbox.get("pingpong/notifications")["under_way"] == 0)
    told = ear.heard[-1]
    assert len(ear.heard) - before == 4
    assert (told["eventCode"], told["merchantReference"]) == ("NOTIFICATION_OF_CHARGEBACK", "ORD-1")
    assert told["sign"] == signature(SALT, told)
    assert "bizContent" not in told
