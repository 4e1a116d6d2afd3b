"""The ledger: a posting happens once, a balance is the sum of its postings and never negative."""

import pytest
from sqlalchemy import text

from app.core.db import db
from app.core.errors import AppError, BadInput
from app.domain.credits import MAX_AMOUNT
from app.models import Member
from app.services import credits as ledger
from app.services.credits import InsufficientCredits, NewPosting, Posting, ReferenceConflict
from tests.cast import Cast
from tests.statements import Statements

ANN, BEN = 7_000_000_001, 7_000_000_002


def post(cast: Cast, amount: int, reference: str = "r1", *, who: int = ANN, reason: str = "gift") -> Posting:
    posting = ledger.post(cast.tenant.id, who, amount, source="shop", reference=reference, reason=reason)
    db.session.commit()
    return posting


def new(amount: int, reference: str, *, who: int = ANN, reason: str = "gift") -> NewPosting:
    return NewPosting(who, amount, "shop", reference, reason)


def post_many(cast: Cast, *postings: NewPosting) -> list[Posting | AppError]:
    results = ledger.post_many(cast.tenant.id, postings)
    db.session.commit()
    return results


def codes(results: list[Posting | AppError]) -> list[object]:
    return [result.code if isinstance(result, AppError) else result.balance for result in results]


def balances(cast: Cast) -> tuple[int, int]:
    checked = ledger.check(cast.tenant.id)
    assert checked.mismatches == []
    return ledger.balance(cast.tenant.id, ANN), ledger.balance(cast.tenant.id, BEN)


def test_a_first_posting_makes_the_account(cast: Cast):
    posting = post(cast, 30)
    assert (posting.balance, posting.amount, posting.duplicate) == (30, 30, False)
    assert balances(cast) == (30, 0)


def test_a_balance_follows_its_postings(cast: Cast):
    assert [post(cast, amount, f"r{amount}").balance for amount in (30, -10, 5)] == [30, 20, 25]
    assert [row.amount for row in ledger.history(cast.tenant.id, ANN)] == [5, -10, 30]


def test_the_same_posting_again_answers_the_first_result(cast: Cast):
    first = post(cast, 30)
    post(cast, 5, "r2")
    again = post(cast, 30)
    assert (again.id, again.balance, again.duplicate) == (first.id, 30, True)
    assert balances(cast) == (35, 0)


@pytest.mark.parametrize("other", [{"amount": 31}, {"who": BEN}, {"reason": "prize"}])
def test_another_posting_under_the_same_reference_is_refused(cast: Cast, other: dict[str, object]):
    post(cast, 30)
    with pytest.raises(ReferenceConflict):
        post(cast, **{"amount": 30, **other})
    db.session.rollback()
    assert balances(cast) == (30, 0)


def test_a_taking_under_a_used_reference_of_somebody_without_account_conflicts(cast: Cast):
    post(cast, 30)
    with pytest.raises(ReferenceConflict):
        post(cast, -30, who=BEN)


def test_references_of_other_sources_and_tenants_are_others(cast: Cast):
    post(cast, 30)
    ledger.post(cast.tenant.id, ANN, 1, source="admin", reference="r1", reason="gift")
    assert (
        ledger.post(cast.other_tenant.id, ANN, 2, source="shop", reference="r1", reason="gift").balance == 2
    )
    assert balances(cast) == (31, 0)


def test_nobody_overdraws(cast: Cast):
    post(cast, 30)
    with pytest.raises(InsufficientCredits) as refused:
        post(cast, -31, "r2")
    assert refused.value.params == {"balance": 30}
    assert balances(cast) == (30, 0)


def test_a_refused_posting_succeeds_after_a_top_up(cast: Cast):
    with pytest.raises(InsufficientCredits):
        post(cast, -10, "buy")
    post(cast, 10, "top-up")
    assert post(cast, -10, "buy").balance == 0


def test_a_duplicate_taking_is_no_overdraft(cast: Cast):
    post(cast, 10)
    post(cast, -10, "buy")
    assert post(cast, -10, "buy").duplicate


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": MAX_AMOUNT + 1},
        {"amount": -MAX_AMOUNT - 1},
        {"reference": ""},
        {"reference": "a b"},
        {"reference": "a\n"},
        {"reference": "x" * 201},
        {"reason": ""},
        {"reason": "x" * 201},
        {"reason": "\0"},
        {"reason": "\ud800"},
    ],
)
def test_what_is_no_posting_is_refused(cast: Cast, wrong: dict[str, object]):
    with pytest.raises(BadInput):
        post(cast, **{"amount": 1, **wrong})


def test_details_keep_everything_but_nul(cast: Cast):
    details = {"note": "a\0b\0\0", "path": "c:\\u0000"}
    ledger.post(cast.tenant.id, ANN, 1, source="shop", reference="r", reason="x", details=details)
    assert ledger.history(cast.tenant.id, ANN)[0].details == {"note": "ab", "path": "c:\\u0000"}


def test_a_history_has_pages(cast: Cast):
    for amount in range(1, 6):
        post(cast, amount, f"r{amount}")
    page = ledger.history(cast.tenant.id, ANN, limit=2)
    following = ledger.history(cast.tenant.id, ANN, before=page[-1].id, limit=2)
    assert [row.amount for row in (*page, *following)] == [5, 4, 3, 2]


def test_many_are_posted_in_their_order(cast: Cast):
    results = post_many(
        cast,
        new(10, "z"),
        new(-4, "a"),
        new(7, "m", who=BEN),
        new(-7, "b"),
        new(-6, "c"),
        new(1, "d", who=BEN),
    )
    assert codes(results) == [10, 6, 7, "insufficient_credits", 0, 8]
    assert [row.reference for row in ledger.history(cast.tenant.id, ANN)] == ["c", "a", "z"]
    assert balances(cast) == (0, 8)


def test_a_batch_knows_what_was_posted_before(cast: Cast):
    post(cast, 10, "old")
    results = post_many(
        cast, new(10, "old"), new(11, "old", who=BEN), new(5, "new"), new(5, "new"), new(6, "new")
    )
    assert codes(results) == [10, "reference_conflict", 15, 15, "reference_conflict"]
    assert [isinstance(each, Posting) and each.duplicate for each in results] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert balances(cast) == (15, 0)


def test_an_atomic_batch_is_posted_whole_or_not_at_all(cast: Cast):
    post(cast, 10, "old")
    batch = [new(10, "old"), new(5, "a"), new(-40, "b"), new(-3, "c"), new(5, "a")]
    refused = ledger.post_many(cast.tenant.id, batch, atomic=True)
    assert codes(refused) == [10, "not_posted", "insufficient_credits", "not_posted", "not_posted"]
    batch[2] = new(-4, "b")
    assert codes(ledger.post_many(cast.tenant.id, batch, atomic=True)) == [10, 15, 11, 8, 15]
    assert balances(cast) == (8, 0)


def test_an_atomic_batch_that_contradicts_itself_is_refused(cast: Cast):
    results = ledger.post_many(cast.tenant.id, [new(5, "a"), new(6, "a"), new(1, "b")], atomic=True)
    assert codes(results) == ["not_posted", "reference_conflict", "not_posted"]
    assert balances(cast) == (0, 0)


def test_a_thousand_with_seven_bad_ones(cast: Cast):
    batch = [new(-9 if place % 150 == 1 else 1, f"r{place}", who=ANN + place) for place in range(1000)]
    assert len([each for each in codes(post_many(cast, *batch)) if each == 1]) == 993
    again = post_many(cast, *batch)
    assert sum(isinstance(each, Posting) and each.duplicate for each in again) == 993
    assert ledger.check(cast.tenant.id).postings == 993


def test_an_empty_batch_does_nothing(cast: Cast):
    assert post_many(cast) == []


def test_a_posting_is_one_statement(cast: Cast):
    post(cast, 10)
    assert ledger.balance(cast.tenant.id, ANN) == 10
    with Statements() as one:
        ledger.post(cast.tenant.id, ANN, 1, source="shop", reference="r2", reason="gift")
    assert one.count == 1


def test_a_batch_costs_the_same_statements_whatever_its_size(cast: Cast):
    post_many(cast, *(new(9, f"r{place}", who=ANN + place) for place in range(700)))
    counts = []
    assert ledger.balance(cast.tenant.id, ANN) == 9
    for size in (2, 1000):
        batch = [new(-1, f"{size}-{place}", who=ANN + place % 700) for place in range(size)]
        with Statements() as spent:
            ledger.post_many(cast.tenant.id, batch)
        counts.append(spent.count)
    # Lock and write; a savepoint and its release.
    assert counts == [4, 4]


def test_standings_of_many_are_one_question(cast: Cast):
    post(cast, 30)
    with Statements() as asked:
        found = ledger.standings(cast.tenant.id, [ANN, BEN])
    assert (found, asked.count) == ({ANN: ledger.Standing(30)}, 1)
    assert ledger.standing(cast.tenant.id, BEN) == ledger.Standing(0, 0, 0)


def test_who_has_talked_with_a_bot_is_known_and_who_has_an_account(cast: Cast):
    post(cast, 30)
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=BEN, first_name="Ben"))
    db.session.add(Member(tenant_id=cast.other_tenant.id, telegram_id=5, first_name="Tim"))
    db.session.commit()
    assert ledger.known(cast.tenant.id, [ANN, BEN, 5, 6]) == {ANN, BEN}


def test_the_check_finds_a_wrong_balance(cast: Cast):
    post(cast, 30)
    post(cast, 3, who=BEN, reference="r2")
    db.session.execute(text("UPDATE credit_account SET balance = 29 WHERE telegram_id = :ann"), {"ann": ANN})
    checked = ledger.check()
    assert (checked.accounts, checked.postings) == (2, 2)
    assert [(each.telegram_id, each.balance, each.postings) for each in checked.mismatches] == [(ANN, 29, 30)]


def test_the_check_finds_what_is_held_by_nobody(cast: Cast):
    post(cast, 30)
    db.session.execute(text("UPDATE credit_account SET held = 1"))
    assert [each.telegram_id for each in ledger.check().mismatches] == [ANN]
