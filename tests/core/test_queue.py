"""Work is sent only after the commit, and never without one."""

import pytest
from flask import Flask
from kombu.exceptions import OperationalError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core import queue
from app.core.bells import Bell, Listener
from app.core.db import db
from app.core.queue import TaskName, enqueue, ring, transaction
from app.models import Tenant


@pytest.fixture
def sent(app: Flask, monkeypatch) -> list[tuple[object, ...]]:
    messages: list[tuple[object, ...]] = []
    monkeypatch.setattr(queue, "send", lambda name, *args: messages.append((name, *args)))
    return messages


def test_a_task_is_sent_after_the_commit(sent):
    with transaction():
        enqueue(TaskName.BOTS_APPLY, 7)
        assert sent == []
    assert sent == [(TaskName.BOTS_APPLY, 7)]


def test_an_error_rolls_back_and_sends_nothing(sent):
    with pytest.raises(ZeroDivisionError), transaction():
        _write_queue_and_fail()
    assert sent == []
    assert db.session.query(Tenant).count() == 0


def _write_queue_and_fail() -> None:
    db.session.add(Tenant(name="never"))
    enqueue(TaskName.BOTS_APPLY, 7)
    raise ZeroDivisionError


def test_what_a_statement_was_about_stands_in_no_error(app: Flask):
    with pytest.raises(DBAPIError) as caught, transaction():
        db.session.execute(
            text("SELECT 1 / CAST(:none AS int) WHERE :seed <> ''"), {"none": 0, "seed": "f00d"}
        )
    assert "f00d" not in str(caught.value)


def test_queueing_outside_of_a_transaction_is_a_mistake(sent):
    with pytest.raises(RuntimeError, match="inside transaction"):
        enqueue(TaskName.BOTS_APPLY, 7)


def test_transactions_do_not_nest(sent):
    with pytest.raises(RuntimeError, match="does not nest"), transaction(), transaction():
        pass


def test_a_bell_rings_after_the_commit(app: Flask):
    listener = Listener(Bell.BOTS)
    assert listener.wait(0.05) == []
    with transaction():
        ring(Bell.BOTS, 7)
    assert listener.wait(2) == [(Bell.BOTS, "7")]
    listener.close()


def test_a_broker_that_is_away_fails_nobody(app: Flask, monkeypatch):
    def refuse(*_args: object, **_options: object) -> None:
        raise OperationalError("redis is away")

    monkeypatch.setattr(app.extensions["celery"], "send_task", refuse)
    with transaction():
        enqueue(TaskName.BOTS_APPLY, 7)
