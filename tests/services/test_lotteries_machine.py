"""Any order of what bosses and sweeps do: only legal moves happen, and the public events tell of each."""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain, pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.core import clock
from app.core.db import db
from app.core.errors import AppError
from app.core.queue import transaction
from app.domain.lotteries import MOVES, CloseReason, LotteryState
from app.models import Bot, Lottery
from app.services.lotteries import events, lookup, manage, sweep
from app.services.lotteries.moves import move
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.lottery_tools import a_bot, a_draft, a_spec

TOLD = {
    LotteryState.OPEN: "opened",
    LotteryState.DRAWING: "closed",
    LotteryState.CANCELLED: "cancelled",
}


class Moves(RuleBasedStateMachine):
    bot: Bot
    time: Clockwork

    def __init__(self) -> None:
        super().__init__()
        self.lottery = a_draft(self.bot)
        self.commitment = self.lottery.commitment
        self.states = [self.lottery.state]

    def state(self) -> LotteryState:
        db.session.refresh(self.lottery)
        return self.lottery.state

    def tries(self, act: Callable[[Lottery], object], *allowed: LotteryState) -> None:
        """Works exactly from the states in `allowed`, and changes nothing elsewhere."""
        before = self.state()
        worked = self.attempt(act)
        after = self.state()
        if worked == "done":
            assert before in allowed
        else:
            assert after is before
            assert worked == "too_late" if before in allowed else worked in {"illegal_move", "before"}
        if after is not before:
            self.states.append(after)

    def attempt(self, act: Callable[[Lottery], object]) -> str:
        """The code of the error, `before` when somebody else had done it, or `done`."""
        try:
            with transaction():
                return "before" if act(self.lottery) is False else "done"
        except AppError as error:
            return error.code

    @rule(later=st.sampled_from([None, timedelta(hours=1), timedelta(hours=3)]))
    def change(self, later: timedelta | None) -> None:
        spec = a_spec(opens_at=clock.now() + later if later else None)
        self.tries(lambda one: manage.update(one.id, spec), LotteryState.DRAFT, LotteryState.SCHEDULED)

    @rule()
    def publish(self) -> None:
        self.tries(lambda one: manage.publish(one.id), LotteryState.DRAFT)

    @rule()
    def open_at_once(self) -> None:
        self.tries(lambda one: manage.open_now(one, None), LotteryState.DRAFT, LotteryState.SCHEDULED)

    @rule()
    def take_back(self) -> None:
        self.tries(lambda one: manage.back_to_draft(one.id), LotteryState.SCHEDULED)

    @rule(reason=st.sampled_from(list(CloseReason)))
    def close(self, reason: CloseReason) -> None:
        self.tries(lambda one: manage.close(one.id, reason), LotteryState.OPEN)

    @rule()
    def cancel(self) -> None:
        self.tries(
            lambda one: manage.cancel(one.id, "No more"),
            LotteryState.DRAFT,
            LotteryState.SCHEDULED,
            LotteryState.OPEN,
        )

    @rule()
    def end_of_the_draw(self) -> None:
        self.tries(lambda one: move(one, LotteryState.DRAWN), LotteryState.DRAWING)

    @rule(hours=st.sampled_from([1, 4, 25]))
    def time_passes(self, hours: int) -> None:
        self.time.forward(hours=hours)
        due = sweep.find()
        for step in chain(sweep.closings(due), sweep.openings(due, None)):
            with transaction():
                step()
            if self.state() is not self.states[-1]:
                self.states.append(self.state())

    @invariant()
    def only_legal_moves_happened(self) -> None:
        assert all(late in MOVES[early] for early, late in pairwise(self.states))
        assert self.state() is self.states[-1]

    @invariant()
    def the_events_tell_of_each_public_move(self) -> None:
        chain = events.chain(self.lottery.id)
        assert events.verify(chain) is None
        assert [event.kind for event in chain] == [TOLD[state] for state in self.states if state in TOLD]

    @invariant()
    def the_commitment_never_changes(self) -> None:
        assert lookup.get(self.lottery.id).commitment == self.commitment

    @invariant()
    def what_is_open_may_be_joined_and_was_in_time(self) -> None:
        lottery = lookup.get(self.lottery.id)
        assert (lottery.opened_at is not None) == (LotteryState.OPEN in self.states)
        if lottery.opened_at:
            assert lottery.opened_at < lottery.closes_at


def test_only_legal_moves_happen_in_any_order(cast: Cast, time: Clockwork):
    Moves.bot, Moves.time = a_bot(cast.tenant), time
    run_state_machine_as_test(
        Moves,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
