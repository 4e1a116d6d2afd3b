"""Changes on their way to a partner while a worker, Redis and PostgreSQL die, with two beats and with none."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from sdk.credit_sync_client import BatchVerifier
from tests.e2e.stack import Stack
from tests.faults.banking import Bank, broken
from tests.syncing import Partner, slowly
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
PROCESSES = ("worker", "worker2")
POSTINGS = """
SELECT a.telegram_id, p.id FROM credit_posting p JOIN credit_account a ON a.id = p.account_id
WHERE p.tenant_id = %s ORDER BY p.id
"""


@pytest.fixture
def stack(durable: Stack) -> Iterator[Stack]:
    """Two workers, and no beat: tests ring in its place, or the workers do its work themselves."""
    durable.up(*PROCESSES)
    yield durable
    for name in PROCESSES:
        durable.kill9(name)


class Mall(Partner):
    """A partner in no hurry; `most` = how many batches it worked on at once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.mood = self._take
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def _take(self, batch: dict[str, Any]) -> Response:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        answer = slowly(0.05)(batch)
        with self._lock:
            self.inside -= 1
        return answer

    def firsts(self) -> dict[int, int]:
        """Whose changes came, by their ids, in the order in which they came first."""
        return {change["id"]: change["telegram_id"] for change in self.taken}


@pytest.fixture
def tenant(stack: Stack, bank: Bank) -> int:
    return bank.open("sending")


@pytest.fixture
def mall(bank: Bank, tenant: int, partner_server: HTTPServer) -> Mall:
    """Is sent everything."""
    mall = Mall(partner_server)
    key_id, secret = bank.ask("add_partner", tenant, mall.url)
    mall.verifier = BatchVerifier(key_id, secret)
    return mall


def test_a_partner_gets_everything_once_and_in_order_whatever_dies(
    stack: Stack, bank: Bank, tenant: int, mall: Mall, deaths: Path
):
    def all_arrives() -> None:
        wanted = stack.sql(POSTINGS, tenant)
        wait_for(lambda: len(mall.firsts()) == len(wanted), seconds=40, what="everything to arrive")

    bank.ask("post_some", tenant, "two-beats")
    bank.ask("ring", 10)
    all_arrives()
    (deaths / "synced").touch()
    bank.ask("post_some", tenant, "a-death")
    wait_for(lambda: not all(map(stack.lives, PROCESSES)), seconds=20, what="a worker to die with an answer")
    bank.ask("post_some", tenant, "after-a-death")
    all_arrives()
    assert len(mall.taken) > len(mall.firsts())
    with stack.redis_client() as client:
        client.flushall()
    bank.ask("post_some", tenant, "no-beat-and-no-messages")
    all_arrives()
    stack.postgres.kill9()
    stack.postgres.start()
    bank.ask("post_some", tenant, "another-life")
    all_arrives()
    check(stack, tenant, mall)


def check(stack: Stack, tenant: int, mall: Mall) -> None:
    """Everything once, each account's in order, no batch beside another one."""
    everything, firsts = stack.sql(POSTINGS, tenant), mall.firsts()
    for person in set(firsts.values()):
        came = [number for number, who in firsts.items() if who == person]
        assert came == [number for who, number in everything if who == person]
    assert (mall.wrong, mall.most) == ([], 1)
    batches = {batch["batch_id"]: batch["changes"] for batch in mall.seen}
    assert all(batch["changes"] == batches[batch["batch_id"]] for batch in mall.seen)
    assert sum(len(each) for each in batches.values()) == len(everything)
    assert broken(stack) == {}
