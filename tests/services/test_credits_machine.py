"""Any interleaving of postings, repetitions and crashes, against a model that is a few dictionaries."""

from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from app.core.db import db
from app.core.errors import AppError
from app.services import credits as ledger
from app.services.credits import NewPosting, Posting
from tests.cast import Cast

POSTINGS = st.builds(
    NewPosting,
    telegram_id=st.integers(1, 3),
    amount=st.integers(-40, 60).filter(bool),
    source=st.sampled_from(["shop", "game"]),
    reference=st.sampled_from([f"r{number}" for number in range(12)]),
    reason=st.sampled_from(["x", "x", "x", "y"]),
)


@dataclass
class Model:
    """What the ledger should hold: balances, and by reference what was asked with the balance after it."""

    balances: dict[int, int]
    made: dict[tuple[str, str], tuple[NewPosting, int]]

    def copy(self) -> "Model":
        return Model(dict(self.balances), dict(self.made))

    def post(self, new: NewPosting) -> str:
        if new.key in self.made:
            first, balance = self.made[new.key]
            same = (first.telegram_id, first.amount, first.reason) == (
                new.telegram_id,
                new.amount,
                new.reason,
            )
            return f"duplicate {balance}" if same else "reference_conflict"
        after = self.balances.get(new.telegram_id, 0) + new.amount
        if after < 0:
            return "insufficient_credits"
        self.balances[new.telegram_id] = after
        self.made[new.key] = (new, after)
        return f"posted {after}"


def ending(result: Posting | AppError) -> str:
    if isinstance(result, AppError):
        return result.code
    return f"{'duplicate' if result.duplicate else 'posted'} {result.balance}"


def post(tenant_id: int, new: NewPosting) -> str:
    try:
        return ending(
            ledger.post(
                tenant_id,
                new.telegram_id,
                new.amount,
                source=new.source,
                reference=new.reference,
                reason=new.reason,
            )
        )
    except AppError as error:
        return error.code


class Ledger(RuleBasedStateMachine):
    tenant_id: int

    def __init__(self) -> None:
        super().__init__()
        db.session.rollback()
        db.session.execute(text("SELECT set_config('laoban.erasing', 'yes', true)"))
        db.session.execute(text("DELETE FROM credit_posting"))
        db.session.execute(text("DELETE FROM credit_account"))
        db.session.commit()
        self.model = Model({}, {})

    @rule(new=POSTINGS)
    def post(self, new: NewPosting) -> None:
        assert post(self.tenant_id, new) == self.model.post(new)
        db.session.commit()

    @rule(batch=st.lists(POSTINGS, max_size=6, unique_by=lambda new: new.key))
    def post_many(self, batch: list[NewPosting]) -> None:
        results = ledger.post_many(self.tenant_id, batch)
        assert [ending(result) for result in results] == [self.model.post(new) for new in batch]
        db.session.commit()

    @rule(choice=st.randoms(use_true_random=False))
    def repeat_what_was_made(self, choice: object) -> None:
        if self.model.made:
            new, _ = choice.choice(list(self.model.made.values()))
            assert post(self.tenant_id, new) == self.model.post(new)
            db.session.commit()

    @rule(new=POSTINGS, batch=st.lists(POSTINGS, max_size=4, unique_by=lambda new: new.key))
    def crash_before_the_commit(self, new: NewPosting, batch: list[NewPosting]) -> None:
        lost = self.model.copy()
        assert post(self.tenant_id, new) == lost.post(new)
        results = ledger.post_many(self.tenant_id, batch)
        assert [ending(result) for result in results] == [lost.post(each) for each in batch]
        db.session.rollback()

    @rule(batch=st.lists(POSTINGS, min_size=2, max_size=2))
    def two_in_one_transaction(self, batch: list[NewPosting]) -> None:
        for new in batch:
            assert post(self.tenant_id, new) == self.model.post(new)
        db.session.commit()

    @invariant()
    def balances_are_the_sums_and_never_negative(self) -> None:
        checked = ledger.check(self.tenant_id)
        assert checked.mismatches == []
        assert checked.postings == len(self.model.made)
        for telegram_id, balance in self.model.balances.items():
            assert ledger.balance(self.tenant_id, telegram_id) == balance >= 0
        db.session.commit()


def test_the_ledger_under_any_interleaving(cast: Cast):
    Ledger.tenant_id = cast.tenant.id
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        ),
    )
