"""Pages, feeds, batches, holds and comparisons as the client hands them out."""

import json

import pytest
from pytest_httpserver import HTTPServer

from sdk.credit_sync_client import CreditSyncClient, CreditSyncError, Difference, Result
from tests.sdk.answers import POSTING, answering, problem, well

HOLD = {
    "success": True, "message": "Held", "hold_id": 4, "telegram_id": 5550001, "amount": 10, "captured": 0,
    "state": "active", "source": "shop", "reference": "order-42", "reason": "r", "transaction_id": None,
    "expires_at": "2030-01-01T00:00:00Z", "balance": 90, "held": 10, "available": 80,
}  # fmt: skip


def row(number: int, **more: object) -> dict[str, object]:
    return {
        "id": number, "telegram_id": 5550001, "amount": 1, "balance": number, "source": "shop",
        "reference": f"r{number}", "reason": "r", "metadata": {}, "created_at": "2030-01-01T00:00:00Z", **more,
    }  # fmt: skip


def changes(*numbers: int, cursor: int, more: bool = False) -> object:
    return well({"changes": [row(number) for number in numbers], "cursor": cursor, "more": more})


def test_the_feed_goes_on_from_page_to_page(ledger: CreditSyncClient, httpserver: HTTPServer):
    pages = changes(1, 2, cursor=2, more=True), changes(5, cursor=7)
    got = answering(httpserver, *pages, path="/api/credits/changes")
    feed = ledger.iter_changes()
    assert feed.cursor == 0
    assert [(change.id, feed.cursor) for change in feed] == [(1, 1), (2, 2), (5, 5)]
    assert feed.cursor == 7
    assert [request.args["after"] for request in got] == ["0", "2"]


def test_a_page_may_be_empty_and_not_the_last(ledger: CreditSyncClient, httpserver: HTTPServer):
    answering(
        httpserver, changes(cursor=200, more=True), changes(201, cursor=201), path="/api/credits/changes"
    )
    assert [change.id for change in ledger.iter_changes(except_source="shop")] == [201]


def test_whoever_stops_in_the_middle_knows_where(ledger: CreditSyncClient, httpserver: HTTPServer):
    answering(httpserver, changes(1, 2, 3, cursor=3), path="/api/credits/changes")
    feed = ledger.iter_changes()
    assert (next(feed).id, next(feed).id, feed.cursor) == (1, 2, 2)


def test_a_history_goes_back_page_by_page(ledger: CreditSyncClient, httpserver: HTTPServer):
    pages = well({"postings": [row(9), row(8)], "next": 8}), well({"postings": [row(3)], "next": None})
    got = answering(httpserver, *pages, path="/api/credits/history/5550001")
    assert [change.id for change in ledger.history(5550001, page_size=2)] == [9, 8, 3]
    assert [dict(request.args) for request in got] == [{"limit": "2"}, {"limit": "2", "before": "8"}]


def test_the_history_of_nobody_is_an_error(ledger: CreditSyncClient, httpserver: HTTPServer):
    answering(httpserver, problem("unknown_user", 404), path="/api/credits/history/5")
    with pytest.raises(CreditSyncError, match="unknown_user"):
        next(ledger.history(5))


@pytest.mark.parametrize("page", [{}, {"changes": 5}, {"changes": [{"id": 1}], "cursor": 1, "more": False}])
def test_a_page_that_makes_no_sense_is_an_error(ledger: CreditSyncClient, httpserver: HTTPServer, page):
    answering(httpserver, well(page), path="/api/credits/changes")
    with pytest.raises(CreditSyncError, match="bad_answer"):
        list(ledger.iter_changes())


def test_balances(ledger: CreditSyncClient, httpserver: HTTPServer):
    lin = {"telegram_id": 1, "balance": 90, "held": 10, "available": 80}
    nobody = {"telegram_id": 2, "balance": 0, "held": 0, "available": 0, "known": False}
    answering(httpserver, well(lin), path="/api/credits/balance/1")
    answering(httpserver, problem("unknown_user", 404), path="/api/credits/balance/2")
    answering(httpserver, well({"balances": [{**lin, "known": True}, nobody]}), path="/api/credits/balances")
    one, none, both = ledger.get_balance(1), ledger.get_balance(2), ledger.get_balances([1, 2])
    assert (one.success, one.balance, one.held, one.available) == (True, 90, 10, 80)
    assert (none.success, none.balance, none.code, none.message) == (False, None, "unknown_user", "No.")
    assert both[1] == one
    assert (both[2].success, both[2].code) == (False, "unknown_user")


def test_a_batch_says_what_became_of_each(ledger: CreditSyncClient, httpserver: HTTPServer):
    results = [
        {"index": 0, "success": True, "balance": 1, "message": "", "transaction_id": 1, "duplicate": False},
        {"index": 1, "success": True, "balance": 2, "message": "", "transaction_id": 2, "duplicate": True},
        {"index": 2, "success": False, "message": "Nobody", "code": "unknown_user"},
    ]
    answer = {"success": False, "posted": 1, "duplicates": 1, "refused": 1, "results": results}
    got = answering(httpserver, well(answer), path="/api/credits/batch")
    items = [{**POSTING, "reference": f"r{number}", "amount": -5} for number in range(3)]
    found = ledger.batch(items)
    assert (found.success, found.posted, found.duplicates, found.refused) == (False, 1, 1, 1)
    assert found.results[2] == Result(success=False, balance=None, message="Nobody", code="unknown_user")
    sent = json.loads(got[0].data)
    assert sent == {"items": [{**item, "source": "shop"} for item in items], "atomic": False}


def test_an_atomic_batch_that_was_refused_posted_nothing(ledger: CreditSyncClient, httpserver: HTTPServer):
    results = [
        {"index": 0, "success": False, "message": "", "code": "not_posted"},
        {"index": 1, "success": False, "message": "Nobody", "code": "unknown_user"},
    ]
    answering(httpserver, problem("batch_refused", 422, results=results), path="/api/credits/batch")
    found = ledger.batch([POSTING, {**POSTING, "reference": "b"}], atomic=True)
    assert (found.success, found.posted, found.refused, found.code) == (False, 0, 2, "batch_refused")
    assert [one.code for one in found.results] == ["not_posted", "unknown_user"]


@pytest.mark.parametrize("count", [0, 1001])
def test_batches_have_a_size(ledger: CreditSyncClient, count: int):
    with pytest.raises(ValueError, match="1 to 1000"):
        ledger.batch([POSTING] * count)


def test_a_batch_needs_an_answer_for_each_item(ledger: CreditSyncClient, httpserver: HTTPServer):
    answering(httpserver, well({"results": []}), path="/api/credits/batch")
    with pytest.raises(CreditSyncError, match="another number of results"):
        ledger.batch([POSTING])


def test_a_hold_is_made_captured_and_let_go(ledger: CreditSyncClient, httpserver: HTTPServer):
    got = answering(httpserver, well(HOLD), path="/api/credits/holds")
    captured = {**HOLD, "state": "captured", "captured": 6, "transaction_id": 8, "balance": 84}
    take = answering(httpserver, well(captured), path="/api/credits/holds/4/capture")
    answering(httpserver, problem("hold_closed", 409), path="/api/credits/holds/4/void")
    hold = ledger.reserve(**POSTING, expires_in=60)
    assert (hold.success, hold.hold_id, hold.state, hold.available) == (True, 4, "active", 80)
    assert json.loads(got[0].data) == {**POSTING, "source": "shop", "expires_in": 60}
    assert ledger.capture(4, 6).transaction_id == 8
    assert json.loads(take[0].data) == {"amount": 6}
    assert (ledger.void(4).success, ledger.void(4).code) == (False, "hold_closed")


def test_a_comparison_lists_what_differs(ledger: CreditSyncClient, httpserver: HTTPServer):
    line = {"telegram_id": 1, "ours": None, "theirs": 9, "undelivered": 0}
    answer = {"id": 3, "compared": 2, "differing": 1, "explained": 0, "lines": [line]}
    got = answering(httpserver, well(answer), path="/api/credits/compare")
    found = ledger.compare({1: 9, 2: 0})
    assert (found.id, found.compared, found.differing) == (3, 2, 1)
    assert found.differences == [Difference(telegram_id=1, ours=None, theirs=9)]
    sent = json.loads(got[0].data)["balances"]
    assert sent == [{"telegram_id": 1, "balance": 9}, {"telegram_id": 2, "balance": 0}]
