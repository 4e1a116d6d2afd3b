"""PingPong's door for merchants: signatures, fields, codes, and what happens to money."""

import pytest
import requests

from tests.sandbox.merchant import Merchant, in_an_hour, signature
from tests.sandbox_client import Sandbox
from tests.waiting import wait_for

HMAC_ACCOUNT = {
    "client_id": "990000000000000002001"[:-3],
    "acc_id": "990000000000000002001",
    "salt": "SANDBOX0HMAC0SALT00NO0WORTH",
}


@pytest.fixture
def merchant(sandbox) -> Merchant:
    return Merchant(sandbox)


def test_the_contracts_example_has_this_signature():
    envelope = {
        "accId": "990000000000000001001", "clientId": "990000000000000001", "signType": "SHA256", "version": "1.0",
        "bizContent": '{"captureDelayHours":"0","amount":"19.90","currency":"USD","merchantTransactionId":"ORD-20261120-000042","payResultUrl":"https://pay.example.test/done","payCancelUrl":"https://pay.example.test/cancel","notificationUrl":"https://pay.example.test/cb/pingpong","shopperIP":"203.0.113.7"}',
    }  # fmt: skip
    expected = "1D85E4FE76C3D4A5450A77A07159F81763AAFD6C34B608D11BC241843F35E881"
    assert signature("SYNTH0SALT0FOR0TESTS0001", envelope) == expected


def test_a_payment_is_created_paid_and_asked_for(sandbox, merchant):
    code, made = merchant.create()
    assert (code, made["amount"], made["currency"]) == ("000000", "19.90", "USD")
    assert requests.get(made["paymentUrl"], timeout=5).status_code == 200
    assert merchant.query()[1]["status"] == "INIT"
    sandbox.pay("ORD-1")
    code, told = merchant.query()
    assert (code, told["status"], told["amount"]) == ("001000", "SUCCESS", "19.900000")
    assert (told["resultCode"], told["transactionId"]) == ("000000", made["transactionId"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one | {"sign": "0" * 64},
        lambda one: one | {"sign": one["sign"].lower()},
        lambda one: one | {"bizContent": one["bizContent"].replace("19.90", "0.01")},
        lambda one: one | {"extra": "unsigned"},
        lambda one: one | {"signType": "MD5"},
        lambda one: one | {"signType": "HMAC"},
    ],
)
def test_a_wrong_signature_is_refused(merchant, spoil):
    good = merchant.envelope({"merchantTransactionId": "ORD-1", "amount": "19.90"})
    assert merchant.post("/v4/payment/prePay", spoil(good))["code"] == "104000"


def test_md5_is_an_account_s_other_way(merchant):
    merchant.create()
    merchant.way = "md5"
    assert (
        merchant.ask("/v4/payment/query", {"merchantTransactionId": "ORD-1"}, signType="MD5")[0] == "001000"
    )


def test_an_account_may_be_set_up_for_hmac(sandbox):
    merchant = Merchant(sandbox, account=HMAC_ACCOUNT)
    assert merchant.create()[0] == "104000"
    merchant.way = "hmac-sha256"
    assert merchant.create()[0] == "000000"


def test_strangers_and_half_envelopes_are_refused(sandbox, merchant):
    good = merchant.envelope({"merchantTransactionId": "ORD-1"})
    assert merchant.post("/v4/payment/query", {**good, "clientId": "990000000000000009"})["code"] == "103000"
    assert merchant.post("/v4/payment/query", {**good, "accId": "1" * 21})["code"] == "103000"
    for name in good:
        half = {key: value for key, value in good.items() if key != name}
        assert merchant.post("/v4/payment/query", half)["code"] == "102000"
    assert merchant.ask("/v4/payment/query", {"merchantTransactionId": "ORD-1"}, version="2.0")[0] == "102000"


@pytest.mark.parametrize("how", ["form", "get", "path"])
def test_other_ways_of_asking_are_not_there(merchant, how):
    url = f"{merchant.sandbox.pingpong_url}/v4/payment/query"
    answers = {
        "form": lambda: requests.post(url, data={"a": "b"}, timeout=5).status_code == 415,
        "get": lambda: requests.get(url, timeout=5).status_code == 405,
        "path": lambda: requests.post(f"{url}/x", json={}, timeout=5).status_code == 404,
    }
    assert answers[how]()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "19.9"}, "000000"),
        ({"amount": "19.900"}, "102000"),
        ({"amount": 19.9}, "102000"),
        ({"amount": "0.00"}, "102000"),
        ({"amount": "-1.00"}, "102000"),
        ({"amount": "1e3"}, "102000"),
        ({"amount": "1900", "currency": "JPY"}, "000000"),
        ({"amount": "1900.00", "currency": "JPY"}, "102000"),
        ({"currency": "XTR"}, "106000"),
        ({"currency": "usd"}, "106000"),
        ({"captureDelayHours": -1}, "102000"),
        ({"shopperIP": "nowhere"}, "102000"),
        ({"shopperIP": "2001:db8::1"}, "000000"),
        ({"payCancelUrl": ""}, "102000"),
        ({"notificationUrl": "https://a.example/cb?x=1"}, "102000"),
        ({"remark": "<b>"}, "102000"),
        ({"merchantTransactionId": "x" * 65}, "102000"),
        ({"timeExpire": "1000000000"}, "102000"),
        ({"timeExpire": in_an_hour()}, "000000"),
        ({"timeExpire": int(in_an_hour())}, "102000"),
    ],
)
def test_fields_follow_the_vendor_s_pages(merchant, changes, code):
    assert merchant.create(**changes)[0] == code


def test_the_same_id_again_leaves_the_stored_order_as_it_is(sandbox, merchant):
    first, second = merchant.create()[1], merchant.create(amount="0.01")[1]
    assert (second["paymentUrl"], second["amount"]) == (first["paymentUrl"], "19.90")
    sandbox.pay("ORD-1")
    assert merchant.create()[0] == "107000"


def test_a_declined_payer_may_try_again(sandbox, merchant):
    merchant.create()
    sandbox.decline("ORD-1")
    assert merchant.query()[1]["status"] == "FAILED"
    assert merchant.query()[1]["resultCode"] == "301002"
    sandbox.pay("ORD-1")
    assert merchant.query()[1]["status"] == "SUCCESS"


def test_a_payment_closes_when_its_time_is_over(sandbox, merchant):
    merchant.create(timeExpire=in_an_hour())
    sandbox.post("clock", seconds=3601)
    assert merchant.query()[1]["status"] == "CLOSED"
    assert sandbox.payment("ORD-1")["status"] == "CLOSED"


def test_it_may_be_paid_twice_and_each_has_its_transaction(sandbox, merchant):
    merchant.create()
    first = sandbox.pay("ORD-1")["transaction"]
    second = sandbox.pay_again("ORD-1")["charges"][1]["transaction"]
    assert merchant.query()[1]["transactionId"] == first
    assert merchant.ask("/v4/payment/query", {"transactionId": second})[1]["status"] == "SUCCESS"


def test_what_nobody_created_is_not_found(merchant):
    assert merchant.query("NONE")[0] == "107001"
    assert merchant.refund("NONE")[0] == "107002"
    assert merchant.query_refund("NONE")[0] == "107001"
    assert merchant.ask("/v4/payment/query", {"requestId": "x"})[0] == "102000"


def test_money_goes_back_in_parts_but_never_more_than_came(sandbox, merchant):
    merchant.create()
    assert merchant.refund()[0] == "108001"
    sandbox.pay("ORD-1")
    assert merchant.refund(amount="20.00")[0] == "108000"
    code, first = merchant.refund(amount="10.00")
    assert (code, first["status"]) == ("002000", "PROCESSING")
    assert merchant.refund(amount="10.00")[1]["refundId"] == first["refundId"]
    assert merchant.refund(amount="9.00")[0] == "107000"
    assert merchant.refund(amount="9.91", ours="REF-2")[0] == "108003"
    assert merchant.refund(amount="9.90", ours="REF-2", currency="EUR")[0] == "106000"
    wait_for(lambda: merchant.query_refund()[1]["status"] == "SUCCESS")


def test_trouble_on_order(sandbox, merchant):
    merchant.create()
    url, one = (
        f"{sandbox.pingpong_url}/v4/payment/query",
        merchant.envelope({"merchantTransactionId": "ORD-1"}),
    )
    sandbox.pingpong_knobs(query="down", create="refuse")
    assert requests.post(url, json=one, timeout=5).status_code == 502
    assert merchant.create("ORD-2")[0] == "101000"
    sandbox.pingpong_knobs(query="cut")
    with pytest.raises(requests.ConnectionError):
        requests.post(url, json=one, timeout=5)
    sandbox.pay("ORD-1")
    sandbox.pingpong_knobs(query="processing")
    assert merchant.query()[1]["status"] == "PROCESSING"
    sandbox.pingpong_knobs(query="ok", query_seconds=30)
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json=one, timeout=0.2)
    sandbox.clear_orders()
    assert merchant.query()[1]["status"] == "SUCCESS"


def test_trouble_of_one_account_only(sandbox, merchant):
    other = Merchant(sandbox, account=HMAC_ACCOUNT)
    other.way = "hmac-sha256"
    sandbox.pingpong_knobs(who=HMAC_ACCOUNT["acc_id"], create="refuse")
    assert (merchant.create()[0], other.create()[0]) == ("000000", "101000")
    with pytest.raises(AssertionError, match="creat_unknown"):
        sandbox.pingpong_knobs(creat="down")


def test_payments_survive_a_restart(tmp_path):
    with Sandbox.start(data=tmp_path / "world.json") as sandbox:
        Merchant(sandbox).create()
        sandbox.pay("ORD-1")
    with Sandbox.start(data=tmp_path / "world.json") as sandbox:
        assert Merchant(sandbox).query()[1]["status"] == "SUCCESS"
