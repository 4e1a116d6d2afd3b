"""Members give each other credits: both postings or none, once for a key, within what the boss allows."""

from functools import partial

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.errors import BadInput
from app.domain.credit_clients import UnknownUser
from app.services import credits as ledger
from app.services.credits import (
    InsufficientCredits,
    ReferenceConflict,
    TransferLimit,
    TransfersOff,
    settings,
    transfers,
)
from app.services.credits.transfers import Transfer
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.racing import endings

ANN, BEN = 7_000_000_001, 7_000_000_002


@pytest.fixture(autouse=True)
def allowed(cast: Cast) -> None:
    for who in (ANN, BEN):
        ledger.post(cast.tenant.id, who, 100, source="shop", reference=f"top-up-{who}", reason="x")
    settings.save(cast.tenant.id, transfers=True)
    db.session.commit()


def give(cast: Cast, amount: int, key: str = "k1", *, sender: int = ANN, receiver: int = BEN) -> Transfer:
    made = transfers.transfer(cast.tenant.id, sender, receiver, amount, key=key, reason="thanks")
    db.session.commit()
    return made


def balances(cast: Cast) -> tuple[int, int]:
    assert ledger.check(cast.tenant.id).mismatches == []
    return ledger.balance(cast.tenant.id, ANN), ledger.balance(cast.tenant.id, BEN)


def test_what_one_gives_the_other_gets(cast: Cast):
    made = give(cast, 30)
    assert (made.sent.balance, made.received.balance, balances(cast)) == (70, 130, (70, 130))
    rows = [ledger.history(cast.tenant.id, who)[0] for who in (ANN, BEN)]
    assert [(row.source, row.reference, row.details) for row in rows] == [
        ("transfer", "k1:out", {}),
        ("transfer", "k1:in", {}),
    ]


def test_the_same_again_changes_nothing_even_when_it_would_not_be_allowed_any_more(cast: Cast):
    first = give(cast, 80)
    settings.save(cast.tenant.id, transfers=False, transfer_daily=1)
    again = give(cast, 80)
    assert (again.sent.id, again.sent.duplicate, again.received.duplicate) == (first.sent.id, True, True)
    with pytest.raises(ReferenceConflict):
        give(cast, 79)
    assert balances(cast) == (20, 180)


def test_more_than_somebody_has_moves_nothing(cast: Cast):
    with pytest.raises(InsufficientCredits):
        give(cast, 101)
    assert balances(cast) == (100, 100)


def test_nobody_gives_away_what_an_overdraft_lends(app: Flask, cast: Cast):
    settings.save(cast.tenant.id, overdraft=1000)
    db.session.commit()
    acts = [
        partial(transfers.transfer, cast.tenant.id, ANN, BEN, 60, key=f"k{number}", reason="x")
        for number in range(4)
    ]
    assert endings(*acts) == {"done": 1, "insufficient_credits": 3}
    assert balances(cast) == (40, 160)


@pytest.mark.parametrize("wrong", [{"amount": 0}, {"amount": -5}, {"amount": 5, "receiver": ANN}])
def test_what_is_no_transfer_is_refused(cast: Cast, wrong: dict[str, int]):
    with pytest.raises(BadInput):
        give(cast, **wrong)


def test_only_where_the_boss_allows_it_and_to_people_who_are_known(cast: Cast):
    with pytest.raises(UnknownUser):
        give(cast, 5, receiver=404)
    settings.save(cast.tenant.id, transfers=False)
    with pytest.raises(TransfersOff):
        give(cast, 5)


def test_a_day_has_a_limit(cast: Cast, time: Clockwork):
    settings.save(cast.tenant.id, transfer_daily=50)
    give(cast, 30, "a")
    give(cast, 10, "b", sender=BEN, receiver=ANN)
    with pytest.raises(TransferLimit) as refused:
        give(cast, 21, "c")
    assert refused.value.params == {"left": 20}
    give(cast, 20, "d")
    time.forward(hours=24)
    assert give(cast, 50, "e").sent.balance == 10


def test_the_day_is_that_of_the_tenants_zone(cast: Cast):
    settings.save(cast.tenant.id, transfer_daily=50)
    db.session.execute(text("UPDATE tenant SET timezone = 'Pacific/Kiritimati'"))
    give(cast, 50)
    with pytest.raises(TransferLimit):
        give(cast, 1, "b")


def test_two_at_once_stay_within_the_limit(app: Flask, cast: Cast):
    settings.save(cast.tenant.id, transfer_daily=50)
    db.session.commit()
    acts = [
        partial(transfers.transfer, cast.tenant.id, ANN, BEN, 10, key=f"k{number}", reason="x")
        for number in range(12)
    ]
    assert endings(*acts) == {"done": 5, "transfer_limit": 7}
    assert balances(cast) == (50, 150)


def test_crossing_transfers_wait_in_one_order(app: Flask, cast: Cast):
    pairs = [(ANN, BEN), (BEN, ANN)] * 8
    acts = [
        partial(transfers.transfer, cast.tenant.id, *pair, 5, key=f"k{number}", reason="x")
        for number, pair in enumerate(pairs)
    ]
    assert endings(*acts) == {"done": 16}
    assert balances(cast) == (100, 100)
