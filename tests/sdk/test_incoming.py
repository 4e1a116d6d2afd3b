"""Batches that the ledger signs, as the client's verifier takes them."""

import json
import secrets
from collections.abc import Mapping
from time import time

import pytest
from werkzeug.datastructures import Headers

from app.domain.credit_signing import sign_v2, string_to_sign
from sdk.credit_sync_client import BatchVerifier, CreditSyncError, NonceMemory
from tests.sdk.conftest import SECRET
from tests.sdk.test_reading import row

KEY = "cp_partner01"
OTHER = "another-secret-that-is-long-enough-to-be-one"
BODY = json.dumps({"batch_id": f"{KEY}:7-8", "changes": [row(7), row(8, reason="退款")]}).encode()
PLACE = ("POST", "/hooks/credits", "shop=1")


def signed(
    body: bytes = BODY, *, secret: str = SECRET, key: str = KEY, ago: int = 0, nonce: str = ""
) -> dict[str, str]:
    stamp, nonce = str(int(time()) - ago), nonce or secrets.token_urlsafe(18)
    method, path, query = PLACE
    asked = {"method": method, "path": path, "query": query, "timestamp": stamp, "nonce": nonce}
    text = string_to_sign(key, body=body, **asked)
    return {"X-Api-Key": key, "X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": sign_v2(secret, text)}


def refused(
    headers: Mapping[str, str], body: bytes = BODY, verifier: BatchVerifier | None = None
) -> tuple[str, int]:
    with pytest.raises(CreditSyncError) as found:
        (verifier or BatchVerifier(KEY, SECRET)).verify(*PLACE, headers, body)
    return found.value.code, found.value.status


@pytest.mark.parametrize("kind", [dict, Headers, lambda headers: list(headers.items())])
def test_a_genuine_batch_is_read(kind):
    batch = BatchVerifier(KEY, SECRET).verify(*PLACE, kind(signed()), BODY)
    assert batch.batch_id == f"{KEY}:7-8"
    assert [(change.id, change.reason) for change in batch.changes] == [(7, "r"), (8, "退款")]


def test_the_answer_names_what_was_refused():
    batch = BatchVerifier(KEY, SECRET).verify(*PLACE, signed(), BODY)
    assert batch.answer() == {"batch_id": f"{KEY}:7-8"}
    told = {"batch_id": f"{KEY}:7-8", "refused": [{"id": 8, "message": "查无此人"}]}
    assert batch.answer({8: "查无此人"}) == told
    assert batch.answer([(8, "查无此人")]) == told


def test_header_names_may_be_in_any_case():
    headers = {name.lower(): value for name, value in signed().items()}
    assert BatchVerifier(KEY, SECRET).verify(*PLACE, headers, BODY).changes


def test_nobody_changes_a_batch_on_its_way():
    assert refused(signed(), BODY + b" ") == ("invalid_signature", 401)
    headers = signed()
    for place in (("PUT", *PLACE[1:]), (PLACE[0], "/hooks/other", PLACE[2]), (*PLACE[:2], "shop=2")):
        with pytest.raises(CreditSyncError, match="invalid_signature"):
            BatchVerifier(KEY, SECRET).verify(*place, headers, BODY)


def test_strangers_are_refused():
    assert refused(signed(secret=OTHER)) == ("invalid_signature", 401)
    assert refused(signed(key="cp_stranger1")) == ("invalid_api_key", 401)


@pytest.mark.parametrize(("ago", "is_taken"), [(-310, False), (-290, True), (290, True), (310, False)])
def test_the_window(ago: int, is_taken: bool):
    if is_taken:
        assert BatchVerifier(KEY, SECRET).verify(*PLACE, signed(ago=ago), BODY)
    else:
        assert refused(signed(ago=ago)) == ("timestamp_expired", 401)


def test_a_nonce_is_good_once():
    verifier, headers = BatchVerifier(KEY, SECRET), signed()
    assert verifier.verify(*PLACE, headers, BODY)
    assert refused(headers, verifier=verifier) == ("replayed", 409)
    assert verifier.verify(*PLACE, signed(), BODY)


def test_a_forged_request_does_not_use_up_a_nonce():
    verifier, headers = BatchVerifier(KEY, SECRET), signed()
    assert refused({**headers, "X-Signature": f"v2={'0' * 64}"}, verifier=verifier)[0] == "invalid_signature"
    assert verifier.verify(*PLACE, headers, BODY)


def test_the_memory_of_nonces_can_be_a_common_one():
    common: dict[str, int] = {}

    def first(nonce: str, seconds: int) -> bool:
        return nonce not in common and common.setdefault(nonce, seconds) == 900

    one, two = BatchVerifier(KEY, SECRET, first=first), BatchVerifier(KEY, SECRET, first=first)
    headers = signed()
    assert one.verify(*PLACE, headers, BODY)
    assert refused(headers, verifier=two) == ("replayed", 409)


def test_nonces_are_forgotten_in_time(monkeypatch):
    memory, now = NonceMemory(), [1000.0]
    monkeypatch.setattr("sdk.credit_sync_client.time", lambda: now[0])
    assert memory("a", 900)
    now[0] += 899
    assert not memory("a", 900)
    now[0] += 2
    assert memory("b", 900)
    assert memory("a", 900)


def test_secrets_are_changed_without_a_pause():
    both = BatchVerifier(KEY, OTHER, previous_secret_key=SECRET)
    assert both.verify(*PLACE, signed(), BODY)
    assert both.verify(*PLACE, signed(secret=OTHER), BODY)
    old = BatchVerifier(KEY, SECRET)
    headers, nonce = signed(nonce="n" * 22), "n" * 22
    headers["X-Signature"] = ",".join(
        signed(secret=secret, nonce=nonce)["X-Signature"] for secret in (OTHER, SECRET)
    )
    headers["X-Timestamp"] = signed(nonce=nonce)["X-Timestamp"]
    assert old.verify(*PLACE, headers, BODY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"X-Nonce": "short"},
        {"X-Nonce": "n" * 65},
        {"X-Nonce": "n" * 21 + "\n"},
        {"X-Timestamp": "1700000000.5"},
        {"X-Timestamp": " 1700000000"},
        {"X-Timestamp": "\uff11" * 10},
        {"X-Signature": ""},
        {"X-Signature": "v1=" + "0" * 64},
        {"X-Signature": "v2=" + "A" * 64},
    ],
)
def test_headers_have_a_shape(wrong):
    assert refused({**signed(), **wrong}) == ("invalid_signature", 401)


@pytest.mark.parametrize("name", ["X-Api-Key", "X-Timestamp", "X-Nonce", "X-Signature"])
def test_each_header_is_there_once(name: str):
    headers = signed()
    assert refused({key: value for key, value in headers.items() if key != name})[1] == 401
    assert refused([*headers.items(), (name, headers[name])])[1] == 401


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b"\xff", b'{"batch_id": "x", "changes": [{}]}', b'{"batch_id": "x", "changes": 5}']
)
def test_what_is_signed_must_still_be_a_batch(body: bytes):
    assert refused(signed(body), body) == ("malformed", 400)


def test_a_batch_has_a_size():
    body = b" " * (256 * 1024 + 1)
    assert refused(signed(body), body) == ("too_large", 413)


def test_its_secrets_are_not_shown():
    verifier = BatchVerifier(KEY, SECRET, previous_secret_key=OTHER)
    shown = f"{verifier!r} {vars(verifier)!r}"
    assert SECRET not in shown
    assert OTHER not in shown
