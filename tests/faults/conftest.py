"""A stack with two workers whose parts are killed, with short leases and slices so that tests need not wait."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from pytest_httpserver import HTTPServer

from tests.e2e.conftest import pytest_runtest_makereport
from tests.e2e.stack import Boss, OurBot, Stack
from tests.faults.banking import Bank
from tests.waiting import wait_for

__all__ = ["pytest_runtest_makereport"]
PROCESSES = ("web", "worker", "worker2", "beat")


class Keeper:
    """Starts what died anew, as a platform does; `deaths` are the names and exit statuses."""

    def __init__(self, stack: Stack, *names: str) -> None:
        self.stack = stack
        self.names = names
        self.deaths: list[tuple[str, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    @property
    def restarts(self) -> int:
        """How often something had died."""
        return len(self.deaths)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if kind is None:
            self.stack.up(*[name for name in self.names if not self.stack.lives(name)])
            for name in self.names:
                self.stack._await(name)

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            for name in self.names:
                if not self.stack.lives(name):
                    status = self.stack.processes[name].returncode
                    # It may well die before it is ready, so nobody waits for that here.
                    self.stack._launch(name)
                    self.deaths.append((name, status))


@pytest.fixture(scope="session")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the points of a draw are named at which a worker is to die, see `deaths.arm`."""
    return tmp_path_factory.mktemp("deaths")


@pytest.fixture(scope="session")
def faulty(deaths: Path) -> Iterator[Stack]:
    """The stack of all tests here."""
    with Stack.start(
        PROCESSES,
        worker_app="tests.faults.poisoned",
        LEASE_SECONDS="2",
        SLICE_SECONDS="15",
        DRAIN_CHATS="40",
        WEB_CONCURRENCY="1",
        DEATHS=str(deaths),
    ) as stack:
        yield stack


@pytest.fixture
def stack(faulty: Stack) -> Iterator[Stack]:
    """The stack with everything alive and nothing left to do."""
    faulty.postgres.start()
    faulty.redis.start()
    faulty.up(*[name for name in PROCESSES if not faulty.lives(name)])
    faulty.sandbox.clear_orders()
    yield faulty
    faulty.postgres.start()
    faulty.redis.start()


@pytest.fixture(scope="session")
def made(faulty: Stack) -> list[OurBot]:
    """Four bots of one tenant and one of another, all with webhooks."""
    return [*make_bots(faulty, faulty.boss(), 4), *make_bots(faulty, faulty.boss(), 1)]


@pytest.fixture
def bots(stack: Stack, made: list[OurBot]) -> list[OurBot]:
    """Four bots of one tenant."""
    return made[:4]


@pytest.fixture
def theirs(stack: Stack, made: list[OurBot]) -> OurBot:
    """The other tenant's bot."""
    return made[4]


def make_bots(stack: Stack, boss: Boss, number: int) -> list[OurBot]:
    """Bots whose webhook is set."""
    bots = [stack.bot(boss, mode="webhook") for _ in range(number)]
    ids = [bot.id for bot in bots]
    ready = "SELECT count(*) FROM bot WHERE id = ANY(%s) AND webhook_set_at IS NOT NULL"
    wait_for(lambda: stack.sql(ready, ids)[0][0] == number, seconds=30, what="the webhooks to be set")
    return bots


@pytest.fixture(scope="session")
def partner_server() -> Iterator[HTTPServer]:
    """Where partners of the durable stack are sent changes."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture(scope="session")
def durable(deaths: Path, partner_server: HTTPServer) -> Iterator[Stack]:
    """A stack without processes whose PostgreSQL writes as durably as in production."""
    with Stack.start(
        (),
        worker_app="tests.faults.mortal_worker",
        web_app="tests.faults.mortal_web:app",
        WEB_CONCURRENCY="2",
        DEATHS=str(deaths),
        OUTBOUND_ORIGINS=f"http://127.0.0.1:{partner_server.port}",
    ) as stack:
        # Only from here on, since making all tables takes many times as long so.
        stack.postgres.stop()
        with (stack.home / "postgres" / "postgresql.conf").open("a") as file:
            file.write("fsync = on\nfull_page_writes = on\n")
        stack.postgres.start()
        yield stack
        stack.postgres.kill9()


@pytest.fixture(scope="session")
def bank(durable: Stack) -> Iterator[Bank]:
    """Who opens tenants' ledgers in it, and has clerks work on them."""
    bank = Bank(durable)
    yield bank
    bank.end()
