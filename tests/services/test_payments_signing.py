"""PingPong's signature: the vendor contract's examples, and everything that must not pass for one."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.strict_json import Malformed, read_object
from app.gateways.payments import signing
from app.gateways.payments.pingpong import read
from app.gateways.payments.pingpong_messages import plain

SALT = "SYNTH0SALT0FOR0TESTS0001"
REQUEST = (
    '{"accId":"990000000000000001001","clientId":"990000000000000001","signType":"SHA256","version":"1.0",'
    '"bizContent":"{\\"captureDelayHours\\":\\"0\\",\\"amount\\":\\"19.90\\",\\"currency\\":\\"USD\\",'
    '\\"merchantTransactionId\\":\\"ORD-20261120-000042\\",\\"payResultUrl\\":\\"https://pay.example.test/done\\",'
    '\\"payCancelUrl\\":\\"https://pay.example.test/cancel\\",'
    '\\"notificationUrl\\":\\"https://pay.example.test/cb/pingpong\\",\\"shopperIP\\":\\"203.0.113.7\\"}",'
    '"sign":"1D85E4FE76C3D4A5450A77A07159F81763AAFD6C34B608D11BC241843F35E881"}'
)
NOTICE = (
    '{"accId":"990000000000000001001","clientId":"990000000000000001","code":"000000",'
    '"description":"Transaction succeeded","signType":"SHA256",'
    '"bizContent":"{\\"amount\\":\\"19.900000\\",\\"currency\\":\\"USD\\",'
    '\\"merchantTransactionId\\":\\"ORD-20261120-000042\\",\\"transactionId\\":\\"2026112050000001\\",'
    '\\"notifyType\\":\\"RECHARGE\\",\\"requestId\\":\\"RQ-7f3a\\",\\"status\\":\\"SUCCESS\\",'
    '\\"transactionTime\\":\\"1795160000000\\",\\"transactionEndTime\\":\\"1795160004000\\",'
    '\\"captureDelayHours\\":0,\\"threeDSecure\\":\\"N\\",\\"paymentMethod\\":{\\"type\\":\\"scheme\\"}}",'
    '"sign":"961393A5FE88E9AC9E06767B67B99F0FE9AB14A8511C14BB7E05992DF1FE9A9B"}'
)
SALTED, HMAC = "salted-sha256", "hmac-sha256"


@pytest.mark.parametrize("example", [REQUEST, NOTICE], ids=["request", "notice"])
def test_the_examples_of_the_contract_are_signed(example: str):
    assert signing.is_signed(SALTED, SALT, json.loads(example))


@pytest.mark.parametrize("example", [REQUEST, NOTICE], ids=["request", "notice"])
def test_no_other_scheme_or_salt_fits_them(example: str):
    assert not signing.is_signed(HMAC, SALT, json.loads(example))
    assert not signing.is_signed(SALTED, SALT + "1", json.loads(example))
    assert not signing.is_signed(SALTED, "", json.loads(example))


@pytest.mark.parametrize("name", ["accId", "clientId", "code", "description", "signType", "bizContent"])
def test_every_field_that_arrived_is_signed(name: str):
    changed = {**json.loads(NOTICE), name: "1"}
    assert not signing.is_signed(SALTED, SALT, changed)


def test_a_field_that_was_added_is_signed_too():
    assert not signing.is_signed(SALTED, SALT, {**json.loads(NOTICE), "version": "1.0"})


def test_null_and_empty_fields_are_not():
    assert signing.is_signed(SALTED, SALT, {**json.loads(NOTICE), "version": None, "remark": ""})


def test_small_letters_are_the_same_signature():
    fields = json.loads(NOTICE)
    assert signing.is_signed(SALTED, SALT, {**fields, "sign": fields["sign"].lower()})


def test_a_message_may_not_choose_md5():
    fields = {**json.loads(NOTICE), "signType": "MD5"}
    digest = hashlib.md5((SALT + signing.canonical(fields)).encode(), usedforsecurity=False)
    assert not signing.is_signed(SALTED, SALT, {**fields, "sign": digest.hexdigest().upper()})


@pytest.mark.parametrize("sign", [None, 1, ["a"], "", "ü", "0" * 64])
def test_nonsense_is_no_signature(sign: object):
    assert not signing.is_signed(SALTED, SALT, {**json.loads(NOTICE), "sign": sign})


@pytest.mark.parametrize("value", [True, 1.5, {"a": 1}, ["a"]])
def test_a_value_that_is_neither_text_nor_number_is_refused(value: object):
    fields = {"accId": "1", "signType": "SHA256", "other": value}
    with pytest.raises(ValueError, match="neither"):
        signing.canonical(fields)
    assert not signing.is_signed(SALTED, SALT, {**fields, "sign": "0" * 64})


def test_hmac_is_for_accounts_that_are_set_up_so():
    fields = {"accId": "1", "signType": "SHA256"}
    signed = {**fields, "sign": signing.sign(HMAC, SALT, fields)}
    assert signing.is_signed(HMAC, SALT, signed)
    assert not signing.is_signed(SALTED, SALT, signed)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=6))
def test_what_is_signed_is_believed(fields: dict[str, str]):
    fields = {**fields, "signType": "SHA256"}
    fields.pop("sign", None)
    assert signing.is_signed(SALTED, SALT, {**fields, "sign": signing.sign(SALTED, SALT, fields)})


def test_a_notice_says_what_came_in():
    notice = read(NOTICE.encode())
    assert (notice.account, notice.kind) == ("990000000000000001001", "RECHARGE SUCCESS")
    assert str(notice.receipt.amount) == "19.90 USD"
    assert notice.receipt.reference == "ORD-20261120-000042"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b'{"a":' * 30 + b"1" + b"}" * 30,
        b"[" * 50_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_json_is_read_strictly(raw: bytes):
    with pytest.raises(Malformed):
        read_object(raw)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_arrives_is_a_notice_or_malformed(raw: bytes):
    with pytest.raises(Malformed):
        read(raw)


def test_names_lose_what_the_vendor_refuses():
    assert plain('<b>"Card" & {more}, 50% off; a/b</b>') == "b Card more 50 off a b b"
    assert plain("八字报告") == "八字报告"
    assert plain("%%%") == "order"
