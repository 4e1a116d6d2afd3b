"""What the client sends, and what it makes of each kind of answer."""

import copy
import json
import logging
import pickle
import socket
import threading
from time import time

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Response

from app.domain import credit_signing
from sdk.credit_sync_client import CreditSyncClient, CreditSyncError, Result, sign_v1, sign_v2
from tests.sdk.answers import POSTING, SYNC, answering, problem, well
from tests.sdk.conftest import API_KEY, SECRET
from tests.servers import free_port


def is_signed(request) -> bool:
    query = request.query_string.decode()
    headers = list(request.headers.items())
    asked = credit_signing.Asked(request.method, request.path, query, headers, request.data, "")
    return credit_signing.fits(SECRET, credit_signing.read_v2(asked), asked)


def test_a_posting_is_one_signed_request(ledger: CreditSyncClient, httpserver: HTTPServer):
    got = answering(httpserver, well())
    assert ledger.add_credits(**POSTING) == Result(True, 90, "Done", "", 7)
    assert json.loads(got[0].data) == {**POSTING, "source": "shop"}
    assert got[0].headers["X-Api-Key"] == API_KEY
    assert is_signed(got[0])


def test_taking_sends_a_negative_amount(ledger: CreditSyncClient, httpserver: HTTPServer):
    got = answering(httpserver, well())
    ledger.deduct_credits(**POSTING, metadata={"order": 42})
    body = json.loads(got[0].data)
    assert (body["amount"], body["metadata"]) == (-10, {"order": 42})


def test_queries_are_signed_too(ledger: CreditSyncClient, httpserver: HTTPServer):
    page = {"changes": [], "cursor": 9, "more": False}
    got = answering(httpserver, well(page), path="/api/credits/changes")
    assert list(ledger.iter_changes(9, except_source="shop")) == []
    assert got[0].query_string == b"after=9&limit=200&except_source=shop"
    assert is_signed(got[0])


def test_a_duplicate_is_a_success_that_says_so(ledger: CreditSyncClient, httpserver: HTTPServer):
    answering(httpserver, well({"success": True, "balance": 90, "transaction_id": 7, "duplicate": True}))
    result = ledger.add_credits(**POSTING)
    assert (result.success, result.duplicate) == (True, True)


@pytest.mark.parametrize(
    ("code", "status"),
    [("unknown_user", 404), ("insufficient_credits", 409), ("reference_conflict", 409)],
)
def test_what_the_ledger_refuses_is_a_result(
    ledger: CreditSyncClient, httpserver: HTTPServer, code: str, status: int
):
    got = answering(httpserver, problem(code, status, balance=3))
    result = ledger.deduct_credits(**POSTING)
    assert result == Result(success=False, balance=3, message="No.", code=code)
    assert len(got) == 1


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (problem("validation_error", 400, fields={"reason": ["long"]}), "validation_error", 400),
        (problem("invalid_signature", 401), "invalid_signature", 401),
        (problem("wrong_source", 403), "wrong_source", 403),
        (problem("not_found", 404), "not_found", 404),
        (problem("batch_too_large", 413), "batch_too_large", 413),
        (Response("<html>", 200), "bad_answer", 200),
        (well([1]), "bad_answer", 200),
        (Response("<html>", 404), "bad_answer", 404),
        (Response("", 302, {"Location": "/elsewhere"}), "bad_answer", 302),
    ],
)
def test_no_usable_answer_is_an_error_at_once(
    ledger: CreditSyncClient, httpserver: HTTPServer, answer: Response, code: str, status: int
):
    got = answering(httpserver, answer)
    with pytest.raises(CreditSyncError) as found:
        ledger.add_credits(**POSTING)
    assert (found.value.code, found.value.status, len(got)) == (code, status, 1)
    assert code in str(found.value)


def test_bad_input_says_which_field(ledger: CreditSyncClient, httpserver: HTTPServer):
    answering(httpserver, problem("validation_error", 400, fields={"reason": ["long"]}))
    with pytest.raises(CreditSyncError) as found:
        ledger.add_credits(**POSTING)
    assert found.value.fields == {"reason": ["long"]}


@pytest.mark.parametrize(
    "bad", [problem("internal_error", 500), Response("<html>", 502), problem("rate_limited", 429)]
)
def test_passing_trouble_is_tried_again(
    ledger: CreditSyncClient, httpserver: HTTPServer, naps, bad: Response
):
    got = answering(httpserver, copy.copy(bad), copy.copy(bad), well())
    assert ledger.add_credits(**POSTING).success
    assert len({request.headers["X-Nonce"] for request in got}) == 3
    assert {json.loads(request.data)["reference"] for request in got} == {"order-42"}
    assert all(is_signed(request) for request in got)
    assert 0.25 <= naps[0] <= 0.5 <= naps[1] <= 1


def test_trouble_that_does_not_pass_is_told(ledger: CreditSyncClient, httpserver: HTTPServer, naps):
    got = answering(httpserver, Response("<html>", 503))
    with pytest.raises(CreditSyncError) as found:
        ledger.add_credits(**POSTING)
    assert (found.value.status, len(got), len(naps)) == (503, 4, 3)


def test_it_waits_as_long_as_it_is_told(ledger: CreditSyncClient, httpserver: HTTPServer, naps):
    answering(httpserver, problem("rate_limited", 429, {"Retry-After": "7"}), well())
    assert ledger.add_credits(**POSTING).success
    assert 7.25 <= naps[0] <= 7.5


def test_nobody_sleeps_for_an_hour(ledger: CreditSyncClient, httpserver: HTTPServer, naps):
    answering(httpserver, problem("quota_exceeded", 429, {"Retry-After": "1800"}))
    with pytest.raises(CreditSyncError) as found:
        ledger.add_credits(**POSTING)
    assert (found.value.code, found.value.retry_after, naps) == ("quota_exceeded", 1800, [])


@pytest.mark.parametrize("nonsense", ["nan", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 20])
def test_nonsense_in_retry_after_is_passed_over(
    ledger: CreditSyncClient, httpserver: HTTPServer, naps, nonsense
):
    answering(httpserver, problem("rate_limited", 429, {"Retry-After": nonsense}), well())
    assert ledger.add_credits(**POSTING).success
    assert naps[0] <= 0.5


def test_a_request_that_somebody_repeated_is_signed_anew(ledger: CreditSyncClient, httpserver: HTTPServer):
    got = answering(httpserver, problem("replayed", 409), well())
    assert ledger.add_credits(**POSTING).success
    assert got[0].headers["X-Nonce"] != got[1].headers["X-Nonce"]


def test_a_wrong_clock_is_set_once(ledger: CreditSyncClient, httpserver: HTTPServer, naps):
    theirs = str(int(time()) + 5000)
    got = answering(httpserver, problem("timestamp_expired", 401, {"X-Server-Time": theirs}), well())
    assert ledger.add_credits(**POSTING).success
    assert ledger.add_credits(**POSTING).success
    stamps = [int(request.headers["X-Timestamp"]) for request in got]
    assert stamps[0] < int(theirs) - 4000
    assert abs(stamps[1] - int(theirs)) <= 2
    assert abs(stamps[2] - int(theirs)) <= 2
    assert naps == []


def test_a_clock_that_stays_wrong_is_told(ledger: CreditSyncClient, httpserver: HTTPServer):
    got = answering(httpserver, problem("timestamp_expired", 401, {"X-Server-Time": "1700000000"}))
    with pytest.raises(CreditSyncError, match="timestamp_expired"):
        ledger.add_credits(**POSTING)
    assert len(got) == 2


def test_nobody_there_is_an_error_after_all_tries(naps):
    client = CreditSyncClient(f"http://127.0.0.1:{free_port()}", API_KEY, SECRET, "shop", retries=2)
    with client, pytest.raises(CreditSyncError) as found:
        client.add_credits(**POSTING)
    assert (found.value.code, found.value.status, len(naps)) == ("network_error", 0, 2)


def test_a_server_that_says_nothing_does_not_hold_us(naps):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = CreditSyncClient(url, API_KEY, SECRET, "shop", timeout=0.1, retries=1)
        with client, pytest.raises(CreditSyncError, match="network_error"):
            client.add_credits(**POSTING)


def test_an_answer_that_breaks_off_is_asked_for_again(naps):
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_break_off_once, args=(server,))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with CreditSyncClient(url, API_KEY, SECRET, "shop", timeout=2) as client:
            assert client.add_credits(**POSTING).success
        thread.join()


def _break_off_once(server: socket.socket) -> None:
    body = b'{"success": true, "balance": 90}'
    for size in (len(body) + 1, len(body)):
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
            connection.sendall(head.encode() + body)


def test_secrets_are_never_shown(ledger: CreditSyncClient, httpserver: HTTPServer, caplog):
    caplog.set_level(logging.DEBUG, "credit_sync_client")
    answering(httpserver, Response("", 500))
    with pytest.raises(CreditSyncError) as found:
        ledger.add_credits(**POSTING)
    shown = f"{ledger!r} {vars(ledger)!r} {found.value!r} {caplog.text}"
    assert "try 2 follows" in caplog.text
    assert SECRET not in shown
    assert API_KEY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(ledger)


def test_each_thread_has_a_session_of_its_own(httpserver: HTTPServer):
    made = []

    def new_session() -> requests.Session:
        made.append(threading.get_ident())
        return requests.Session()

    answering(httpserver, well())
    with CreditSyncClient(httpserver.url_for(""), API_KEY, SECRET, "shop", new_session=new_session) as client:
        threads = [threading.Thread(target=client.add_credits, kwargs=POSTING) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.add_credits(**POSTING)
        client.add_credits(**POSTING)
    assert len(made) == 4


@pytest.mark.parametrize("amount", [0, -5, True, 1.5, "10"])
def test_amounts_are_positive_whole_numbers(ledger: CreditSyncClient, amount):
    for call in (ledger.add_credits, ledger.deduct_credits, ledger.reserve):
        with pytest.raises((ValueError, TypeError)):
            call(**{**POSTING, "amount": amount})


@pytest.mark.parametrize(
    "wrong", [{"base_url": "boss.example"}, {"api_key": ""}, {"secret_key": ""}, {"signature": "v3"}]
)
def test_what_can_not_be_right_is_refused_at_once(wrong):
    given = {"base_url": "https://boss.example", "api_key": API_KEY, "secret_key": SECRET, "source": "shop"}
    with pytest.raises(ValueError, match=r"must|missing"):
        CreditSyncClient(**{**given, **wrong})


def test_the_examples_of_the_specification():
    secret = bytes(range(32)).decode()
    body = (
        b'{"telegram_id":"123456789","amount":"10","currency":"CRD","reason":"order 42",'
        b'"external_reference":"shop-42"}'
    )
    signed = sign_v2(
        secret, "k_test_1", method="POST", path="/api/v2/ledger/debit", query="", timestamp="1700000000",
        nonce="b64u-nonce-0123456789abcdef", body=body,
    )  # fmt: skip
    assert signed == "v2=2df0433aea46f6b6cdee5993a6cb5e8fcb1ff4ad53ffaa63c8481c0b6a234945"
    token = sign_v1(secret, telegram_id="123456789", amount="10", source="shop", timestamp="1700000000")
    assert token == "27b1ee54e499a48d991e07317f0fa65f0a99c930a47c2167cb06612ce1c8b3e7"


def test_old_partners_sign_postings_by_version_1(httpserver: HTTPServer):
    got = answering(httpserver, well())
    with CreditSyncClient(httpserver.url_for(""), API_KEY, SECRET, "shop", signature="v1") as client:
        assert client.deduct_credits(**POSTING).success
    body = json.loads(got[0].data)
    stamp = body["timestamp"]
    signed = sign_v1(SECRET, telegram_id="5550001", amount="-10", source="shop", timestamp=stamp)
    assert body["token"] == signed
    assert not {"X-Nonce", "X-Signature", "X-Timestamp"} & set(got[0].headers.keys())
    assert got[0].path == SYNC


def test_a_token_of_version_1_is_another_one_at_the_next_try(httpserver: HTTPServer, naps):
    answering(httpserver, problem("replayed", 409), well())
    with CreditSyncClient(httpserver.url_for(""), API_KEY, SECRET, "shop", signature="v1") as client:
        assert client.add_credits(**POSTING).success
    assert naps[0] >= 1
