"""Credits that are put aside can't be spent, and end in exactly one way."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.errors import BadInput
from app.core.queue import transaction
from app.domain.credit_holds import HoldClosed, HoldState, UnknownHold
from app.models import CreditHold
from app.services import credits as ledger
from app.services.credits import InsufficientCredits, ReferenceConflict, Standing, holds
from tasks import credits as tasks
from tests.cast import Cast
from tests.clockwork import Clockwork

ANN, BEN = 7_000_000_001, 7_000_000_002
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def hundred(cast: Cast) -> None:
    post(cast, 100, "top-up")


def post(cast: Cast, amount: int, reference: str) -> ledger.Posting:
    posting = ledger.post(cast.tenant.id, ANN, amount, source="shop", reference=reference, reason="x")
    db.session.commit()
    return posting


def reserve(
    cast: Cast, amount: int = 40, reference: str = "h", *, who: int = ANN, lasts: timedelta = WEEK
) -> CreditHold:
    hold = holds.reserve(
        cast.tenant.id, who, amount, source="shop", reference=reference, reason="a stay", lasts=lasts
    )
    db.session.commit()
    return hold


def standing(cast: Cast) -> Standing:
    assert ledger.check(cast.tenant.id).mismatches == []
    return ledger.standing(cast.tenant.id, ANN)


def test_what_is_held_can_not_be_spent(cast: Cast):
    reserve(cast)
    assert (standing(cast), standing(cast).available) == (Standing(100, 40), 60)
    with pytest.raises(InsufficientCredits) as refused:
        post(cast, -61, "buy")
    assert refused.value.params == {"balance": 60}
    assert post(cast, -60, "buy").balance == 40


def test_a_capture_takes_what_was_held(cast: Cast):
    hold, posting = holds.capture(cast.tenant.id, reserve(cast).id)
    assert (hold.state, hold.captured, hold.posting_id) == (HoldState.CAPTURED, 40, posting.id)
    assert (posting.amount, posting.balance, standing(cast)) == (-40, 60, Standing(60))
    made = ledger.history(cast.tenant.id, ANN)[0]
    assert (made.source, made.reference, made.reason) == ("shop", "h", "a stay")


def test_a_part_is_taken_and_the_rest_let_go(cast: Cast):
    hold, posting = holds.capture(cast.tenant.id, reserve(cast).id, 15)
    assert (hold.captured, posting.balance, standing(cast)) == (15, 85, Standing(85))


def test_a_capture_again_answers_the_first_result(cast: Cast):
    hold_id = reserve(cast).id
    first = holds.capture(cast.tenant.id, hold_id, 15)[1]
    post(cast, 1, "more")
    again = holds.capture(cast.tenant.id, hold_id, 15)[1]
    assert (again.id, again.balance, again.duplicate) == (first.id, 85, True)
    with pytest.raises(HoldClosed):
        holds.capture(cast.tenant.id, hold_id)


def test_a_void_lets_all_go(cast: Cast):
    hold_id = reserve(cast).id
    assert [holds.void(cast.tenant.id, hold_id).state for _ in range(2)] == [HoldState.VOIDED] * 2
    assert standing(cast) == Standing(100)
    with pytest.raises(HoldClosed, match="voided"):
        holds.capture(cast.tenant.id, hold_id)


def test_a_captured_hold_can_not_be_let_go(cast: Cast):
    hold_id = reserve(cast).id
    holds.capture(cast.tenant.id, hold_id)
    with pytest.raises(HoldClosed, match="captured"):
        holds.void(cast.tenant.id, hold_id)


def test_holds_end_with_their_time(cast: Cast, time: Clockwork):
    short, long = reserve(cast, 40, "a", lasts=timedelta(minutes=1)), reserve(cast, 5, "b")
    time.forward(minutes=2)
    tasks.expire_holds()
    assert (holds.get(cast.tenant.id, short.id).state, standing(cast)) == (
        HoldState.EXPIRED,
        Standing(100, 5),
    )
    assert [each.id for each in holds.list_of(cast.tenant.id, ANN)] == [long.id]


def test_a_hold_whose_time_is_over_is_closed_before_it_is_freed(cast: Cast, time: Clockwork):
    hold_id = reserve(cast, lasts=timedelta(minutes=1)).id
    time.forward(minutes=2)
    for close in (holds.capture, holds.void):
        with pytest.raises(HoldClosed, match="expired"):
            close(cast.tenant.id, hold_id)
    assert holds.expire_due(10) == 1
    assert standing(cast) == Standing(100)


def test_the_same_hold_again_is_the_first(cast: Cast):
    first = reserve(cast)
    holds.void(cast.tenant.id, first.id)
    again = reserve(cast)
    assert (again.id, again.state, standing(cast)) == (first.id, HoldState.VOIDED, Standing(100))


@pytest.mark.parametrize("other", [{"amount": 41}, {"who": BEN}])
def test_another_hold_under_the_same_reference_is_refused(cast: Cast, other: dict[str, int]):
    reserve(cast)
    with pytest.raises(ReferenceConflict):
        reserve(cast, **other)


def test_a_reference_that_was_posted_holds_nothing(cast: Cast):
    with pytest.raises(ReferenceConflict):
        reserve(cast, 40, "top-up")


def test_a_capture_whose_reference_was_posted_past_it_changes_nothing(cast: Cast):
    hold_id = reserve(cast).id
    post(cast, -1, "h")
    with pytest.raises(ReferenceConflict):
        holds.capture(cast.tenant.id, hold_id)
    assert (holds.get(cast.tenant.id, hold_id).state, standing(cast)) == (HoldState.ACTIVE, Standing(99, 40))


def test_nobody_holds_more_than_he_has(cast: Cast):
    reserve(cast, 60, "a")
    with pytest.raises(InsufficientCredits) as refused:
        reserve(cast, 41, "b")
    assert refused.value.params == {"balance": 40}
    with pytest.raises(InsufficientCredits):
        reserve(cast, 1, "c", who=BEN)
    assert standing(cast) == Standing(100, 60)


@pytest.mark.parametrize(
    ("amount", "lasts"), [(0, WEEK), (-1, WEEK), (1, timedelta(0)), (1, timedelta(days=181))]
)
def test_what_is_no_hold_is_refused(cast: Cast, amount: int, lasts: timedelta):
    with pytest.raises(BadInput):
        reserve(cast, amount, lasts=lasts)


@pytest.mark.parametrize("amount", [0, -1, 41])
def test_more_than_is_held_can_not_be_captured(cast: Cast, amount: int):
    with pytest.raises(BadInput):
        holds.capture(cast.tenant.id, reserve(cast).id, amount)


def test_holds_of_others_are_unknown(cast: Cast):
    hold_id = reserve(cast).id
    for tenant_id, source in ((cast.other_tenant.id, None), (cast.tenant.id, "bank")):
        for act in (holds.get, holds.void):
            with pytest.raises(UnknownHold):
                act(tenant_id, hold_id, source=source)
        with pytest.raises(UnknownHold):
            holds.capture(tenant_id, hold_id, source=source)


def test_holds_of_all_tenants_expire_in_one_go(app: Flask, cast: Cast):
    ledger.post(cast.other_tenant.id, ANN, 5, source="shop", reference="a", reason="x")
    holds.reserve(cast.other_tenant.id, ANN, 5, source="shop", reference="h", reason="x", lasts=WEEK)
    for place in range(5):
        reserve(cast, 1, f"h{place}")
    db.session.execute(text("UPDATE credit_hold SET expires_at = now()"))
    with transaction():
        assert holds.expire_due(100) == 6
    assert ledger.check().mismatches == []
    assert standing(cast) == Standing(100)
