"""Comparing balances with somebody else's."""

import time

import pytest
from sqlalchemy import text

from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.models import CreditDrift, CreditDriftLine, CreditPartner
from app.services.credit_sync import drift, partners
from app.services.credits import erasing
from tests.cast import Cast
from tests.services.test_credit_sync import create, letter
from tests.statements import Statements
from tests.syncing import ANN, BEN, CAT, post

DAN = 7_000_000_004


def compare(cast: Cast, *pairs: tuple[int, int], **options: object) -> CreditDrift:
    with transaction():
        return drift.compare(cast.tenant.id, "Shop", pairs, by="shop", **options)


def told(found: CreditDrift) -> dict[int, tuple[int | None, int | None, int]]:
    rows = db.session.query(CreditDriftLine).filter_by(drift_id=found.id)
    return {row.telegram_id: (row.ours, row.theirs, row.undelivered) for row in rows}


def test_equal_balances_leave_no_lines(cast: Cast):
    post(cast.tenant, "r1", ANN, 10)
    found = compare(cast, (ANN, 10))
    assert (found.compared, found.differing, told(found)) == (1, 0, {})


def test_a_project_that_compares_for_ever_fills_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drift, "KEPT", 2)
    with transaction():
        drift.compare(cast.tenant.id, "By hand", [(ANN, 1)], by="owner@a.example")
    made = []
    for _ in range(4):
        made.append(compare(cast, (ANN, 1)).id)
        with transaction():
            drift.keep_latest(cast.tenant.id, "shop")
    kept = [found.id for found in drift.list_(cast.tenant.id).drifts if found.by == "shop"]
    assert kept == made[:1:-1]
    assert len(drift.list_(cast.tenant.id).drifts) == 3
    assert db.session.query(CreditDriftLine).count() == 3


def test_what_differs_and_what_only_one_side_knows(cast: Cast):
    for who, amount in ((ANN, 10), (BEN, 20), (CAT, 30)):
        post(cast.tenant, f"r{who}", who, amount)
    found = compare(cast, (ANN, 10), (BEN, 25), (DAN, 5), whole=True)
    assert told(found) == {BEN: (20, 25, 0), CAT: (30, None, 0), DAN: (None, 5, 0)}
    counts = found.compared, found.differing, found.unknown_here, found.unknown_there, found.explained
    assert counts == (3, 3, 1, 1, 0)


def test_a_list_that_is_not_whole_says_nothing_about_those_who_are_not_on_it(cast: Cast):
    post(cast.tenant, "r1", ANN)
    assert told(compare(cast, (BEN, 0))) == {}


def test_nothing_on_it_is_no_difference(cast: Cast):
    post(cast.tenant, "r1", ANN, 10)
    post(cast.tenant, "r2", ANN, -10)
    assert told(compare(cast, (BEN, 0), whole=True)) == {}


def test_undelivered_changes_and_letters_explain_differences(cast: Cast):
    partner_id = create(cast, start="beginning", except_source="own").partner.id
    refused = post(cast.tenant, "r1", ANN, 10)
    row = db.session.get(CreditPartner, partner_id)
    row.cursor = refused
    letter(cast, partner_id, refused)
    post(cast.tenant, "r2", ANN, 5)
    post(cast.tenant, "r3", BEN, 7)
    post(cast.tenant, "own", BEN, 100, source="own")
    found = compare(cast, (ANN, 0), (BEN, 99), partner_id=partner_id)
    assert told(found) == {ANN: (15, 0, 15), BEN: (107, 99, 7)}
    assert (found.differing, found.explained) == (2, 1)
    first = drift.lines(found.id).lines[0]
    assert first.telegram_id == BEN


def test_a_letter_that_the_cursor_has_not_passed_counts_once(cast: Cast):
    partner_id = create(cast, start="beginning").partner.id
    letter(cast, partner_id, post(cast.tenant, "r1", ANN, 10))
    assert told(compare(cast, (ANN, 0), partner_id=partner_id)) == {ANN: (10, 0, 10)}


@pytest.mark.parametrize(
    "pairs", [[(ANN, 1), (ANN, 1)], [(0, 1)], [(-5, 1)], [(10**18, 1)], [(ANN, 10**18 + 1)]]
)
def test_wrong_pairs_are_refused(cast: Cast, pairs: list[tuple[int, int]]):
    with pytest.raises(BadInput):
        compare(cast, *pairs)


def test_no_more_than_100_000(cast: Cast):
    with pytest.raises(drift.TooManyPairs):
        compare(cast, *((n, 1) for n in range(1, 100_002)))


def test_another_tenants_partner_explains_nothing(cast: Cast):
    partner_id = create(cast).partner.id
    with pytest.raises(NotFound), transaction():
        drift.compare(cast.other_tenant.id, "x", [], by="x", partner_id=partner_id)


def test_100_000_balances_in_few_statements(cast: Cast):
    db.session.execute(
        text("""INSERT INTO credit_account (tenant_id, telegram_id, balance)
        SELECT :tenant_id, n, n FROM generate_series(1, 1000) n"""),
        {"tenant_id": cast.tenant.id},
    )
    db.session.commit()
    partner_id = create(cast).partner.id
    began = time.monotonic()
    with Statements() as statements:
        found = compare(cast, *((n, n + n % 2) for n in range(1, 100_001)), partner_id=partner_id)
    assert (found.compared, found.differing, found.unknown_here) == (100_000, 99_500, 99_000)
    assert statements.count <= 6
    assert time.monotonic() - began < 10
    assert db.session.query(CreditDriftLine).count() == drift.MOST_LINES


def test_comparisons_and_lines_come_in_pages(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drift, "PAGE", 1)
    for _ in range(2):
        last = compare(cast, (ANN, 5), (BEN, 9))
    page = drift.list_(cast.tenant.id)
    assert ([one.id for one in page.drifts], page.more) == ([last.id], True)
    lines = drift.lines(last.id)
    assert ([one.telegram_id for one in lines.lines], lines.more) == ([BEN], True)


def test_another_tenants_comparison_is_not_found(cast: Cast):
    found = compare(cast, (ANN, 5))
    db.session.expunge_all()
    with tenant_scope(cast.other_tenant.id):
        with pytest.raises(NotFound):
            drift.get(found.id)
        assert drift.list_(cast.tenant.id).drifts == []
        assert drift.lines(found.id).lines == []


def test_who_is_erased_leaves_no_line(cast: Cast):
    found = compare(cast, (ANN, 5), (BEN, 9))
    with transaction():
        erasing.erase(cast.tenant.id, ANN)
    assert list(told(found)) == [BEN]


def test_a_removed_partner_leaves_no_comparison(cast: Cast):
    partner_id = create(cast).partner.id
    compare(cast, (ANN, 5), partner_id=partner_id)
    with transaction():
        partners.remove(partner_id)
    assert db.session.query(CreditDriftLine).count() == 0
