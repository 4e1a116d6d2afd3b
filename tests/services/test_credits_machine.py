"""Any interleaving of postings, batches, holds, transfers, repetitions and crashes, against a few dictionaries.

More of them: `LEDGER_EXAMPLES=300 pytest tests/services/test_credits_machine.py`.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from app.core.db import db
from app.models import Member
from app.services import credits as ledger
from app.services.credits import NewPosting
from app.services.credits import settings as credit_settings
from tests.cast import Cast
from tests.ledger_model import Model, Real

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "12"))
MEMBERS = st.integers(1, 3)
POSTINGS = st.builds(
    NewPosting,
    telegram_id=MEMBERS,
    amount=st.integers(-40, 60).filter(bool),
    source=st.sampled_from(["shop", "game"]),
    reference=st.sampled_from([f"r{number}" for number in range(12)]),
    reason=st.sampled_from(["x", "x", "x", "y"]),
)
TAKINGS = st.builds(
    NewPosting,
    telegram_id=MEMBERS,
    amount=st.integers(-40, -1),
    source=st.just("shop"),
    reference=st.sampled_from([f"r{number}" for number in range(12)]),
    reason=st.just("x"),
)
BATCHES = st.lists(POSTINGS, max_size=6, unique_by=lambda new: new.key)
TRANSFERS = st.tuples(
    st.permutations([1, 2, 3]), st.integers(1, 40), st.sampled_from(["k1", "k2", "k3", "k4"])
)


class Ledger(RuleBasedStateMachine):
    tenant_id: int

    def __init__(self) -> None:
        super().__init__()
        db.session.rollback()
        db.session.execute(text("SELECT set_config('laoban.erasing', 'yes', true)"))
        for table in ("credit_hold", "credit_posting", "credit_account", "credit_settings"):
            db.session.execute(text(f"DELETE FROM {table}"))
        db.session.expire_all()
        credit_settings.save(self.tenant_id, transfers=True)
        db.session.commit()
        self.model, self.real = Model(), Real(self.tenant_id)

    def done(self, what: str, *args: object, **options: object) -> object:
        """Both do it, with the same result."""
        result = getattr(self.real, what)(*args, **options)
        assert result == getattr(self.model, what)(*args, **options)
        return result

    def committed(self, what: str, *args: object, **options: object) -> None:
        self.done(what, *args, **options)
        db.session.commit()

    @rule(new=POSTINGS)
    def post(self, new: NewPosting) -> None:
        self.committed("post", new)

    @rule(batch=BATCHES, atomic=st.booleans())
    def post_many(self, batch: list[NewPosting], *, atomic: bool) -> None:
        self.committed("post_many", batch, atomic=atomic)

    @rule(asked=TAKINGS)
    def reserve(self, asked: NewPosting) -> None:
        self.committed("reserve", asked)

    @precondition(lambda self: self.model.holds)
    @rule(data=st.data(), deed=st.sampled_from(["capture", "capture", "void", "expire"]), again=st.booleans())
    def close(self, data: st.DataObject, deed: str, *, again: bool) -> None:
        key = data.draw(st.sampled_from(list(self.model.holds)))
        args = (key, data.draw(st.none() | st.integers(1, 40))) if deed == "capture" else (key,)
        for _ in range(1 + again):
            self.committed(deed, *args)

    @rule(people=TRANSFERS, again=st.booleans())
    def transfer(self, people: tuple[list[int], int, str], *, again: bool) -> None:
        (sender, receiver, _), amount, key = people
        for _ in range(1 + again):
            self.committed("transfer", sender, receiver, amount, key)

    @rule(overdraft=st.sampled_from([0, 0, 15, 50]))
    def allow(self, overdraft: int) -> None:
        self.committed("allow", overdraft)

    @precondition(lambda self: self.model.made)
    @rule(data=st.data())
    def repeat_what_was_made(self, data: st.DataObject) -> None:
        new, _ = data.draw(st.sampled_from(list(self.model.made.values())))
        assert str(self.done("post", new)).startswith("duplicate")
        db.session.commit()

    @rule(new=POSTINGS)
    def crash_after_the_effect(self, new: NewPosting) -> None:
        # The caller never hears of it, so he asks again.
        first = str(self.done("post", new))
        db.session.commit()
        assert self.done("post", new) == first.replace("posted", "duplicate")
        db.session.commit()

    @rule(new=POSTINGS, batch=BATCHES, asked=TAKINGS, people=TRANSFERS)
    def crash_before_the_commit(
        self, new: NewPosting, batch: list[NewPosting], asked: NewPosting, people: tuple[list[int], int, str]
    ) -> None:
        before = self.model.copy()
        self.done("post", new)
        self.done("post_many", batch, atomic=False)
        self.done("reserve", asked)
        self.done("transfer", *people[0][:2], *people[1:])
        db.session.rollback()
        self.model = before

    @rule(batch=st.lists(POSTINGS, min_size=2, max_size=2))
    def two_in_one_transaction(self, batch: list[NewPosting]) -> None:
        for new in batch:
            self.done("post", new)
        db.session.commit()

    @invariant()
    def the_books_agree(self) -> None:
        checked = ledger.check(self.tenant_id)
        assert checked.mismatches == []
        assert checked.postings == len(self.model.made)
        for who, found in ledger.standings(self.tenant_id, self.model.balances).items():
            assert (found.balance, found.held) == (self.model.balances[who], self.model.held(who))
            assert found.available >= found.floor == self.model.floor(who)
        db.session.commit()


def test_the_ledger_under_any_interleaving(cast: Cast):
    for who in (1, 2, 3):
        db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=who, first_name="Ann"))
    db.session.commit()
    Ledger.tenant_id = cast.tenant.id
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        ),
    )
