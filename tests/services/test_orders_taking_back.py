"""Bought credits whose money goes back: taken back once, and never below zero."""

import pytest
from flask import Flask

from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import Actor, OrderState
from app.models import Order
from app.services import credits as ledger
from app.services.orders import lookup, moves
from app.services.orders.taking_back import TAKEN_BACK
from app.services.payments import disputes
from tests.cast import Cast
from tests.fulfilling import a_credit_product, fulfil, paid, reread
from tests.shopping import BUYER


@pytest.fixture
def bought(app: Flask, cast: Cast) -> Order:
    """100 credits, delivered."""
    order = paid(a_credit_product(cast.tenant), BUYER)
    fulfil(app)
    go(order, OrderState.COMPLETED)
    return order


def go(order: Order, to: OrderState) -> None:
    with transaction():
        moves.move(lookup.get(order.id, lock=True), to, actor=Actor.STAFF, why="test")


def spend(order: Order, amount: int) -> None:
    with transaction():
        ledger.post(order.tenant_id, BUYER, -amount, source="test", reference="spent", reason="a cup")


def dispute(order: Order) -> None:
    with transaction():
        disputes.stop(order.id, "NOTIFICATION_OF_CHARGEBACK", "t1")


def credits_of(order: Order) -> int:
    return ledger.balance(order.tenant_id, BUYER)


def taken(order: Order) -> list[dict[str, object]]:
    db.session.rollback()
    return [line.details for line in lookup.history(order.id) if line.why == TAKEN_BACK]


def test_a_refund_takes_the_credits_back(bought: Order):
    go(bought, OrderState.REFUNDED)
    assert credits_of(bought) == 0
    assert taken(bought) == [{"taken": 100, "missing": 0}]


def test_what_was_spent_stays_missing_and_nobody_owes_anything(bought: Order):
    spend(bought, 70)
    go(bought, OrderState.REFUNDED)
    assert credits_of(bought) == 0
    assert taken(bought) == [{"taken": 30, "missing": 70}]


def test_a_dispute_takes_them_and_the_refund_after_it_nothing_more(bought: Order):
    dispute(bought)
    assert (reread(bought).state, credits_of(bought)) == (OrderState.COMPLETED, 0)
    with transaction():
        ledger.post(bought.tenant_id, BUYER, 500, source="test", reference="gift", reason="a gift")
    dispute(bought)
    go(bought, OrderState.REFUNDED)
    assert credits_of(bought) == 500
    assert len(taken(bought)) == 1


def test_where_all_is_spent_the_history_says_so(bought: Order):
    spend(bought, 100)
    dispute(bought)
    assert taken(bought) == [{"taken": 0, "missing": 100}]


def test_an_order_that_was_never_handed_out_takes_nothing(cast: Cast):
    order = paid(a_credit_product(cast.tenant), BUYER)
    go(order, OrderState.REFUNDED)
    assert taken(order) == []
