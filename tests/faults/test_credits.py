"""The ledger under eight processes that post at once, also while they and PostgreSQL are killed. PostgreSQL writes durably.

CREDIT_SECONDS (6) is how long each of them lasts; 60 by hand shows that nothing adds up slowly.
"""

import os
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.faults.banking import Bank, Race, broken

SECONDS = float(os.environ.get("CREDIT_SECONDS", "6"))
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120 + 6 * SECONDS)]
numbers = count(1)


@pytest.fixture
def tenant(bank: Bank) -> int:
    """A tenant's bank of its own."""
    return bank.open(f"bank{next(numbers)}")


def show(race: Race) -> None:
    """The figures, for whoever reads them."""
    told = f"{race.seconds:.0f} s: {race.wishes()} transactions, {race.deaths} deaths, away {race.away()}"
    print(f"{told}: {dict(sorted(race.answers().items()))}")  # noqa: T201 - that one wants to know


def test_eight_processes_lose_and_make_nothing(durable: Stack, bank: Bank, tenant: int, tmp_path: Path):
    race = bank.begin_race(tmp_path / "race", tenant, SECONDS)
    race.end()
    show(race)
    assert race.away() == 0
    assert race.wrong() == broken(durable) == {}
    assert bank.ask("check", tenant)[2] == 0
    # A busy machine does not get to everything in a few seconds, but to these.
    assert {"posted", "duplicate", "insufficient_credits", "not_posted"} <= set(race.answers())


def test_killed_clerks_and_a_killed_postgresql_lose_and_make_nothing(
    durable: Stack, bank: Bank, tenant: int, tmp_path: Path
):
    race = bank.begin_race(tmp_path / "race", tenant, SECONDS, kill_every=0.3)
    began = time.monotonic()
    faults: list[Callable[[], object]] = [durable.postgres.stop, durable.postgres.kill9]
    pause = max(2.0, SECONDS / 6)
    for place, fault in zip(range(1, int(SECONDS / pause)), faults * 3, strict=False):
        time.sleep(max(0, began + pause * place - time.monotonic()))
        fault()
        durable.postgres.start()
    race.end()
    show(race)
    assert race.deaths > 0
    assert race.away() > 0
    assert race.wrong() == broken(durable) == {}
    assert bank.ask("check", tenant)[2] == 0


def test_holds_end_once_whoever_dies(durable: Stack, bank: Bank, tenant: int, tmp_path: Path):
    race = bank.begin_race(tmp_path / "race", tenant, SECONDS / 2, clerks=4, mix="holds", kill_every=0.2)
    race.end()
    show(race)
    assert race.deaths > 0
    states = dict(
        durable.sql("SELECT state, count(*) FROM credit_hold WHERE tenant_id = %s GROUP BY state", tenant)
    )
    assert {"captured", "expired"} <= set(states)
    assert race.wrong() == broken(durable) == {}
    assert bank.ask("check", tenant)[2] == 0
