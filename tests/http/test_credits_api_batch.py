"""Many postings in one call: each has its result, a wrong one hinders no other, and a batch may be repeated."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from app.http.credits_schema import MOST_ITEMS
from app.services import credit_calls
from tests.cast import Cast
from tests.crediting import Project
from tests.credits_calling import API, NOBODY, SHE, balances, batch, busy_project, give, posting, refused
from tests.statements import Statements

BAD = [
    posting("bad-0", amount=0),
    posting("bad-1", amount=-(10**6)),
    posting("bad-2", telegram_id=NOBODY),
    posting("bad-3", source="lottery"),
    posting("bad/4"),
    posting("bad-5", reason=""),
    {"nonsense": True},
]
CODES = [
    "validation_error",
    "insufficient_credits",
    "unknown_user",
    "wrong_source",
    "validation_error",
    "validation_error",
    "validation_error",
]


@pytest.fixture
def shop(cast: Cast) -> Project:
    give(cast.tenant.id, SHE, 100)
    return busy_project(cast.tenant.id)


def five_hundred_with_seven_bad() -> list[object]:
    items: list[object] = [posting(f"good-{number}", 1) for number in range(493)]
    for place, each in zip(range(3, 500, 70), BAD, strict=False):
        items.insert(place, each)
    return items


# --- independent
def test_seven_bad_ones_of_500_hinder_no_other(client: FlaskClient, shop: Project):
    answer = batch(client, shop, five_hundred_with_seven_bad())
    assert answer.status_code == 200, answer.text
    counts = {name: answer.json[name] for name in ("success", "posted", "duplicates", "refused")}
    assert counts == {"success": False, "posted": 493, "duplicates": 0, "refused": 7}
    assert [each["index"] for each in answer.json["results"]] == list(range(500))
    assert balances() == {SHE: 593}


def test_each_refused_item_says_why(client: FlaskClient, shop: Project):
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    answer = batch(client, shop, [*BAD, posting("good")])
    *wrong, good = answer.json["results"]
    assert [each["code"] for each in wrong] == CODES
    assert wrong[0]["fields"] == {"amount": ["This must not be 0."]}
    assert wrong[1]["balance"] == 100
    assert all(each["message"] and not each["success"] for each in wrong)
    assert (good["success"], good["balance"], good["duplicate"]) == (True, 110, False)


def test_a_repeated_batch_changes_nothing(client: FlaskClient, shop: Project):
    items = five_hundred_with_seven_bad()
    first, again = batch(client, shop, items), batch(client, shop, items)
    assert (again.json["posted"], again.json["duplicates"], again.json["refused"]) == (0, 493, 7)
    numbers = [[each.get("transaction_id") for each in one.json["results"]] for one in (first, again)]
    assert numbers[0] == numbers[1]
    assert balances() == {SHE: 593}


def test_items_are_posted_in_their_order(client: FlaskClient, shop: Project):
    items = [posting("a", -100), posting("b", -1), posting("c", 1), posting("d", -1)]
    results = batch(client, shop, items).json["results"]
    assert [each["success"] for each in results] == [True, False, True, True]
    assert balances() == {SHE: 0}


def test_a_thousand_cost_as_many_statements_as_ten(client: FlaskClient, shop: Project):
    with Statements() as few:
        batch(client, shop, [posting(f"few-{number}") for number in range(10)])
    with Statements() as many:
        answer = batch(client, shop, [posting(f"many-{number}") for number in range(MOST_ITEMS)])
    assert answer.json["posted"] == MOST_ITEMS
    assert many.count <= few.count <= 15


# --- all or nothing
def test_of_an_atomic_batch_with_a_bad_item_nothing_is_posted(client: FlaskClient, shop: Project):
    answer = batch(client, shop, five_hundred_with_seven_bad(), atomic=True)
    assert refused(answer) == (422, "batch_refused")
    assert " 7 " in answer.json["message"]
    codes = [each["code"] for each in answer.json["results"]]
    assert len(codes) == 500
    assert [code for code in codes if code != "not_posted"] == CODES
    assert balances() == {SHE: 100}


@pytest.mark.parametrize("bad", BAD, ids=CODES)
def test_item_3_is_bad_whatever_is_wrong_with_it(client: FlaskClient, shop: Project, bad: object):
    answer = batch(client, shop, [posting("a"), posting("b"), bad, posting("c")], atomic=True)
    assert refused(answer) == (422, "batch_refused")
    assert balances() == {SHE: 100}


def test_an_atomic_batch_that_was_mended_goes_through(client: FlaskClient, shop: Project):
    items: list[object] = [posting("a", 5), posting("b", -200)]
    assert refused(batch(client, shop, items, atomic=True)) == (422, "batch_refused")
    items[1] = posting("b", -20)
    answer = batch(client, shop, items, atomic=True)
    assert (answer.json["success"], answer.json["posted"]) == (True, 2)
    assert balances() == {SHE: 85}
    assert batch(client, shop, items, atomic=True).json["duplicates"] == 2


# --- refused as a whole
def test_more_than_a_thousand_are_too_many(client: FlaskClient, shop: Project):
    answer = batch(client, shop, [posting(f"r{number}") for number in range(MOST_ITEMS + 1)])
    assert refused(answer) == (413, "batch_too_large")
    assert balances() == {SHE: 100}


def test_more_than_256_kib_is_too_much(client: FlaskClient, shop: Project):
    items = [posting(f"r{number}", reason="x" * 200, metadata={"y": "y" * 100}) for number in range(900)]
    assert refused(batch(client, shop, items)) == (413, "too_large")


@pytest.mark.parametrize("atomic", [False, True])
def test_two_equal_references_are_refused_before_any_effect(client: FlaskClient, shop: Project, atomic: bool):
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    answer = batch(client, shop, [posting("a"), posting("b"), posting("a")], atomic=atomic)
    assert refused(answer) == (400, "validation_error")
    assert answer.json["fields"] == {"items.2.reference": ["Item 0 has the same reference."]}
    assert balances() == {SHE: 100}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": {}},
        {"items": [posting()], "atomic": "yes"},
        {"items": [posting()], "mode": "atomic"},
    ],
)
def test_what_is_no_batch(client: FlaskClient, shop: Project, body: dict[str, object]):
    assert refused(shop.call(client, "POST", f"{API}/batch", body)) == (400, "validation_error")
    assert balances() == {SHE: 100}


def test_what_is_nested_deeply_is_refused_as_a_whole(client: FlaskClient, shop: Project):
    body = b'{"items": [{"metadata": ' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}]}"
    assert refused(shop.call(client, "POST", f"{API}/batch", body=body)) == (400, "validation_error")


# --- cut off
def test_a_batch_that_broke_off_is_finished_by_sending_it_again(
    client: FlaskClient, shop: Project, monkeypatch: pytest.MonkeyPatch
):
    """The connection to the database ends when all is written and nothing is committed."""
    items, real = five_hundred_with_seven_bad(), credit_calls.post_many

    def breaking(*args: object, **kwargs: object) -> object:
        real(*args, **kwargs)
        raise OperationalError("COMMIT", {}, Exception("cut"))

    with monkeypatch.context() as patch:
        patch.setattr(credit_calls, "post_many", breaking)
        assert refused(batch(client, shop, items)) == (503, "unavailable")
    assert balances() == {SHE: 100}
    assert batch(client, shop, items).json["posted"] == 493
    assert balances() == {SHE: 593}


def test_a_half_that_arrived_counts_once(client: FlaskClient, shop: Project):
    items = five_hundred_with_seven_bad()
    batch(client, shop, items[:200])
    whole = batch(client, shop, items).json
    assert (whole["posted"] + whole["duplicates"], whole["refused"]) == (493, 7)
    assert balances() == {SHE: 593}
