"""A partner's program under faults: threads that post by the SDK, and somebody who sends their calls once more."""

import os
import random
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest
import requests

from sdk import credit_sync_client
from sdk.credit_sync_client import CreditSyncClient, CreditSyncError, Result
from tests.e2e.stack import Stack
from tests.faults.clerk import FIRST, PEOPLE

HURRY = 20
"""So many times shorter than in life are the client's pauses."""


@dataclass
class Traffic:
    """What went over the line: how often which status came, those that were not as they should be, and calls that were answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    answered: deque[requests.PreparedRequest] = field(default_factory=lambda: deque(maxlen=200))

    def see(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """One answer."""
        self.statuses[response.status_code] += 1
        if response.status_code == 503 and not response.headers.get("Retry-After"):
            self.odd.append(f"503 without Retry-After: {response.text}")
        is_poor = response.status_code == 409 and response.json()["code"] == "insufficient_credits"
        if response.status_code not in {200, 503} and not is_poor:
            self.odd.append(f"{response.status_code}: {response.text}")
        if response.status_code == 200 and response.request.method == "POST":
            self.answered.append(response.request)


class Shoppers:
    """Eight threads of one client; `results` by reference."""

    def __init__(self, stack: Stack, api_key: str, secret: str) -> None:
        self.stack, self.traffic = stack, Traffic()
        self.client = CreditSyncClient(
            stack.url, api_key, secret, "shop", retries=60, new_session=self._session
        )
        self.results: dict[str, Result] = {}
        self.errors: list[str] = []
        self.over = threading.Event()

    @contextmanager
    def shopping(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """They call until the end of the block, and finish what they began."""
        monkeypatch.setattr(credit_sync_client, "sleep", lambda seconds: time.sleep(seconds / HURRY))
        crew = [threading.Thread(target=self._shop, args=(number,)) for number in range(8)]
        for one in crew:
            one.start()
        try:
            yield
        finally:
            self.over.set()
            for one in crew:
                one.join(60)
            self.client.close()

    def replay(self, most: int = 20) -> Counter[int]:
        """Sends answered calls once more as they were, once the database is there again: how often which status came."""
        calls, found = random.sample(list(self.traffic.answered), most), Counter[int]()
        for call in calls:
            call.hooks = {}
        with requests.Session() as session:
            while calls:
                try:
                    status = session.send(calls[-1], timeout=20).status_code
                except requests.ConnectionError:
                    continue
                if status != 503:
                    found[status] += 1
                    calls.pop()
        return found

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.hooks["response"].append(self.traffic.see)
        return session

    def _shop(self, number: int) -> None:
        chance, n = random.Random(number), 0
        while not self.over.is_set():
            n += 1
            reference, who = f"s{number}-{n}", FIRST + chance.randrange(PEOPLE)
            call = chance.choice([self.client.add_credits, self.client.deduct_credits])
            amount = chance.choice([1, 5, 30])
            try:
                self.results[reference] = call(
                    telegram_id=who, amount=amount, reason="x", reference=reference
                )
            except CreditSyncError as error:
                self.errors.append(str(error))


def kill_one(stack: Stack) -> None:
    """One of gunicorn's workers, at a moment of no particular kind."""
    workers = psutil.Process(stack.processes["web"].pid).children()
    os.kill(random.choice(workers).pid, signal.SIGKILL)
