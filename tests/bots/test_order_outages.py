"""A PostgreSQL that restarts under a worker and under whoever sends, and a Telegram that holds up what is made."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from psycopg.errors import AdminShutdown, UniqueViolation
from sqlalchemy.exc import IntegrityError, OperationalError

from app.core.queue import transaction
from app.domain.orders import OrderState, Phase
from app.services import outbox
from app.services.fulfilment import telling, work
from bots import heartbeat, order_production, order_worker
from bots.heartbeat import write_down
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.fulfilling import a_credit_product, a_report, fulfil, paid, reread, send, shown, story
from tests.sandbox_client import LIN
from tests.talking import Talk


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(order_worker, "LINGER_SECONDS", 0.3)


def away_once(act: Callable[..., object]) -> Callable[..., object]:
    """As `act`, but PostgreSQL shuts down under the first call."""
    calls: list[object] = []

    def flaky(*given: object, **more: object) -> object:
        calls.append(given)
        if len(calls) > 1:
            return act(*given, **more)
        raise OperationalError("COMMIT", {}, AdminShutdown())

    return flaky


def test_what_was_sent_is_written_down_when_postgresql_is_back(
    app: Flask, shop: Talk, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    order = paid(a_credit_product(cast.tenant), LIN)
    fulfil(app)
    monkeypatch.setattr(outbox, "complete", away_once(outbox.complete))
    send(shop.config)
    assert reread(order).state is OrderState.COMPLETED
    assert len(shown(shop)) == 2


def test_an_order_that_was_cut_off_goes_on_at_once_and_costs_no_attempt(
    app: Flask, shop: Talk, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    order = paid(a_credit_product(cast.tenant), LIN)
    monkeypatch.setattr(work, "next_call", away_once(work.next_call))
    order_worker.run(app, threading.Event())
    assert (reread(order).phase, order.attempts) == (Phase.DELIVERING, 1)
    assert story(order.id) == ["claimed", "handed_over", "claimed", "delivering"]


def test_a_result_is_kept_once_also_where_the_answer_to_its_commit_was_lost(
    app: Flask, shop: Talk, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    kept: list[object] = []

    def committed_twice(write: Callable[[], object], seconds: float) -> object:
        kept.append(seconds)
        write_down(write, seconds)
        return write_down(write, seconds)

    monkeypatch.setattr(order_production, "write_down", committed_twice)
    order = paid(a_report(cast.tenant), LIN)
    fulfil(app)
    assert reread(order).phase is Phase.DELIVERING
    assert len(kept) == 3


def test_patience_ends_and_is_for_outages_only(app: Flask):
    def refused() -> None:
        raise IntegrityError("INSERT", {}, UniqueViolation())

    def shut_down() -> None:
        raise OperationalError("INSERT", {}, AdminShutdown())

    with pytest.raises(IntegrityError):
        write_down(refused, 60)
    with pytest.raises(OperationalError):
        write_down(shut_down, 0.05)


def test_a_note_that_it_takes_longer_never_comes_behind_the_goods(app: Flask, cast: Cast, time: Clockwork):
    order = paid(a_credit_product(cast.tenant), LIN)
    fulfil(app)
    time.forward(minutes=11)
    with transaction():
        assert telling.late_some() == 0
    assert reread(order).noted_at is None
