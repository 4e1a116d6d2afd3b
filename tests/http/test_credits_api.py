"""One posting by the API: what is taken, what is refused, and what the caller hears."""

import pytest
from flask.testing import FlaskClient

from tests.cast import Cast
from tests.crediting import Project
from tests.credits_calling import (
    API,
    NOBODY,
    SHE,
    balances,
    busy_project,
    give,
    posting,
    refused,
    sync,
    welcome_everybody,
)
from tests.statements import Statements

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def shop(cast: Cast) -> Project:
    give(cast.tenant.id, SHE, 100)
    return busy_project(cast.tenant.id, allow_v1=True)


# --- what is taken
def test_a_posting_changes_the_balance_and_says_so(client: FlaskClient, shop: Project):
    answer = shop.call(client, "POST", f"{API}/sync", posting(), headers=ENGLISH)
    assert answer.status_code == 200, answer.text
    assert answer.json.pop("transaction_id") > 0
    assert answer.json == {
        "success": True,
        "balance": 110,
        "message": "Posted.",
        "duplicate": False,
        "transaction_id": answer.json["transaction_id"],
    }
    assert balances() == {SHE: 110}


def test_a_repeated_call_changes_nothing_and_answers_the_first_result(client: FlaskClient, shop: Project):
    first = sync(client, shop)
    sync(client, shop, "another", 5)
    again = sync(client, shop)
    assert again.json["duplicate"] is True
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (again.json["balance"], again.json["transaction_id"]) == (110, first.json["transaction_id"])
    assert balances() == {SHE: 115}


@pytest.mark.parametrize("change", [{"amount": 11}, {"reason": "Order 43"}, {"telegram_id": SHE + 1}])
def test_a_reference_is_for_one_posting(
    client: FlaskClient, cast: Cast, shop: Project, change: dict[str, object]
):
    give(cast.tenant.id, SHE + 1, 1)
    sync(client, shop)
    assert refused(sync(client, shop, **change)) == (409, "reference_conflict")
    assert balances()[SHE] == 110


def test_other_metadata_is_still_the_same_posting(client: FlaskClient, shop: Project):
    sync(client, shop, metadata={"try": 1})
    assert sync(client, shop, metadata={"try": 2}).json["duplicate"] is True


def test_a_refused_reference_may_succeed_after_a_top_up(client: FlaskClient, shop: Project):
    answer = sync(client, shop, amount=-150)
    assert refused(answer) == (409, "insufficient_credits")
    assert answer.json["balance"] == 100
    sync(client, shop, "top-up", 50)
    assert sync(client, shop, amount=-150).json["balance"] == 0


def test_the_reference_may_have_its_other_name(client: FlaskClient, shop: Project):
    body = posting()
    body["external_reference"] = body.pop("reference")
    assert shop.call(client, "POST", f"{API}/sync", body).json["duplicate"] is False
    assert sync(client, shop).json["duplicate"] is True


def test_version_1_posts_too(client: FlaskClient, shop: Project):
    first = shop.call_v1(client, SHE, "10", reason="Order 42", external_reference="order-42")
    assert first.json["balance"] == 110, first.json
    assert sync(client, shop).json["duplicate"] is True


def test_version_1_repeated_as_it_is_answers_the_same(client: FlaskClient, shop: Project):
    body = shop.v1_body(SHE, 10, reason="Order 42", reference="order-42")
    headers = {"X-Api-Key": shop.api_key}
    client.post(f"{API}/sync", json=body, headers=headers)
    assert client.post(f"{API}/sync", json=body, headers=headers).json["duplicate"] is True
    body["reason"] = "Something else"
    assert refused(client.post(f"{API}/sync", json=body, headers=headers)) == (409, "replayed")


# --- who
def test_whom_nobody_knows_must_open_the_bot_first(client: FlaskClient, shop: Project):
    body = posting(telegram_id=NOBODY)
    answer = shop.call(client, "POST", f"{API}/sync", body, headers=ENGLISH)
    assert refused(answer) == (404, "unknown_user")
    assert "open the bot first" in answer.json["message"]
    assert balances() == {SHE: 100}


def test_a_boss_may_let_anybody_have_an_account(client: FlaskClient, cast: Cast, shop: Project):
    welcome_everybody(cast.tenant.id)
    assert sync(client, shop, telegram_id=NOBODY).json["balance"] == 10


def test_a_project_posts_under_its_own_name(client: FlaskClient, shop: Project):
    assert sync(client, shop, source="shop").status_code == 200
    assert refused(sync(client, shop, "other", source="lottery")) == (403, "wrong_source")


def test_two_businesses_never_meet(client: FlaskClient, cast: Cast, shop: Project):
    foreign = busy_project(cast.other_tenant.id)
    calls = [
        ("POST", "sync", posting(amount=-1)),
        ("GET", f"balance/{SHE}", None),
        ("GET", f"history/{SHE}", None),
        ("POST", "holds", posting(amount=1)),
    ]
    held = shop.call(client, "POST", f"{API}/holds", posting(amount=1)).json["hold_id"]
    calls += [
        ("GET", f"holds/{held}", None),
        ("POST", f"holds/{held}/capture", {}),
        ("POST", f"holds/{held}/void", {}),
    ]
    assert [
        foreign.call(client, method, f"{API}/{path}", body).status_code for method, path, body in calls
    ] == [404] * 7
    assert foreign.call(client, "GET", f"{API}/changes").json["changes"] == []
    assert (
        foreign.call(client, "POST", f"{API}/balances", {"telegram_ids": [SHE]}).json["balances"][0]["known"]
        is False
    )
    assert balances() == {SHE: 100}


# --- the tables of bad input
@pytest.mark.parametrize(
    "amount",
    [0, 1.5, 10**19, 2**53 + 1, True, "0", "1.5", "1e3", " 1", "+1", "", None, [1], {}, "٣", -(10**12) - 1],
)
def test_amounts_that_are_none(client: FlaskClient, shop: Project, amount: object):
    answer = sync(client, shop, amount=amount)
    assert refused(answer) == (400, "validation_error")
    assert list(answer.json["fields"]) == ["amount"]
    assert balances() == {SHE: 100}


@pytest.mark.parametrize(
    ("amount", "after"), [("10", 110), (-5, 95), ("-5", 95), (10**12, 10**12 + 100), ("0010", 110)]
)
def test_amounts_as_documented(client: FlaskClient, shop: Project, amount: object, after: int):
    assert sync(client, shop, amount=amount).json["balance"] == after


def test_a_large_telegram_id_stays_exact(client: FlaskClient, cast: Cast, shop: Project):
    welcome_everybody(cast.tenant.id)
    sync(client, shop, telegram_id=2**53 + 1)
    assert balances()[2**53 + 1] == 10


@pytest.mark.parametrize("telegram_id", [0, -1, True, 1.0, "x", "-5", 10**18, None])
def test_telegram_ids_that_are_none(client: FlaskClient, shop: Project, telegram_id: object):
    answer = sync(client, shop, telegram_id=telegram_id)
    assert refused(answer) == (400, "validation_error")
    assert list(answer.json["fields"]) == ["telegram_id"]


@pytest.mark.parametrize("reference", ["", "a" * 201, "a" * 256, "a/b", "🎲", "a ", "a\n", 5, None])
def test_references_that_are_none(client: FlaskClient, shop: Project, reference: object):
    answer = sync(client, shop, reference)
    assert refused(answer) == (400, "validation_error")
    assert list(answer.json["fields"]) == ["reference"]


def test_a_reference_may_have_200_characters(client: FlaskClient, shop: Project):
    assert sync(client, shop, "aZ0._:-" + "x" * 193).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": " \u3000\n"}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"reason": "\ud800"}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"metadata": {"deep": ["\x00"]}}, "metadata.deep.0"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"n": 2**53}}, "metadata"),
        ({"metadata": {"n": "x" * 4100}}, "metadata"),
        ({"currency": "CRD"}, "currency"),
        ({"external_reference": "again"}, "external_reference"),
        ({"source": "a b"}, "source"),
    ],
)
def test_what_is_wrong_is_named(client: FlaskClient, shop: Project, change: dict[str, object], field: str):
    answer = sync(client, shop, **change)
    assert refused(answer) == (400, "validation_error")
    assert list(answer.json["fields"]) == [field]
    assert balances() == {SHE: 100}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b"\xff\xfe",
        b'{"amount": 1, "amount": 2}',
        b'{"amount": NaN}',
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b'{"amount": ' + b"9" * 5000 + b"}",
        b'{"metadata": {"a": 1e999}}',
    ],
    ids=["empty", "list", "half", "null", "no UTF-8", "key twice", "NaN", "deep", "5000 digits", "infinite"],
)
def test_bodies_that_are_no_good(client: FlaskClient, shop: Project, body: bytes):
    answer = shop.call(client, "POST", f"{API}/sync", body=body)
    assert refused(answer) == (400, "validation_error")
    assert answer.json["fields"]


def test_all_that_is_missing_is_named_at_once(client: FlaskClient, shop: Project):
    answer = shop.call(client, "POST", f"{API}/sync", {})
    assert set(answer.json["fields"]) == {"telegram_id", "amount", "reason", "reference"}


def test_words_follow_the_callers_language(client: FlaskClient, shop: Project):
    bodies = [
        shop.call(client, "POST", f"{API}/sync", posting(amount=0), headers={"Accept-Language": tag})
        for tag in ("en", "zh-CN")
    ]
    english, chinese = (body.json for body in bodies)
    assert english["fields"] == {"amount": ["This must not be 0."]}
    assert english["code"] == chinese["code"] == "validation_error"


def test_a_call_makes_no_session(client: FlaskClient, shop: Project):
    answers = [
        sync(client, shop),
        sync(client, shop, amount=0),
        shop.call(client, "POST", f"{API}/sync", {}, secret="wrong"),
    ]
    assert all("Set-Cookie" not in answer.headers for answer in answers)


def test_a_posting_for_a_known_user_is_one_statement(client: FlaskClient, shop: Project):
    sync(client, shop, "warm")
    with Statements() as sent:
        assert sync(client, shop).status_code == 200
    assert len([text for text in sent.texts if "credit_account" in text]) == 1
