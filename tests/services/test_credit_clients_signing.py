"""The specification's own examples of signatures, and what the shapes let through."""

from collections.abc import Sequence

import pytest

from app.core.errors import AppError
from app.domain import credit_signing as signing
from app.domain.credit_clients import InvalidCall
from app.domain.credit_signing import Asked

SECRET = bytes(range(32))
BODY = b'{"telegram_id":"123456789","amount":"10","currency":"CRD","reason":"order 42","external_reference":"shop-42"}'
RIGHT = "2df0433aea46f6b6cdee5993a6cb5e8fcb1ff4ad53ffaa63c8481c0b6a234945"
WRONG = "0" * 64
FULL_WIDTH = "1700000000".translate({code: code + 0xFEE0 for code in range(0x30, 0x3A)})
API_KEY = "k_test_1.0123456789abcdef"


def asked(signature: str, headers: Sequence[tuple[str, str]] = ()) -> Asked:
    given = [
        ("X-Api-Key", API_KEY),
        ("x-timestamp", "1700000000"),
        ("X-Nonce", "b64u-nonce-0123456789abcdef"),
        ("X-SIGNATURE", signature),
        *headers,
    ]
    return Asked("POST", "/api/v2/ledger/debit", "", given, BODY, "203.0.113.7")


def fits(signature: str) -> bool:
    call = asked(signature)
    return signing.fits(SECRET, signing.read_v2(call), call)


def test_version_2_signs_as_the_specification_says():
    message = signing.string_to_sign(
        "k_test_1",
        method="POST",
        path="/api/v2/ledger/debit",
        query="",
        timestamp="1700000000",
        nonce="b64u-nonce-0123456789abcdef",
        body=BODY,
    )
    assert signing.sign_v2(SECRET, message) == f"v2={RIGHT}"
    assert not message.endswith(b"\n")


def test_version_1_signs_as_the_specification_says():
    assert signing.sign_v1(SECRET, "123456789", "10", "shop", "1700000000") == (
        "27b1ee54e499a48d991e07317f0fa65f0a99c930a47c2167cb06612ce1c8b3e7"
    )


def test_the_key_is_the_secret_as_it_is_shown():
    assert signing.sign_v2("äöü", b"x") == signing.sign_v2("äöü".encode(), b"x")


def test_one_right_signature_of_two_is_enough():
    assert fits(f"v2={RIGHT}")
    assert fits(f"v2={WRONG},v2={RIGHT}")
    assert fits(f"v2={RIGHT},v2={WRONG}")
    assert not fits(f"v2={WRONG},v2={WRONG}")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        RIGHT,
        f"v1={RIGHT}",
        f"v2={RIGHT.upper()}",
        f"v2={RIGHT[:-1]}",
        f"v2={RIGHT},",
        f"v2={RIGHT}, v2={RIGHT}",
        f"v2={RIGHT}\n",
        ",".join([f"v2={RIGHT}"] * 3),
    ],
)
def test_a_signature_of_another_shape_is_refused(signature: str):
    with pytest.raises(AppError) as refused:
        signing.read_v2(asked(signature))
    assert (refused.value.code, refused.value.status) == ("invalid_signature", 401)


V1 = {"telegram_id": "123", "amount": "-5", "source": "shop", "timestamp": "1700000000", "token": WRONG}


def test_numbers_of_json_are_signed_as_their_digits():
    read = signing.read_v1({**V1, "telegram_id": 123, "amount": -5, "timestamp": 1700000000})
    assert read == signing.read_v1(V1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("telegram_id", value) for value in ("", "1:2", "-1", FULL_WIDTH[0], "1" * 19, 10**400, True, None, 1.0, [1], "1\n")]
    + [("amount", value) for value in ("+5", "5.0", "2:3", "5" * 14, "--5", FULL_WIDTH[1], 1e3, " 5")]
    + [("source", value) for value in ("a:b", "", "s" * 33, "shöp", "a b", 5.0)]
    + [("timestamp", value) for value in ("1700000000.5", " 1700000000", "+1700000000", FULL_WIDTH, "170000000")]
    + [("token", value) for value in ("", "0" * 63, "g" * 64, None)],
)  # fmt: skip
def test_fields_that_could_shift_are_refused(field: str, value: object):
    with pytest.raises(InvalidCall) as refused:
        signing.read_v1({**V1, field: value})
    assert list(refused.value.extra["fields"]) == [field]
