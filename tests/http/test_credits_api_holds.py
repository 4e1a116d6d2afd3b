"""Holds by the API."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.cast import Cast
from tests.crediting import Project
from tests.credits_calling import API, NOBODY, SHE, balances, busy_project, give, posting, refused, sync


@pytest.fixture
def shop(cast: Cast) -> Project:
    give(cast.tenant.id, SHE, 100)
    return busy_project(cast.tenant.id)


def reserve(
    client: FlaskClient, shop: Project, reference: str = "booking", amount: object = 60, **more: object
) -> TestResponse:
    return shop.call(client, "POST", f"{API}/holds", posting(reference, amount, **more))


def close(client: FlaskClient, shop: Project, hold: int, how: str, **body: object) -> TestResponse:
    return shop.call(client, "POST", f"{API}/holds/{hold}/{how}", body)


def test_credits_are_put_aside(client: FlaskClient, shop: Project):
    held = reserve(client, shop).json
    assert (held["state"], held["amount"], held["captured"], held["transaction_id"]) == (
        "active",
        60,
        0,
        None,
    )
    assert (held["balance"], held["held"], held["available"]) == (100, 60, 40)
    assert refused(sync(client, shop, amount=-41)) == (409, "insufficient_credits")
    assert refused(reserve(client, shop, "more", 41)) == (409, "insufficient_credits")


def test_the_same_hold_again_is_the_first_one(client: FlaskClient, shop: Project):
    first, again = reserve(client, shop).json, reserve(client, shop).json
    assert first["hold_id"] == again["hold_id"]
    assert again["held"] == 60
    assert refused(reserve(client, shop, amount=61)) == (409, "reference_conflict")


def test_a_part_is_taken_and_the_rest_let_go(client: FlaskClient, shop: Project):
    hold = reserve(client, shop).json["hold_id"]
    taken = close(client, shop, hold, "capture", amount="45").json
    assert (taken["state"], taken["captured"], taken["balance"], taken["held"]) == ("captured", 45, 55, 0)
    assert taken["transaction_id"] > 0
    assert close(client, shop, hold, "capture", amount=45).json == taken
    assert shop.call(client, "GET", f"{API}/holds/{hold}").json == taken
    assert balances() == {SHE: 55}


def test_a_hold_is_closed_once(client: FlaskClient, shop: Project):
    hold = reserve(client, shop).json["hold_id"]
    gone = close(client, shop, hold, "void").json
    assert (gone["state"], gone["available"]) == ("voided", 100)
    assert close(client, shop, hold, "void").json["state"] == "voided"
    assert refused(close(client, shop, hold, "capture")) == (409, "hold_closed")


def test_more_than_is_held_cannot_be_taken(client: FlaskClient, shop: Project):
    hold = reserve(client, shop).json["hold_id"]
    answer = close(client, shop, hold, "capture", amount=61)
    assert refused(answer) == (400, "validation_error")
    assert list(answer.json["fields"]) == ["amount"]
    assert balances() == {SHE: 100}


def test_another_project_does_not_see_it(client: FlaskClient, cast: Cast, shop: Project):
    hold = reserve(client, shop).json["hold_id"]
    other = busy_project(cast.tenant.id, "other")
    assert refused(other.call(client, "GET", f"{API}/holds/{hold}")) == (404, "unknown_hold")
    assert refused(close(client, other, hold, "capture")) == (404, "unknown_hold")
    assert refused(close(client, other, hold, "void")) == (404, "unknown_hold")


def test_nobody_is_unknown(client: FlaskClient, shop: Project):
    assert refused(reserve(client, shop, telegram_id=NOBODY)) == (404, "unknown_user")
    assert refused(shop.call(client, "GET", f"{API}/holds/9223372036854775807")) == (404, "unknown_hold")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": 10**12 + 1}, "amount"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 180 * 86400 + 1}, "expires_in"),
        ({"expires_in": 1.5}, "expires_in"),
        ({"metadata": {}}, "metadata"),
    ],
)
def test_holds_that_are_none(client: FlaskClient, shop: Project, change: dict[str, object], field: str):
    answer = reserve(client, shop, **change)
    assert refused(answer) == (400, "validation_error")
    assert list(answer.json["fields"]) == [field]


@pytest.mark.parametrize("number", ["x", "0", "-1", "9223372036854775808", "1%20"])
def test_holds_are_named_by_numbers(client: FlaskClient, shop: Project, number: str):
    for method, path, body in (("GET", "", None), ("POST", "/capture", {}), ("POST", "/void", {})):
        answer = shop.call(client, method, f"{API}/holds/{number}{path}", body)
        assert refused(answer) == (400, "validation_error")
        assert list(answer.json["fields"]) == ["hold_id"]
