"""Calls of a partner's program while web workers, Redis and PostgreSQL are killed under it.

CREDIT_DEATHS (1) is how often a worker dies before an answer and another one somewhere, and both servers afterwards.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.faults.banking import Bank, broken
from tests.faults.shoppers import Shoppers, kill_one
from tests.waiting import wait_for

DEATHS = int(os.environ.get("CREDIT_DEATHS", "1"))
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180 * DEATHS)]
POSTINGS = "SELECT reference, id, balance FROM credit_posting WHERE tenant_id = %s AND source = 'shop'"


@pytest.fixture
def stack(durable: Stack) -> Iterator[Stack]:
    """Two web workers."""
    durable.up("web")
    yield durable
    durable.kill9("web")


def moved(shoppers: Shoppers, calls: int = 30) -> None:
    """Waits until some more calls were answered."""
    before = shoppers.traffic.statuses[200]
    wait_for(lambda: shoppers.traffic.statuses[200] >= before + calls, seconds=40, what="calls to go well")


def test_whatever_dies_each_reference_counts_once_and_no_call_twice(
    stack: Stack, bank: Bank, deaths: Path, monkeypatch: pytest.MonkeyPatch
):
    tenant = bank.open("calls")
    shoppers = Shoppers(stack, *bank.ask("open_project", tenant))
    with shoppers.shopping(monkeypatch):
        moved(shoppers)
        for _ in range(DEATHS):
            order = deaths / "answer"
            order.touch()
            wait_for(lambda order=order: not order.exists(), what="a worker to die before its answer")
            moved(shoppers)
            kill_one(stack)
            moved(shoppers)
        with stack.redis_client() as client:
            client.flushall()
        assert set(shoppers.replay()) == {409}
        stack.redis.kill9()
        moved(shoppers)
        assert set(shoppers.replay()) == {409}
        stack.redis.start()
        for fault in (stack.postgres.stop, stack.postgres.kill9) * DEATHS:
            refused = shoppers.traffic.statuses[503]
            fault()
            wait_for(lambda refused=refused: shoppers.traffic.statuses[503] > refused, what="a 503")
            stack.postgres.start()
            assert set(shoppers.replay()) == {409}
            moved(shoppers)
    print(shoppers.traffic.statuses)  # noqa: T201 - the figures are what one wants to know
    assert shoppers.errors + shoppers.traffic.odd == []
    made = {reference: (number, balance) for reference, number, balance in stack.sql(POSTINGS, tenant)}
    assert made == {
        reference: (result.transaction_id, result.balance)
        for reference, result in shoppers.results.items()
        if result.success
    }
    assert {each.code for each in shoppers.results.values() if not each.success} <= {"insufficient_credits"}
    assert any(each.duplicate for each in shoppers.results.values())
    assert broken(stack) == {}
