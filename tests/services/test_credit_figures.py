"""Figures of a ledger: days of the tenant's zone, sources, what stands now, and one account's balance by day."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from app.core import clock
from app.core.db import db
from app.core.tenancy import enter_scope
from app.models import CreditCheck
from app.services.credits import figures, nightly, settings
from app.services.credits.figures import Movement, Stock
from tests.cast import Cast
from tests.ledger_rows import account, posted

MIDNIGHT = datetime(2026, 3, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
DAYS = [MIDNIGHT - timedelta(days=1), MIDNIGHT, MIDNIGHT + timedelta(days=1)]
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _inside(app: Flask, cast: Cast) -> Iterator[None]:
    enter_scope(cast.tenant.id)
    yield
    enter_scope(None)


def test_days_begin_at_midnight_of_the_zone(cast: Cast):
    posted(cast.tenant, 1, 5, MIDNIGHT - SECOND)
    posted(cast.tenant, 1, 7, MIDNIGHT)
    posted(cast.tenant, 1, -2, MIDNIGHT + timedelta(days=1) - SECOND)
    posted(cast.tenant, 1, 100, DAYS[0] - SECOND)
    found = figures.flow(cast.tenant.id, DAYS)
    assert (found.came, found.went, found.net) == ([5, 7, 0], [0, 2, 0], 10)


def test_the_last_part_has_no_end(cast: Cast):
    posted(cast.tenant, 1, 5, DAYS[-1] + timedelta(days=30))
    assert figures.flow(cast.tenant.id, DAYS).came == [0, 0, 5]


def test_sources_are_added_up_over_days_the_busiest_first(cast: Cast):
    posted(cast.tenant, 1, 5, DAYS[0], source="shop")
    last = posted(cast.tenant, 2, -3, DAYS[1], source="shop")
    game = posted(cast.tenant, 1, 20, DAYS[1], source="game")
    found = figures.flow(cast.tenant.id, DAYS)
    assert found.sources == [
        Movement("game", 20, 0, 1, game.created_at),
        Movement("shop", 5, 3, 2, last.created_at),
    ]
    assert (found.postings, found.moved) == (3, 28)


def test_a_day_of_23_hours_is_one_day(cast: Cast):
    zone = ZoneInfo("Europe/Berlin")
    starts = [datetime(2026, 3, day, tzinfo=zone) for day in (28, 29, 30)]
    assert [b.astimezone(UTC) - a.astimezone(UTC) for a, b in pairwise(starts)][1] == timedelta(hours=23)
    posted(cast.tenant, 1, 5, datetime(2026, 3, 29, 21, 59, tzinfo=UTC))
    posted(cast.tenant, 1, 7, datetime(2026, 3, 29, 22, tzinfo=UTC))
    assert figures.flow(cast.tenant.id, starts).came == [0, 5, 7]


def test_nothing_of_others_is_counted(cast: Cast):
    enter_scope(cast.other_tenant.id)
    posted(cast.other_tenant, 1, 5, DAYS[0], source="theirs")
    enter_scope(cast.tenant.id)
    assert figures.flow(cast.tenant.id, DAYS).postings == 0
    assert figures.sources(cast.tenant.id) == []
    assert figures.stock(cast.tenant.id) == Stock(0, 0, 0, 0)


def test_what_stands_now(cast: Cast):
    settings.save(cast.tenant.id, overdraft=10)
    account(cast.tenant, 1, 30)
    account(cast.tenant, 2, -4)
    assert figures.stock(cast.tenant.id) == Stock(accounts=2, balance=26, held=0, owed=4)


def test_each_source_is_named_once(cast: Cast):
    for source in ("shop", "game", "shop"):
        posted(cast.tenant, 1, 5, source=source)
    assert figures.sources(cast.tenant.id) == ["game", "shop"]


def test_references_are_found_by_their_beginning(cast: Cast):
    account(cast.tenant, 17, 1, 2)
    account(cast.tenant, 18, 3)
    assert len(figures.with_reference(cast.tenant.id, "17-")) == 2
    assert figures.with_reference(cast.tenant.id, "7-") == []


def test_a_balance_stays_until_it_changes(cast: Cast):
    one = posted(cast.tenant, 1, 5, DAYS[1])
    posted(cast.tenant, 1, 9, DAYS[1] + SECOND)
    assert figures.balances(one.account_id, DAYS) == [100, 109, 109]


def test_too_many_postings_hide_what_was_before(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(figures, "MOST_POSTINGS", 1)
    one = posted(cast.tenant, 1, 5, DAYS[0])
    posted(cast.tenant, 1, 9, DAYS[1])
    assert figures.balances(one.account_id, DAYS) == [None, 109, 109]


def test_only_a_check_that_ended_is_told(cast: Cast):
    db.session.add(CreditCheck(tenant_id=cast.tenant.id, begun_at=clock.now()))
    db.session.commit()
    assert figures.last_check(cast.tenant.id) is None
    nightly.run(cast.tenant.id)
    assert figures.last_check(cast.tenant.id)
