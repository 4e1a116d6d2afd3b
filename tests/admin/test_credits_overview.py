"""The first page about credits: figures of a span, projects, the nightly check, and what to do first."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import db
from app.models import CreditCheck
from app.services.credit_clients import create_client
from app.services.credit_sync import partners
from tests.cast import Cast, sign_in
from tests.ledger_rows import account, chart, posted, stats

PAGE = "/admin/credit-overview/"
EN = {"Accept-Language": "en"}


@pytest.fixture
def owner(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def shanghai(cast: Cast) -> None:
    cast.tenant.timezone = "Asia/Shanghai"
    db.session.commit()


def look(client: FlaskClient, days: object = 7) -> str:
    page = client.get(f"{PAGE}?days={days}", headers=EN)
    assert page.status_code == 200
    return page.text


def projects(page: str) -> dict[str, list[str]]:
    """Added, taken and postings of each row, by its name."""
    rows = re.findall(r"main-cell.*?<bdi>(.*?)</bdi>(.*?)</tr>", page, re.DOTALL)
    return {name: re.findall(r'class="num" data-label="[^"]*">(.*?)</td>', cells) for name, cells in rows}


def check(cast: Cast, mismatches: int) -> None:
    now = clock.now()
    db.session.add(
        CreditCheck(tenant_id=cast.tenant.id, begun_at=now, checked_at=now, postings=9, mismatches=mismatches)
    )
    db.session.commit()


def test_what_came_and_went_and_what_is_there(owner: FlaskClient, cast: Cast):
    account(cast.tenant, 1, 30, -10)
    account(cast.tenant, 2, 5)
    account(cast.other_tenant, 3, 1000)
    page = look(owner)
    assert stats(page) == {"All balances together": "25", "Added": "+35", "Taken": "-10", "Net change": "+25"}
    assert "in 2 accounts" in page


def test_a_posting_belongs_to_its_day_in_the_tenants_zone(
    owner: FlaskClient, cast: Cast, shanghai: None, monkeypatch: pytest.MonkeyPatch
):
    """At 16:30 UTC it is the next day in Shanghai."""
    del shanghai
    now = datetime.now(UTC).replace(hour=16, minute=30)
    monkeypatch.setattr(clock, "now", lambda: now)
    posted(cast.tenant, 1, 5, now - timedelta(minutes=31))
    posted(cast.tenant, 1, 7, now - timedelta(minutes=30))
    drawn = chart(look(owner))
    assert drawn["labels"][-1] == f"{now + timedelta(days=1):%m-%d}"
    assert drawn["series"][0]["values"][-2:] == [5, 7]
    assert stats(look(owner, 1))["Added"] == "+7"
    assert chart(look(owner, 1))["labels"] == ["00:00"]


def test_what_was_taken_is_drawn_below_the_line(owner: FlaskClient, cast: Cast):
    account(cast.tenant, 1, 30, -10)
    assert [series["values"][-1] for series in chart(look(owner))["series"]] == [30, -10]


def test_each_project_has_its_sums_and_leads_to_its_postings(owner: FlaskClient, cast: Cast):
    create_client(cast.tenant.id, "shop", "Tea shop")
    create_client(cast.tenant.id, "game", "Card game")
    account(cast.tenant, 1, 30, -10)
    account(cast.tenant, 2, 20, source="admin")
    page = look(owner)
    assert projects(page) == {
        "Tea shop": ["+30", "-10", "2"],
        "By hand": ["+20", "0", "1"],
        "Card game": ["0", "0", "0"],
    }
    link = re.search(r'href="(/admin/credit-postings/\?[^"]*flt0_0=shop[^"]*)"', page)
    assert link
    assert owner.get(link[1].replace("&amp;", "&")).text.count("<b>") == 2


@pytest.mark.parametrize("days", ["0", "8", "x", "9999999999", "-1"])
def test_other_spans_are_thirty_days(owner: FlaskClient, cast: Cast, days: str):
    account(cast.tenant, 1, 30)
    assert len(chart(look(owner, days))["labels"]) == 30


def test_the_nightly_check_is_told_in_words(owner: FlaskClient, cast: Cast):
    account(cast.tenant, 1, 30)
    assert "Yours come first tonight" in look(owner)
    check(cast, 0)
    assert "Every balance is the sum of its postings." in look(owner)


def test_a_ledger_that_does_not_add_up_is_an_alarm(owner: FlaskClient, cast: Cast):
    account(cast.tenant, 1, 30)
    check(cast, 2)
    page = look(owner)
    assert "2 accounts do not add up." in page
    assert 'role="alert"' in page


def test_partners_that_lag_are_named(app: Flask, owner: FlaskClient, cast: Cast):
    account(cast.tenant, 1, 30)
    partners.create(cast.tenant.id, "Old shop", "https://shop.example/in", sources=(), except_source=None)
    db.session.commit()
    assert "Old shop" in look(owner)
    assert "Old shop" not in look(sign_in(app, cast.reader))


def test_a_new_business_is_told_how_to_begin(owner: FlaskClient):
    page = look(owner)
    for place in (
        "/admin/credits/adjust/",
        "/admin/lotteries/",
        "/admin/products/",
        "/admin/credit-clients/",
    ):
        assert f'href="{place}"' in page
    assert "data-chart" not in page


def test_a_reader_sees_it_and_is_not_sent_where_he_may_not_go(app: Flask, cast: Cast):
    reader = sign_in(app, cast.reader)
    for _ in range(2):
        assert "/adjust/" not in look(reader)
        assert "/credit-clients/" not in look(reader)
        account(cast.tenant, 1, 30)


def test_the_menu_leads_here_from_every_page_of_credits(owner: FlaskClient):
    for page in ("credits", "credit-postings", "credit-holds", "credit-settings"):
        found = owner.get(f"/admin/{page}/", headers=EN).text
        assert re.search(rf'<a [^>]*href="{PAGE}"[^>]*aria-current="page"', found), page
