"""The feed misses nothing, though ids are not committed in their order."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import install, system_scope
from app.services import credits as ledger
from app.services.credits import NewPosting, feed
from app.services.credits.feed import Change
from tests.cast import Cast
from tests.racing import in_threads
from tests.statements import Statements

ANN = 7_000_000_001
POST = text("""
WITH account AS (UPDATE credit_account SET balance = balance + 1 WHERE telegram_id = :who RETURNING *)
INSERT INTO credit_posting (tenant_id, account_id, amount, balance, source, reference, reason)
SELECT tenant_id, id, 1, balance, 'shop', :reference, 'x' FROM account RETURNING id
""")


@pytest.fixture(autouse=True)
def accounts(cast: Cast) -> None:
    new = [NewPosting(ANN + who, 1, "bank", f"first-{who}", "x") for who in range(8)]
    ledger.post_many(cast.tenant.id, new)
    db.session.commit()
    seen(cast)


@contextmanager
def others(count: int) -> Iterator[list[Session]]:
    """Connections of their own, which see all tenants."""
    engine = create_engine(db.engine.url)
    sessions = [Session(engine) for _ in range(count)]
    for session in sessions:
        install(session)
    yield sessions
    for session in sessions:
        session.close()
    engine.dispose()


def seen(cast: Cast, after: int = 0) -> list[Change]:
    with transaction():
        feed.advance()
        return feed.changes(cast.tenant.id, after, 10_000)


def last_seen(cast: Cast) -> int:
    return seen(cast)[-1].id


def test_what_is_committed_is_seen_at_once_when_nobody_else_writes(cast: Cast):
    after = last_seen(cast)
    made = ledger.post(cast.tenant.id, ANN, 5, source="shop", reference="a", reason="gift", details={"n": 1})
    db.session.commit()
    [change] = seen(cast, after)
    assert (change.id, change.telegram_id, change.amount, change.balance) == (made.id, ANN, 5, 6)
    assert (change.source, change.reference, change.reason, change.details) == ("shop", "a", "gift", {"n": 1})


def test_nothing_is_seen_above_what_may_still_be_committed(cast: Cast):
    after = last_seen(cast)
    with others(3) as (first, second, third):
        ids = [
            session.execute(POST, {"who": ANN + number, "reference": f"r{number}"}).scalar_one()
            for number, session in enumerate((first, second, third))
        ]
        third.commit()
        assert seen(cast, after) == []
        second.rollback()
        assert seen(cast, after) == []
        first.commit()
        assert [change.id for change in seen(cast, after)] == [ids[0], ids[2]]


def test_the_horizon_moves_while_somebody_always_writes(cast: Cast):
    after = last_seen(cast)
    with others(2) as (first, second):
        for number in range(6):
            now, before = (first, second) if number % 2 else (second, first)
            now.execute(POST, {"who": ANN + number % 2, "reference": f"r{number}"})
            before.commit()
            seen(cast, after)
        # One of the two has been under way at every moment.
        assert len(seen(cast, after)) >= 3


def test_who_has_posted_himself_does_not_move_it(cast: Cast):
    before = feed.advance()
    ledger.post(cast.tenant.id, ANN, 5, source="shop", reference="a", reason="x")
    assert feed.advance() == before
    db.session.commit()
    assert feed.advance() > before


def test_a_mark_of_another_life_of_the_server_is_thrown_away(cast: Cast):
    after = last_seen(cast)
    db.session.execute(text("UPDATE credit_horizon SET mark_xid = 2^60, mark_id = 2^40"))
    db.session.commit()
    ledger.post(cast.tenant.id, ANN, 5, source="shop", reference="a", reason="x")
    db.session.commit()
    assert len(seen(cast, after)) == 1
    assert db.session.scalar(text("SELECT mark_xid FROM credit_horizon")) < 2**60


def test_a_reader_who_comes_while_another_moves_it_does_not_wait(cast: Cast):
    ledger.post(cast.tenant.id, ANN, 5, source="shop", reference="a", reason="x")
    db.session.commit()
    with others(1) as (other,):
        other.execute(text("SELECT FROM credit_horizon FOR UPDATE"))
        assert feed.advance() >= 0


def test_nothing_new_costs_one_question(cast: Cast):
    feed.advance()
    with Statements() as asked:
        feed.advance()
    assert asked.count == 1


def test_a_feed_has_pages_and_leaves_out_sources(cast: Cast):
    after = last_seen(cast)
    sources = ["shop", "bank", "shop", "game"]
    new = [NewPosting(ANN, 1, source, f"p{number}", "x") for number, source in enumerate(sources)]
    ledger.post_many(cast.tenant.id, new)
    db.session.commit()
    feed.advance()

    def of(**which: object) -> str:
        return "".join(each.reference[1] for each in feed.changes(cast.tenant.id, after, 10, **which))

    assert of() == "0123"
    assert of(sources=["shop", "game"]) == "023"
    assert of(except_source="shop") == "13"
    page = feed.changes(cast.tenant.id, after, 2)
    assert [each.reference for each in feed.changes(cast.tenant.id, page[-1].id, 9)] == ["p2", "p3"]
    assert feed.changes(cast.other_tenant.id, 0, 9) == []


def test_eight_writers_and_a_reader(app: Flask, cast: Cast):
    got, over, tenant_id = seen(cast), threading.Event(), cast.tenant.id

    def read() -> None:
        with app.app_context(), system_scope():
            while not over.is_set():
                got.extend(seen(cast, got[-1].id))

    def write(number: int) -> None:
        with transaction():
            ledger.post(tenant_id, ANN + number % 8, 1, source="shop", reference=f"w{number}", reason="x")

    reader = threading.Thread(target=read)
    reader.start()
    in_threads([lambda number=number: write(number) for number in range(400)], threads=8)
    over.set()
    reader.join(20)
    got.extend(seen(cast, got[-1].id))
    assert [each.id for each in got] == db.session.scalars(
        text("SELECT id FROM credit_posting ORDER BY id")
    ).all()
    for who in range(8):
        balances = [each.balance for each in got if each.telegram_id == ANN + who]
        assert balances == list(range(1, 52))
