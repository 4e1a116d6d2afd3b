"""Each method of the partners' client against the real application, over real HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import time

import pytest

from app.core.queue import transaction
from app.services.credit_clients import manage
from sdk import credit_sync_client
from sdk.credit_sync_client import CreditSyncClient, CreditSyncError, Difference
from tests.cast import Cast
from tests.chromium import serving
from tests.crediting import Project, project
from tests.credits_calling import NOBODY, SHE, balances, busy_project, give
from wsgi import app as the_app


@pytest.fixture
def shop(cast: Cast) -> Project:
    give(cast.tenant.id, SHE, 100)
    return busy_project(cast.tenant.id, allow_v1=True)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving(the_app) as url:
        yield url


@pytest.fixture
def ledger(site: str, shop: Project, naps: list[float]) -> Iterator[CreditSyncClient]:
    with CreditSyncClient(site, shop.api_key, shop.secret, "shop") as client:
        yield client


def order(number: int = 42, amount: int = 10, **more: object) -> dict[str, object]:
    return {
        "telegram_id": SHE, "amount": amount, "reason": f"订单 {number}", "reference": f"order-{number}", **more,
    }  # fmt: skip


def test_credits_are_given_and_taken(ledger: CreditSyncClient):
    given = ledger.add_credits(**order(1))
    taken = ledger.deduct_credits(**order(2, 30, metadata={"sku": "mug", "parts": [1, 2]}))
    assert (given.success, given.balance, given.code) == (True, 110, "")
    assert (taken.success, taken.balance, taken.message != "") == (True, 80, True)
    assert balances() == {SHE: 80}


def test_a_repeated_call_says_so_and_changes_nothing(ledger: CreditSyncClient):
    first, again = ledger.add_credits(**order()), ledger.add_credits(**order())
    assert (first.duplicate, again.duplicate, again.success) == (False, True, True)
    assert (again.transaction_id, again.balance) == (first.transaction_id, 110)


def test_refusals_are_results(ledger: CreditSyncClient):
    ledger.add_credits(**order())
    poor = ledger.deduct_credits(**order(2, 500))
    unknown = ledger.add_credits(**order(3, telegram_id=NOBODY))
    other = ledger.add_credits(**order(amount=11))
    assert (poor.success, poor.code, poor.balance) == (False, "insufficient_credits", 110)
    assert (unknown.code, unknown.message != "") == ("unknown_user", True)
    assert other.code == "reference_conflict"
    assert balances() == {SHE: 110}


def test_messages_come_in_the_language_that_is_asked_for(site: str, shop: Project):
    with CreditSyncClient(site, shop.api_key, shop.secret, "shop", language="zh") as client:
        assert "积分" in client.deduct_credits(**order(1, 500)).message


def test_mistakes_are_errors(ledger: CreditSyncClient, site: str, shop: Project):
    with pytest.raises(CreditSyncError) as found:
        ledger.add_credits(**order(reason=""))
    assert (found.value.code, found.value.status, list(found.value.fields)) == (
        "validation_error",
        400,
        ["reason"],
    )
    for wrong, code in (
        ({"secret_key": "x" * 43}, "invalid_signature"),
        ({"api_key": f"{shop.key_id}.{'x' * 43}"}, "invalid_api_key"),
        ({"source": "casino"}, "wrong_source"),
    ):
        given = {"api_key": shop.api_key, "secret_key": shop.secret, "source": "shop", **wrong}
        with CreditSyncClient(site, **given) as client, pytest.raises(CreditSyncError, match=code):
            client.add_credits(**order())
    with CreditSyncClient(f"{site}/nowhere", shop.api_key, shop.secret, "shop") as lost:
        with pytest.raises(CreditSyncError) as found:
            lost.get_balance(SHE)
        assert found.value.status == 404


def test_a_batch(ledger: CreditSyncClient):
    items = [order(1), order(2, -500), order(3, 5, telegram_id=NOBODY), order(4, -10)]
    found = ledger.batch(items)
    assert (found.success, found.posted, found.duplicates, found.refused) == (False, 2, 0, 2)
    codes = [one.code for one in found.results]
    assert codes == ["", "insufficient_credits", "unknown_user", ""]
    again = ledger.batch([items[0], items[3]])
    assert (again.success, again.posted, again.duplicates) == (True, 0, 2)


def test_an_atomic_batch_is_all_or_nothing(ledger: CreditSyncClient):
    found = ledger.batch([order(1), order(2, -500)], atomic=True)
    assert (found.success, found.posted, found.code) == (False, 0, "batch_refused")
    assert [one.code for one in found.results] == ["not_posted", "insufficient_credits"]
    assert balances() == {SHE: 100}
    assert ledger.batch([order(1), order(2, -50)], atomic=True).success


def test_a_thousand_postings_are_one_call(ledger: CreditSyncClient):
    found = ledger.batch(order(number, 1) for number in range(1000))
    assert (found.success, found.posted, found.results[-1].balance) == (True, 1000, 1100)


def test_balances_of_one_and_many(ledger: CreditSyncClient):
    ledger.reserve(**order(1, 60))
    mine = ledger.get_balance(SHE)
    assert (mine.success, mine.balance, mine.held, mine.available) == (True, 100, 60, 40)
    assert ledger.get_balance(NOBODY).code == "unknown_user"
    many = ledger.get_balances([SHE, NOBODY])
    assert many[SHE] == mine
    assert (many[NOBODY].success, many[NOBODY].code) == (False, "unknown_user")


def test_histories_and_the_feed_are_read_to_their_ends(ledger: CreditSyncClient):
    ledger.batch([order(number, 1, metadata={"n": number}) for number in range(7)])
    history = list(ledger.history(SHE, page_size=3))
    assert [posting.amount for posting in history] == [1] * 7 + [100]
    assert (history[0].reference, history[0].metadata, history[0].reason) == ("order-6", {"n": 6}, "订单 6")
    feed = ledger.iter_changes(page_size=3)
    changes = list(feed)
    assert changes == history[::-1]
    assert feed.cursor == changes[-1].id
    assert list(ledger.iter_changes(except_source="shop")) == changes[:1]
    ledger.add_credits(**order(8))
    assert [change.reference for change in ledger.iter_changes(feed.cursor)] == ["order-8"]
    with pytest.raises(CreditSyncError, match="unknown_user"):
        next(ledger.history(NOBODY))


def test_holds(ledger: CreditSyncClient):
    hold = ledger.reserve(**order(1, 60), expires_in=3600)
    assert (hold.success, hold.state, hold.available, hold.captured) == (True, "active", 40, 0)
    assert ledger.reserve(**order(1, 60), expires_in=3600).hold_id == hold.hold_id
    assert ledger.reserve(**order(2, 60)).code == "insufficient_credits"
    taken = ledger.capture(hold.hold_id, 45)
    assert (taken.state, taken.captured, taken.balance, taken.available) == ("captured", 45, 55, 55)
    assert ledger.capture(hold.hold_id, 45) == taken == ledger.get_hold(hold.hold_id)
    gone = ledger.void(hold.hold_id)
    assert (gone.success, gone.code != "") == (False, True)
    other = ledger.reserve(**order(3, 5))
    assert ledger.void(other.hold_id).state == "voided"
    assert ledger.get_hold(10**9).success is False
    assert balances() == {SHE: 55}


def test_a_comparison(ledger: CreditSyncClient):
    found = ledger.compare([(SHE, 99), (NOBODY, 5)], name="我的商城")
    assert (found.compared, found.differing) == (2, 2)
    assert Difference(telegram_id=SHE, ours=100, theirs=99) in found.differences
    assert Difference(telegram_id=NOBODY, ours=None, theirs=5) in found.differences


def test_a_clock_that_is_an_hour_wrong_is_set(ledger: CreditSyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(credit_sync_client, "time", lambda: time() - 3600)
    assert ledger.add_credits(**order()).success
    assert ledger.deduct_credits(**order(2)).success


def test_the_limit_of_calls_is_told(cast: Cast, site: str, shop: Project):
    slow = project(cast.tenant.id, "slow")
    with CreditSyncClient(site, slow.api_key, slow.secret, "slow", retries=0) as client:
        found = _first_error(client)
    assert (found.code, found.status, (found.retry_after or 0) >= 1) == ("rate_limited", 429, True)


def _first_error(client: CreditSyncClient) -> CreditSyncError:
    for _ in range(100):
        try:
            client.get_balance(SHE)
        except CreditSyncError as error:
            return error
    raise AssertionError("a hundred calls at once, and none was refused")


def test_keys_change_without_a_pause(ledger: CreditSyncClient, site: str, shop: Project):
    with transaction():
        made = manage.rotate(shop.key_row_id, timedelta(hours=1))
    assert ledger.add_credits(**order()).success
    with CreditSyncClient(site, made.api_key, made.secret_key, "shop") as new:
        assert new.add_credits(**order()).duplicate


def test_threads_share_a_client(ledger: CreditSyncClient):
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda number: ledger.add_credits(**order(number % 10, 1)), range(40)))
    assert all(result.success for result in results)
    assert sum(not result.duplicate for result in results) == 10
    assert balances() == {SHE: 110}


def test_old_partners_may_use_it_too(site: str, shop: Project):
    with CreditSyncClient(site, shop.api_key, shop.secret, "shop", signature="v1") as client:
        assert client.add_credits(**order(1)).balance == 110
        assert client.deduct_credits(**order(2)).balance == 100
        assert client.get_balance(SHE).balance == 100
