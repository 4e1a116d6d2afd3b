"""Any order of moves: only legal ones happen, each has its line in the history, and a refused one changes nothing."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import MOVES, Actor, OrderState
from app.domain.products import ProductKind
from app.models import Order, Product
from app.services.orders import expiry, lookup, moves, retry
from app.services.orders.errors import IllegalMove
from app.services.orders.moves import move
from tests.cast import Cast
from tests.shopping import a_product, an_order


class Moves(RuleBasedStateMachine):
    product: Product

    def __init__(self) -> None:
        super().__init__()
        self.order = an_order(self.product)
        with transaction():
            moves.created(self.order, Actor.BUYER)
        self.states: list[OrderState] = [OrderState.PENDING]
        self.notes = 0

    def row(self) -> dict[str, object]:
        db.session.rollback()
        order = lookup.get(self.order.id)
        return {column.name: getattr(order, column.name) for column in Order.__table__.columns}

    def tries(self, act, to: OrderState, *sources: OrderState) -> None:
        before = self.row()
        if before["state"] not in sources:
            with pytest.raises(IllegalMove), transaction():
                act(lookup.get(self.order.id, lock=True))
            assert self.row() == before
            return
        with transaction():
            act(lookup.get(self.order.id, lock=True))
        self.states.append(to)

    @rule(to=st.sampled_from(list(OrderState)), actor=st.sampled_from(list(Actor)))
    def any_move(self, to: OrderState, actor: Actor) -> None:
        sources = [state for state in MOVES if to in MOVES[state]]
        self.tries(lambda one: move(one, to, actor=actor, why="test"), to, *sources)

    @rule()
    def late_money(self) -> None:
        payable = (OrderState.PENDING, OrderState.EXPIRED, OrderState.FAILED, OrderState.GENERATING)
        self.tries(
            lambda one: move(one, OrderState.PAID, actor=Actor.CALLBACK, why="paid"),
            OrderState.PAID,
            *payable,
        )

    @rule()
    def the_boss_lets_it_be_tried_again(self) -> None:
        self.tries(lambda one: retry.retry(one.id, "Owner"), OrderState.PAID, OrderState.FAILED)

    @rule()
    def the_buyer_cancels(self) -> None:
        self.tries(lambda one: expiry.cancel(one.id), OrderState.EXPIRED, OrderState.PENDING)

    @rule()
    def somebody_notes_something(self) -> None:
        with transaction():
            moves.note(lookup.get(self.order.id, lock=True), "test_note", Actor.STAFF)
        self.notes += 1

    @invariant()
    def only_legal_moves_happened(self) -> None:
        assert all(late in MOVES[early] for early, late in pairwise(self.states))
        assert lookup.get(self.order.id).state is self.states[-1]

    @invariant()
    def nothing_lifts_it_out_of_refunded(self) -> None:
        if OrderState.REFUNDED in self.states:
            assert self.states[-1] is OrderState.REFUNDED
            assert self.states.count(OrderState.REFUNDED) == 1

    @invariant()
    def every_move_has_its_line(self) -> None:
        lines = lookup.history(self.order.id)
        told = [line for line in lines if line.why != "test_note"]
        assert [line.to_state for line in told] == self.states
        assert [line.from_state for line in told] == [None, *self.states[:-1]]
        assert len(lines) - len(told) == self.notes

    @invariant()
    def the_columns_fit_the_state(self) -> None:
        order = lookup.get(self.order.id)
        assert (order.phase is not None) == (order.state is OrderState.GENERATING)
        assert (order.paid_at is not None) == (OrderState.PAID in self.states)
        if order.state is OrderState.COMPLETED:
            assert order.completed_at is not None


def test_orders_move_only_as_they_may(cast: Cast):
    machine = type("Machine", (Moves,), {"product": a_product(cast.tenant, kind=ProductKind.MANUAL)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
