"""Many at the same moment, over connections of their own: nothing lost, nothing double, nobody waits in a circle."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.errors import AppError
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.credit_holds import HoldClosed
from app.services import credits as ledger
from app.services.credits import NewPosting, Posting, holds, settings, transfers
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


def test_fifty_who_take_ten_of_a_hundred(app: Flask, cast: Cast):
    one(cast.tenant.id, 100, "top-up")
    db.session.commit()
    takings = [lambda number=number: taken(cast.tenant.id, number) for number in range(50)]
    assert Counter(in_threads(takings, threads=16)) == {"posted": 10, "insufficient_credits": 40}
    assert ledger.balance(cast.tenant.id, ANN) == 0


def taken(tenant_id: int, number: int) -> str:
    with transaction():
        return _ending(one(tenant_id, -10, f"take-{number}")[0])


def test_fifty_who_post_the_same(app: Flask, cast: Cast):
    def same() -> str:
        with transaction():
            return _ending(one(cast.tenant.id, 10, "gift")[0])

    assert Counter(in_threads([same] * 50, threads=16)) == {"posted": 1, "duplicate": 49}
    assert ledger.balance(cast.tenant.id, ANN) == 10


def test_exactly_one_of_capture_and_expiry_wins(app: Flask, cast: Cast):
    tenant_id, rounds = cast.tenant.id, 200
    one(tenant_id, rounds, "top-up")
    hold_ids = [
        holds.reserve(
            tenant_id, ANN, 1, source="shop", reference=f"h{number}", reason="x", lasts=timedelta(days=1)
        ).id
        for number in range(rounds)
    ]
    db.session.commit()

    def capture(hold_id: int) -> str:
        with transaction(), suppress(HoldClosed):
            return f"captured {holds.capture(tenant_id, hold_id)[0].id}"
        return "late"

    def expire(hold_id: int) -> str:
        with transaction():
            db.session.execute(DUE, {"id": hold_id})
            return f"expired {hold_id}" if holds.expire_due(1) else "late"

    jobs = [partial(act, hold_id) for hold_id in hold_ids for act in (capture, expire)]
    ends = Counter(str(end).split()[0] for end in in_threads(jobs, threads=4))
    states = dict(db.session.execute(text("SELECT state, count(*) FROM credit_hold GROUP BY state")).all())
    assert (ends["captured"], ends["expired"]) == (states.get("captured", 0), states.get("expired", 0))
    assert ends["captured"] + ends["expired"] == ends["late"] == rounds
    assert ledger.check(tenant_id).mismatches == []
    assert ledger.standing(tenant_id, ANN) == ledger.Standing(rounds - ends["captured"])


# Under the lock of the account, like everybody who changes a hold.
DUE = text("""
WITH account AS (SELECT credit_account.id FROM credit_account JOIN credit_hold ON account_id = credit_account.id
                 WHERE credit_hold.id = :id FOR NO KEY UPDATE OF credit_account)
UPDATE credit_hold SET expires_at = now() - interval '1 minute' FROM account
WHERE credit_hold.id = :id AND state = 'active'
""")


def test_holds_batches_and_transfers_wait_in_one_order(app: Flask, cast: Cast):
    tenant_id, chance = cast.tenant.id, random.Random(5)
    ledger.post_many(tenant_id, [NewPosting(ANN + who, 1000, "shop", f"top-{who}", "x") for who in range(6)])
    settings.save(tenant_id, transfers=True)
    db.session.commit()
    pairs = [(*chance.sample(range(6), 2), chance.randrange(4)) for _ in range(THREADS * 15)]

    def act(number: int) -> Sequence[Posting | AppError]:
        one_, other, deed = pairs[number]
        if deed == 0:
            made = transfers.transfer(tenant_id, ANN + one_, ANN + other, 3, key=f"k{number}", reason="x")
            return [made.sent, made.received]
        if deed == 1:
            both = [NewPosting(ANN + who, -2, "shop", f"{number}-{who}", "x") for who in (one_, other)]
            return ledger.post_many(tenant_id, both, atomic=True)
        hold = holds.reserve(
            tenant_id, ANN + one_, 5, source="shop", reference=f"h{number}", reason="x", lasts=timedelta(1)
        )
        return [holds.capture(tenant_id, hold.id, 2)[1]] if deed == 2 else [] * holds.expire_due(5)

    ends = together(act, rounds=15)
    assert set(ends) == {"posted"}
    assert ledger.check(tenant_id).mismatches == []


def test_a_debit_is_seen_on_another_connection_at_once(app: Flask, cast: Cast):
    tenant_id, seen = cast.tenant.id, Counter[bool]()
    one(tenant_id, 1000, "top-up")
    db.session.commit()
    with db.engine.connect() as other:
        other.execute(text("SELECT set_config('laoban.tenant', '*', false)"))
        other.commit()
        for number in range(1000):
            with transaction():
                after = one(tenant_id, -1, f"d{number}")[0]
            balance = other.scalar(text("SELECT balance FROM credit_account"))
            other.commit()
            seen[balance == getattr(after, "balance", None) == 999 - number] += 1
        other.execute(text("SELECT set_config('laoban.tenant', '', false)"))
        other.commit()
    assert seen == {True: 1000}


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


@pytest.mark.parametrize("act", ["post", "reserve"])
@pytest.mark.parametrize("frees", ["balance", "held"])
def test_who_waited_for_credits_can_spend_them(app: Flask, cast: Cast, act: str, frees: str):
    tenant_id, results = cast.tenant.id, list[object]()
    one(tenant_id, 50, "top-up")
    hold = holds.reserve(
        tenant_id, ANN, 50, source="shop", reference="h1", reason="x", lasts=timedelta(days=1)
    )
    db.session.commit()

    def spend() -> None:
        with app.app_context(), system_scope(), transaction():
            if act == "post":
                results.extend(one(tenant_id, -50, "spent"))
            else:
                lasts = timedelta(days=1)
                results.append(
                    holds.reserve(tenant_id, ANN, 50, source="shop", reference="h2", reason="x", lasts=lasts)
                )

    # What the waiting statement saw when it began covers nothing.
    holds.void(tenant_id, hold.id) if frees == "held" else one(tenant_id, 50, "more")
    thread = threading.Thread(target=spend)
    thread.start()
    wait_for(somebody_waits)
    db.session.commit()
    thread.join(20)
    assert len(results) == 1
    assert not isinstance(results[0], AppError)
    assert ledger.check(tenant_id).mismatches == []
