"""What projects read: balances, histories and the feed of changes."""

import pytest
from flask.testing import FlaskClient

from app.core.db import db
from app.core.queue import transaction
from app.domain.credit_clients import Scope
from app.models import CreditDrift
from app.services.credit_sync import partners
from tests.cast import Cast
from tests.crediting import Project
from tests.credits_calling import (
    API,
    NOBODY,
    SHE,
    balances,
    batch,
    busy_project,
    give,
    posting,
    refused,
    sync,
    welcome_everybody,
)


@pytest.fixture
def shop(cast: Cast) -> Project:
    give(cast.tenant.id, SHE, 100)
    return busy_project(cast.tenant.id)


def read(client: FlaskClient, shop: Project, path: str):
    return shop.call(client, "GET", f"{API}/{path}")


# --- balances
def test_a_balance_is_that_of_the_last_posting(client: FlaskClient, shop: Project):
    for number in range(20):
        posted = sync(client, shop, f"r{number}", 1)
        assert read(client, shop, f"balance/{SHE}").json["balance"] == posted.json["balance"]


def test_nobody_on_the_way_keeps_a_balance(client: FlaskClient, shop: Project):
    answer = shop.call(client, "GET", f"{API}/balance/{SHE}")
    assert answer.headers["Cache-Control"] == "no-store"


def test_held_credits_are_shown_and_not_available(client: FlaskClient, shop: Project):
    shop.call(client, "POST", f"{API}/holds", posting(amount=30))
    assert read(client, shop, f"balance/{SHE}").json == {
        "telegram_id": SHE,
        "balance": 100,
        "held": 30,
        "available": 70,
    }


def test_whom_nobody_knows_has_no_balance(client: FlaskClient, cast: Cast, shop: Project):
    assert refused(read(client, shop, f"balance/{NOBODY}")) == (404, "unknown_user")
    assert refused(read(client, shop, f"history/{NOBODY}")) == (404, "unknown_user")
    welcome_everybody(cast.tenant.id)
    assert read(client, shop, f"balance/{NOBODY}").json["balance"] == 0


@pytest.mark.parametrize("place", ["x", "0", "-1", "1.5", "9" * 19, "%00", "1%0a", "%D9%A1"])
def test_a_path_names_a_user_by_his_number(client: FlaskClient, shop: Project, place: str):
    for call in ("balance", "history"):
        answer = read(client, shop, f"{call}/{place}")
        assert refused(answer) == (400, "validation_error")
        assert list(answer.json["fields"]) == ["telegram_id"]


def test_many_balances_come_in_the_order_asked(client: FlaskClient, cast: Cast, shop: Project):
    give(cast.tenant.id, SHE + 1, 7)
    body = {"telegram_ids": [NOBODY, str(SHE + 1), SHE, SHE]}
    found = shop.call(client, "POST", f"{API}/balances", body).json["balances"]
    assert [(each["telegram_id"], each["balance"], each["known"]) for each in found] == [
        (NOBODY, 0, False), (SHE + 1, 7, True), (SHE, 100, True), (SHE, 100, True),
    ]  # fmt: skip


@pytest.mark.parametrize("ids", [[], [0], ["x"], [True], SHE, [SHE] * 1001])
def test_lists_of_users_that_are_none(client: FlaskClient, shop: Project, ids: object):
    answer = shop.call(client, "POST", f"{API}/balances", {"telegram_ids": ids})
    assert refused(answer) == (400, "validation_error")


# --- history
def test_a_history_is_read_page_by_page(client: FlaskClient, shop: Project):
    batch(client, shop, [posting(f"r{number}", 1) for number in range(7)])
    seen, cursor = [], ""
    while cursor is not None:
        page = read(client, shop, f"history/{SHE}?limit=3{cursor and f'&before={cursor}'}").json
        seen += [each["reference"] for each in page["postings"]]
        cursor = page["next"]
    assert seen == ["r6", "r5", "r4", "r3", "r2", "r1", "r0", "g0"]


def test_a_posting_shows_all_that_was_said_of_it(client: FlaskClient, shop: Project):
    sync(client, shop, metadata={"order": 42, "text": "小礼物"})
    shown = read(client, shop, f"history/{SHE}?limit=1").json["postings"][0]
    assert shown["metadata"] == {"order": 42, "text": "小礼物"}
    assert (shown["source"], shown["reason"], shown["amount"], shown["balance"]) == (
        "shop",
        "Order 42",
        10,
        110,
    )
    assert shown["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("before=0", "before"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_pages_that_are_none(client: FlaskClient, shop: Project, query: str, field: str):
    answer = read(client, shop, f"history/{SHE}?{query}")
    assert refused(answer) == (400, "validation_error")
    assert list(answer.json["fields"]) == [field]


# --- the feed
def test_the_feed_tells_each_posting_once_and_in_order(client: FlaskClient, shop: Project):
    batch(client, shop, [posting(f"r{number}", 1) for number in range(10)])
    seen, cursor, more = [], 0, True
    while more:
        page = read(client, shop, f"changes?after={cursor}&limit=4").json
        seen += [each["reference"] for each in page["changes"]]
        cursor, more = page["cursor"], page["more"]
    assert seen == ["g0", *(f"r{number}" for number in range(10))]
    sync(client, shop)
    later = read(client, shop, f"changes?after={cursor}").json
    assert [each["reference"] for each in later["changes"]] == ["order-42"]
    assert read(client, shop, f"changes?after={later['cursor']}").json == {
        "changes": [],
        "cursor": later["cursor"],
        "more": False,
    }


def test_a_project_may_leave_its_own_out(client: FlaskClient, shop: Project):
    sync(client, shop)
    others = read(client, shop, "changes?except_source=shop").json["changes"]
    assert {each["source"] for each in others} == {"admin"}
    own = read(client, shop, "changes?source=shop").json["changes"]
    assert {each["source"] for each in own} == {"shop"}


def test_what_somebody_leaves_out_is_not_looked_at_again(client: FlaskClient, shop: Project):
    batch(client, shop, [posting(f"r{number}", 1) for number in range(10)])
    first = read(client, shop, "changes?source=nobody").json
    assert first["changes"] == []
    assert first["cursor"] > 0


# --- scopes
def test_a_key_that_may_only_read_posts_nothing(client: FlaskClient, cast: Cast, shop: Project):
    reader = busy_project(cast.tenant.id, "reader", scopes=[Scope.READ])
    assert read(client, reader, f"balance/{SHE}").status_code == 200
    for path, body in (
        ("sync", posting()),
        ("batch", {"items": [posting()]}),
        ("holds", posting()),
        ("holds/1/capture", {}),
        ("holds/1/void", {}),
    ):
        assert refused(reader.call(client, "POST", f"{API}/{path}", body)) == (403, "scope_missing")
    assert balances() == {SHE: 100}


def test_a_key_that_may_only_post_reads_nothing(client: FlaskClient, cast: Cast, shop: Project):
    poster = busy_project(cast.tenant.id, "poster", scopes=[Scope.POST])
    assert sync(client, poster).status_code == 200
    for path in (f"balance/{SHE}", f"history/{SHE}", "changes", "holds/1"):
        assert refused(read(client, poster, path)) == (403, "scope_missing")


# --- comparing
def compare(client: FlaskClient, shop: Project, pairs: dict[int, int], **more: object):
    rows = [{"telegram_id": each, "balance": balance} for each, balance in pairs.items()]
    return shop.call(client, "POST", f"{API}/compare", {"balances": rows, **more})


def test_balances_that_differ_are_told(client: FlaskClient, cast: Cast, shop: Project):
    give(cast.tenant.id, SHE + 1, 7)
    found = compare(client, shop, {SHE: 90, SHE + 1: 7, NOBODY: 3}).json
    assert (found["compared"], found["differing"]) == (3, 2)
    assert found["lines"] == [
        {"telegram_id": SHE, "ours": 100, "theirs": 90, "undelivered": 0},
        {"telegram_id": NOBODY, "ours": None, "theirs": 3, "undelivered": 0},
    ]
    assert found["id"] == db.session.query(CreditDrift.id).scalar()


def test_what_was_not_sent_yet_explains_a_difference(client: FlaskClient, cast: Cast, shop: Project):
    with transaction():
        partners.create(
            cast.tenant.id,
            "Shop",
            "https://shop.example/in",
            sources=(),
            except_source="shop",
            start="beginning",
        )
    found = compare(client, shop, {SHE: 0}).json
    assert (found["explained"], found["lines"][0]["undelivered"]) == (1, 100)


@pytest.mark.parametrize(
    "body",
    [
        {"balances": []},
        {"balances": [{"telegram_id": SHE}]},
        {"balances": [{"telegram_id": SHE, "balance": 1}] * 2},
        {"balances": [{"telegram_id": SHE, "balance": 10**18 + 1}]},
        {"balances": [{"telegram_id": SHE, "balance": 1}], "name": " "},
    ],
)
def test_comparisons_that_are_none(client: FlaskClient, shop: Project, body: dict[str, object]):
    assert refused(shop.call(client, "POST", f"{API}/compare", body)) == (400, "validation_error")
