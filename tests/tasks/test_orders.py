"""The sweep of orders: what it starts, takes over and ends, however often it is asked."""

import pytest
from flask import Flask

from app.core.db import db
from app.core.queue import TaskName, transaction
from app.domain.orders import OrderState, Phase
from app.services import leases
from app.services.fulfilment import sweep
from tasks import orders as tasks
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.fulfilling import a_credit_product, claim, paid, reread, story
from tests.shopping import an_order


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[TaskName]:
    """Task messages that would have been sent."""
    sent: list[TaskName] = []
    monkeypatch.setattr("app.core.queue.send", lambda name, *_: sent.append(name))
    monkeypatch.setattr(tasks, "claim_slot", lambda *_: True)
    return sent


def test_workers_are_started_where_an_order_waits_and_none_lives(cast: Cast, asked: list[TaskName]):
    tasks.sweep_orders()
    assert TaskName.ORDERS_WORK not in asked
    paid(a_credit_product(cast.tenant))
    tasks.sweep_orders()
    # A message is only asked for once in a transaction, and whoever finds both places taken ends at once.
    assert TaskName.ORDERS_WORK in asked


def test_nobody_is_started_beside_those_that_live(cast: Cast, asked: list[TaskName]):
    paid(a_credit_product(cast.tenant))
    with transaction():
        leases.create_shards(sweep.KIND, sweep.SLICES)
        leases.take(sweep.KIND, "somebody", shards=sweep.SLICES, most=sweep.SLICES, seconds=60)
    tasks.sweep_orders()
    assert TaskName.ORDERS_WORK not in asked


def test_an_order_that_waits_for_its_time_starts_nobody(cast: Cast, asked: list[TaskName], time: Clockwork):
    order = paid(a_credit_product(cast.tenant))
    order.not_before = time._real()
    time.forward(minutes=-1)
    db.session.commit()
    tasks.sweep_orders()
    assert TaskName.ORDERS_WORK not in asked
    time.forward(minutes=2)
    tasks.sweep_orders()
    assert TaskName.ORDERS_WORK in asked


def test_one_sweep_takes_over_tells_and_expires(cast: Cast, asked: list[TaskName], time: Clockwork):
    product = a_credit_product(cast.tenant)
    lost = paid(product)
    claim()
    unpaid = an_order(product)
    time.forward(minutes=31)
    tasks.sweep_orders()
    assert (reread(lost).state, reread(unpaid).state) == (OrderState.PAID, OrderState.EXPIRED)
    assert story(lost.id) == ["claimed", "lease_lost"]
    assert lost.told_turn == 1
    assert lost.noted_at is not None


def test_a_second_beat_sweeps_nothing(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "SWEEP_SECONDS", 3600)
    tasks.sweep_orders()
    order = paid(a_credit_product(cast.tenant))
    tasks.sweep_orders()
    assert reread(order).told_turn == 0


def test_by_hand_is_nobodys_lost_work(cast: Cast, asked: list[TaskName], time: Clockwork):
    order = paid(a_credit_product(cast.tenant), state=OrderState.GENERATING, phase=Phase.BY_HAND)
    time.forward(days=3)
    tasks.sweep_orders()
    assert (reread(order).state, order.phase, order.noted_at) == (OrderState.GENERATING, Phase.BY_HAND, None)
