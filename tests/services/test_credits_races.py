"""Many at the same moment, over connections of their own: nothing lost, nothing double, nobody waits in a circle."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.errors import AppError
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.services import credits as ledger
from app.services.credits import NewPosting, Posting
from tests.cast import Cast
from tests.racing import in_threads
from tests.waiting import wait_for

ANN = 7_000_000_001
THREADS = 8


def together(act: Callable[[int], Sequence[Posting | AppError]], rounds: int) -> Counter[str]:
    """8 threads act `rounds` times, each time with another number and in a transaction; how the postings ended."""

    def job(number: int) -> list[str]:
        with transaction():
            return [_ending(one) for one in act(number)]

    ends = in_threads([partial(job, number) for number in range(THREADS * rounds)], threads=THREADS)
    return Counter(end for one in ends for end in one)


def _ending(result: Posting | AppError) -> str:
    if isinstance(result, AppError):
        return result.code
    return "duplicate" if result.duplicate else "posted"


def one(tenant_id: int, amount: int, reference: str, who: int = ANN) -> list[Posting | AppError]:
    try:
        return [ledger.post(tenant_id, who, amount, source="shop", reference=reference, reason="x")]
    except AppError as error:
        return [error]


def test_a_hot_account_is_never_overdrawn(app: Flask, cast: Cast):
    tenant_id = cast.tenant.id
    one(tenant_id, 100, "top-up")
    db.session.commit()
    ends = together(lambda number: one(tenant_id, -1, f"take-{number}"), rounds=25)
    assert ends == {"posted": 100, "insufficient_credits": 100}
    assert ledger.balance(tenant_id, ANN) == 0
    assert ledger.check(tenant_id).mismatches == []


def test_eight_who_repeat_the_same_postings_make_each_once(app: Flask, cast: Cast):
    tenant_id = cast.tenant.id
    ends = together(lambda number: one(tenant_id, 3, f"gift-{number % 20}"), rounds=20)
    assert ends == {"posted": 20, "duplicate": 140}
    assert ledger.balance(tenant_id, ANN) == 60


def test_one_reference_for_two_members_is_posted_for_one(app: Flask, cast: Cast):
    tenant_id = cast.tenant.id
    ends = together(lambda number: one(tenant_id, 3, f"r-{number % 25}", who=ANN + number // 100), rounds=25)
    assert ends["posted"] == 25
    assert ledger.check(tenant_id).postings == 25
    assert ledger.check(tenant_id).mismatches == []


def test_crossing_batches_wait_for_each_other_in_one_order(app: Flask, cast: Cast):
    tenant_id, chance = cast.tenant.id, random.Random(4)
    batches = [
        [
            NewPosting(
                ANN + chance.randrange(30), chance.choice([5, -3]), "shop", f"b-{chance.randrange(900)}", "x"
            )
            for _ in range(40)
        ]
        for _ in range(THREADS * 12)
    ]
    ends = together(lambda number: ledger.post_many(tenant_id, batches[number]), rounds=12)
    checked = ledger.check(tenant_id)
    assert checked.mismatches == []
    assert checked.postings == ends["posted"]
    assert ends.total() == THREADS * 12 * 40


def test_batches_and_single_postings_share_an_account(app: Flask, cast: Cast):
    tenant_id = cast.tenant.id

    def act(number: int) -> Sequence[Posting | AppError]:
        if number % 2:
            return one(tenant_id, 1, f"single-{number}")
        return ledger.post_many(
            tenant_id, [NewPosting(ANN + who, 1, "shop", f"{number}-{who}", "x") for who in (1, 0)]
        )

    ends = together(act, rounds=20)
    assert ends == {"posted": 80 + 80 * 2}
    assert ledger.balance(tenant_id, ANN) == 160
    assert ledger.check(tenant_id).mismatches == []


@pytest.mark.parametrize("commits", [True, False])
def test_a_reference_that_somebody_takes_in_this_moment_bends_no_balance(
    app: Flask, cast: Cast, *, commits: bool
):
    tenant_id, results = cast.tenant.id, list[Posting | AppError]()

    def batch() -> None:
        with app.app_context(), system_scope(), transaction():
            new = [NewPosting(ANN, amount, "shop", f"r{amount}", "x") for amount in (50, 3, -40)]
            results.extend(ledger.post_many(tenant_id, new))

    one(tenant_id, 50, "r50", who=ANN + 1)
    thread = threading.Thread(target=batch)
    thread.start()
    wait_for(somebody_waits)
    db.session.commit() if commits else db.session.rollback()
    thread.join(20)
    assert [_ending(result) for result in results] == (
        ["reference_conflict", "posted", "insufficient_credits"]
        if commits
        else ["posted", "posted", "posted"]
    )
    assert ledger.balance(tenant_id, ANN) == (3 if commits else 13)
    assert ledger.check(tenant_id).mismatches == []


def somebody_waits() -> bool:
    """Whether a connection waits for what another one has not committed."""
    with db.engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
