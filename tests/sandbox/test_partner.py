"""Another project that gets batches of changes: what it takes, what it says, and its bad days."""

import json
import secrets
import time

import pytest
import requests

from app.domain.credit_signing import sign_v2, string_to_sign
from tests.sandbox_client import Json, Sandbox

KEY, SECRET = "cp_sandbox01", "a-secret-of-the-sandbox-that-is-long-enough"


@pytest.fixture
def partner(sandbox: Sandbox) -> Sandbox:
    sandbox.partner_keys("shop", KEY, SECRET)
    return sandbox


def change(number: int, **more: object) -> Json:
    return {
        "id": number, "telegram_id": 5550001, "amount": 10, "balance": 10 * number, "source": "lottery",
        "reference": f"ref-{number}", "reason": "中奖", "metadata": {}, "created_at": "2030-01-01T00:00:00Z", **more,
    }  # fmt: skip


def send(sandbox: Sandbox, *changes: Json, **more: str) -> requests.Response:
    """A batch as the platform sends it; `more` are headers that differ."""
    body = json.dumps({"batch_id": f"{KEY}:1-9", "changes": changes}).encode()
    stamp, nonce = str(int(time.time())), secrets.token_urlsafe(18)
    asked = {
        "method": "POST",
        "path": "/partner/shop/credits",
        "query": "",
        "timestamp": stamp,
        "nonce": nonce,
    }
    signature = sign_v2(SECRET, string_to_sign(KEY, body=body, **asked))
    headers = {"X-Api-Key": KEY, "X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": signature}
    headers |= {"Content-Type": "application/json", **more}
    return requests.post(sandbox.partner_url(), data=body, headers=headers, timeout=2, allow_redirects=False)


def test_changes_add_up_to_balances(partner: Sandbox):
    answer = send(partner, change(1), change(2, amount=-3), change(3, telegram_id=5550002))
    assert (answer.status_code, answer.json()) == (200, {"batch_id": f"{KEY}:1-9"})
    seen = partner.partner()
    assert [one["id"] for one in seen["changes"]] == [1, 2, 3]
    assert seen["balances"] == {"5550001": 7, "5550002": 10}
    assert [(visit["count"], visit["status"]) for visit in seen["visits"]] == [(3, 200)]


def test_what_comes_again_is_counted_and_changes_nothing(partner: Sandbox):
    send(partner, change(1))
    send(partner, change(1), change(2))
    seen = partner.partner()
    assert (seen["copies"], seen["balances"], seen["conflicts"]) == ({"1": 1}, {"5550001": 20}, [])
    send(partner, change(1, amount=99))
    send(partner, change(7, reference="ref-2"))
    assert [one["id"] for one in partner.partner()["conflicts"]] == [1, 7]
    assert partner.partner()["balances"] == {"5550001": 20}


def test_an_order_that_was_not_kept_is_noticed(partner: Sandbox):
    send(partner, change(5), change(3, telegram_id=5550002))
    send(partner, change(4))
    assert partner.partner()["late"] == [4]


@pytest.mark.parametrize(
    "wrong",
    [
        {"X-Signature": "v2=" + "0" * 64},
        {"X-Signature": "v1"},
        {"X-Api-Key": "cp_other"},
        {"X-Nonce": "short"},
        {"X-Timestamp": "1700000000"},
    ],
)
def test_what_is_not_genuine_is_refused(partner: Sandbox, wrong: dict[str, str]):
    assert send(partner, change(1), **wrong).status_code == 401
    assert partner.partner()["changes"] == []


def test_a_nonce_is_good_once(partner: Sandbox):
    asked = send(partner, change(1)).request
    again = requests.post(asked.url, data=asked.body, headers=asked.headers, timeout=2)
    assert (again.status_code, again.json()["error"]) == (401, "the nonce was used before")


@pytest.mark.parametrize("wrong", [{"amount": "10"}, {"amount": True}, {"metadata": None}, {"more": 1}])
def test_changes_must_be_as_agreed(partner: Sandbox, wrong: Json):
    assert send(partner, change(1, **wrong)).status_code == 400


def test_single_changes_can_be_refused(partner: Sandbox):
    partner.partner_knobs(refuse="2,ref-3,5550002")
    answer = send(partner, change(1), change(2), change(3), change(4, telegram_id=5550002))
    assert [one["id"] for one in answer.json()["refused"]] == [2, 3, 4]
    partner.partner_knobs(refuse="2", how="whole")
    assert send(partner, change(2), change(5)).status_code == 422
    assert send(partner, change(5)).status_code == 200
    assert [one["id"] for one in partner.partner()["changes"]] == [1, 5]


@pytest.mark.parametrize("status", ["401", "410", "422", "429", "500", "503"])
def test_statuses_on_order(partner: Sandbox, status: str):
    partner.partner_knobs(status, retry_after=9, times=1)
    answer = send(partner, change(1))
    assert (answer.status_code, answer.headers["Retry-After"]) == (int(status), "9")
    assert send(partner, change(1)).status_code == 200


def test_it_leads_elsewhere(partner: Sandbox):
    partner.partner_knobs("302", location="http://169.254.169.254/latest")
    answer = send(partner, change(1))
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://169.254.169.254/latest")


@pytest.mark.parametrize(("mode", "taken"), [("cut", 0), ("lost", 1), ("half", 0)])
def test_lines_break(partner: Sandbox, mode: str, taken: int):
    partner.partner_knobs(mode, who="shop")
    with pytest.raises(requests.RequestException):
        send(partner, change(1))
    assert len(partner.partner()["changes"]) == taken


def test_answers_that_mean_nothing(partner: Sandbox):
    partner.partner_knobs("html")
    assert "维护中" in send(partner, change(1)).content.decode()
    partner.partner_knobs("other")
    assert send(partner, change(1)).json() == {"batch_id": "other"}
    partner.partner_knobs("huge")
    assert len(send(partner, change(1)).content) > 4_000_000


def test_answers_may_be_late(partner: Sandbox):
    partner.partner_knobs(seconds=0.2)
    assert send(partner, change(1)).elapsed.total_seconds() >= 0.2
    partner.partner_knobs("hang")
    with pytest.raises(requests.Timeout):
        send(partner, change(2))


def test_it_forgets_on_order(partner: Sandbox):
    send(partner, change(1))
    assert partner.partner_forgets()["changes"] == []
    assert send(partner, change(1)).status_code == 200


def test_unknown_partners_are_not_there(sandbox: Sandbox):
    assert send(sandbox, change(1)).status_code == 404
    with pytest.raises(AssertionError, match="no_such_partner"):
        sandbox.partner()


def test_it_survives_a_restart(tmp_path):
    for number in (1, 2):
        with Sandbox.start(data=tmp_path / "world.json") as sandbox:
            if number == 1:
                sandbox.partner_keys("shop", KEY, SECRET)
            send(sandbox, change(1), change(number))
            seen = sandbox.partner()
    assert [one["id"] for one in seen["changes"]] == [1, 2]
    assert (seen["balances"], seen["copies"]) == ({"5550001": 20}, {"1": 2})


def test_the_page_shows_what_arrived(partner: Sandbox):
    partner.partner_keys("shop", KEY, SECRET, source="shop", api_key="ck_own.key", api_secret="own-secret")
    send(partner, change(1, reason="<b>送礼</b>"), change(2, amount=-3))
    send(partner, change(2, amount=-3))
    text = requests.get(f"{partner.url}/partner/shop", timeout=5).text
    for words in (
        "&lt;b&gt;送礼&lt;/b&gt;",
        "+10",
        "-3",
        "重复 1 次",
        "ck_own.key",
        partner.partner_url(),
        KEY,
    ):
        assert words in text
    assert SECRET not in text
    assert "/partner/shop" in requests.get(partner.url, timeout=5).text
    english = requests.get(f"{partner.url}/partner/shop?lang=en", timeout=5).text
    assert "came again: 1" in english


def test_the_page_turns_knobs_and_takes_keys(partner: Sandbox):
    page = f"{partner.url}/partner/shop"
    assert 'data-mode="503"' in requests.post(f"{page}/mode", data={"mode": "503"}, timeout=5).text
    assert send(partner, change(1)).status_code == 503
    requests.post(f"{page}/mode", data={"mode": "ok"}, timeout=5)
    requests.post(f"{page}/keys", data={"key_id": "cp_other001", "secret_key": "s"}, timeout=5)
    assert partner.partner()["key_id"] == "cp_other001"
    assert send(partner, change(1)).status_code == 401


@pytest.mark.parametrize("path", ["/partner/nobody", "/partner/", "/partner/shop/nothing"])
def test_other_pages_are_not_there(partner: Sandbox, path: str):
    assert requests.get(f"{partner.url}{path}", timeout=5).status_code == 404
