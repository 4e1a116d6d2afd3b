"""Real workers, few of them, and partners of whom many are slow."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue

import pytest
from flask import Flask
from pytest_httpserver import HTTPServer

from app.core.db import db
from app.core.queue import TaskName
from app.services.credit_sync import outcome
from tasks import credits as tasks
from tests.cast import Cast
from tests.syncing import Partner, post, slowly
from tests.waiting import wait_for

SLOW = 0.4


@contextmanager
def workers(app: Flask, messages: SimpleQueue[int], count: int) -> Iterator[None]:
    """As Celery would: each takes one message after the other."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                partner_id = messages.get(timeout=0.05)
            except Empty:
                continue
            with app.app_context():
                tasks.send(partner_id)
                db.session.remove()

    crew = [threading.Thread(target=work) for _ in range(count)]
    for one in crew:
        one.start()
    try:
        yield
    finally:
        ended.set()
        for one in crew:
            one.join(20)


def test_fifteen_slow_partners_do_not_hold_up_a_quick_one(
    app: Flask, cast: Cast, server: HTTPServer, monkeypatch: pytest.MonkeyPatch
):
    messages: SimpleQueue[int] = SimpleQueue()
    monkeypatch.setattr(
        "app.core.queue.send",
        lambda name, *args: messages.put(args[0]) if name == TaskName.CREDITS_SEND else None,
    )
    monkeypatch.setattr(tasks, "claim_slot", lambda *_: True)
    monkeypatch.setattr(outcome, "SLOW_SECONDS", SLOW / 2)
    crowd = [Partner(server, f"/slow{n}", mood=slowly(SLOW)).set_up(cast.tenant) for n in range(15)]
    for each in crowd:
        # They were slow before, too.
        each.row.slow = True
        db.session.commit()
    quick = Partner(server, "/quick").set_up(cast.tenant)
    waits = []

    def beat(arrived: Callable[[], bool]) -> bool:
        tasks.sync()
        return arrived()

    with workers(app, messages, count=2):
        for n in range(8):
            post(cast.tenant, f"r{n}")
            began = time.monotonic()
            wait_for(partial(beat, lambda wanted=n + 1: len(quick.taken) >= wanted), what="the quick one")
            waits.append(time.monotonic() - began)
        wait_for(partial(beat, lambda: all(each.taken for each in crowd)), seconds=30, what="the slow ones")
    assert sum(waits) / len(waits) < SLOW
