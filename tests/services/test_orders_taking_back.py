"""Bought credits whose payment is disputed or goes back: held or taken once, and never below zero."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.domain.credit_holds import LONGEST
from app.domain.orders import Actor, OrderState
from app.models import AuditEvent, Order
from app.services import credits as ledger
from app.services.credits import InsufficientCredits, settings
from app.services.orders import lookup, moves
from app.services.orders.taking_back import HELD, LET_GO, TAKEN_BACK
from app.services.payments import disputes
from tasks import credits as tasks
from tests.cast import Cast
from tests.clockwork import Clockwork
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


def end(how: Callable[[int, str], bool], order: Order) -> None:
    with transaction():
        how(order.id, "Owner")


def give(order: Order, amount: int) -> None:
    with transaction():
        ledger.post(order.tenant_id, BUYER, amount, source="test", reference="gift", reason="a gift")


def allow_overdraft(order: Order) -> None:
    with transaction():
        settings.save(order.tenant_id, overdraft=1000)


def standing(order: Order) -> tuple[int, int, int]:
    """(balance, held, available)."""
    found = ledger.standing(order.tenant_id, BUYER)
    return found.balance, found.held, found.available


def line(order: Order, why: str) -> dict[str, object]:
    db.session.rollback()
    [details] = [one.details for one in lookup.history(order.id) if one.why == why]
    return details


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


def test_where_an_overdraft_is_allowed_a_refund_makes_no_debt(bought: Order):
    allow_overdraft(bought)
    spend(bought, 70)
    go(bought, OrderState.REFUNDED)
    assert credits_of(bought) == 0
    assert taken(bought) == [{"taken": 30, "missing": 70}]


# --- disputes
def test_a_dispute_holds_what_is_left_and_the_log_knows(bought: Order):
    allow_overdraft(bought)
    spend(bought, 70)
    dispute(bought)
    assert standing(bought) == (30, 30, 0)
    assert reread(bought).state is OrderState.COMPLETED
    details = line(bought, HELD)
    assert (details["held"], details["missing"]) == (30, 70)
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "order.credits_held")).one()
    assert (event.target_id, event.changes) == (str(bought.id), {"amount": 30})


def test_what_a_dispute_holds_can_not_be_spent(bought: Order):
    dispute(bought)
    with pytest.raises(InsufficientCredits):
        spend(bought, 1)
    db.session.rollback()
    assert standing(bought) == (100, 100, 0)


def test_a_dispute_that_is_told_of_twice_holds_once_and_nothing_that_comes_later(bought: Order):
    dispute(bought)
    give(bought, 500)
    dispute(bought)
    assert standing(bought) == (600, 100, 500)


def test_whoever_wins_lets_them_go_and_may_be_disputed_anew(bought: Order):
    dispute(bought)
    for _ in range(2):
        end(disputes.won, bought)
    assert standing(bought) == (100, 0, 100)
    assert line(bought, LET_GO) == {"let_go": 100}
    dispute(bought)
    assert standing(bought) == (100, 100, 0)


def test_whoever_loses_takes_them_and_a_refund_after_it_nothing_more(bought: Order):
    spend(bought, 40)
    dispute(bought)
    give(bought, 500)
    for _ in range(2):
        end(disputes.lost, bought)
    go(bought, OrderState.REFUNDED)
    assert standing(bought) == (500, 0, 500)
    assert taken(bought) == [{"taken": 60, "missing": 40}]


def test_a_refund_takes_what_the_dispute_holds(bought: Order):
    dispute(bought)
    go(bought, OrderState.REFUNDED)
    assert standing(bought) == (0, 0, 0)
    assert taken(bought) == [{"taken": 100, "missing": 0}]
    assert ledger.check(bought.tenant_id).mismatches == []


def test_a_dispute_that_was_won_does_not_end_by_a_late_press(bought: Order):
    dispute(bought)
    end(disputes.won, bought)
    end(disputes.lost, bought)
    assert standing(bought) == (100, 0, 100)


def test_where_all_is_spent_nothing_is_held_and_a_later_gift_is_left_alone(bought: Order):
    spend(bought, 100)
    dispute(bought)
    give(bought, 500)
    dispute(bought)
    go(bought, OrderState.REFUNDED)
    assert (line(bought, HELD)["missing"], credits_of(bought)) == (100, 500)
    assert taken(bought) == [{"taken": 0, "missing": 100}]


def test_an_open_dispute_outlasts_the_longest_hold(bought: Order, time: Clockwork):
    dispute(bought)
    for _ in range(2):
        time.forward(seconds=LONGEST.total_seconds() - 60)
        tasks.expire_holds()
    assert standing(bought) == (100, 100, 0)
    end(disputes.lost, bought)
    assert standing(bought) == (0, 0, 0)


def test_an_order_that_was_never_handed_out_takes_nothing(cast: Cast):
    order = paid(a_credit_product(cast.tenant), BUYER)
    go(order, OrderState.REFUNDED)
    assert taken(order) == []
