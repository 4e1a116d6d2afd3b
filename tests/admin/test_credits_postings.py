"""The list of all postings: filters, search, details with their links, the file."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.models import AuditEvent, CreditPosting
from app.services import credits as ledger
from app.services.credit_clients import create_client
from app.services.credits import settings, transfers
from tests.cast import Cast, sign_in
from tests.ledger_rows import account, member, posted

LIST = "/admin/credit-postings/"
EN = {"Accept-Language": "en"}


@pytest.fixture
def owner(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


def amounts(client: FlaskClient, query: str = "") -> list[str]:
    page = client.get(f"{LIST}?{query}", headers=EN)
    assert page.status_code == 200
    return re.findall(r"<b>([+-]\d+)</b>", page.text)


def details(client: FlaskClient, posting_id: int) -> str:
    page = client.get(f"{LIST}details/?id={posting_id}", headers=EN)
    assert page.status_code == 200
    return page.text


def only() -> int:
    return db.session.scalars(select(CreditPosting.id)).one()


def test_the_latest_comes_first_and_nothing_of_others(owner: FlaskClient, cast: Cast):
    account(cast.tenant, 1, 30, -10)
    account(cast.other_tenant, 1, 99)
    assert amounts(owner) == ["-10", "+30"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("flt0_0=game", ["+7"]),
        ("flt0_0=nobody", []),
        ("flt0_0=a%20b", ["+7", "-10", "+30"]),
        ("flt1_1=in", ["+7", "+30"]),
        ("flt1_1=out", ["-10"]),
        ("flt2_2=10", ["-10"]),
        ("flt3_3=10", ["-10", "+30"]),
        ("flt4_4=10&flt1_1=out", ["-10"]),
        ("flt3_3=x", ["+7", "-10", "+30"]),
    ],
)
def test_filters(owner: FlaskClient, cast: Cast, query: str, found: list[str]):
    account(cast.tenant, 1, 30, -10)
    account(cast.tenant, 2, 7, source="game")
    assert amounts(owner, query) == found


def test_days_are_those_of_the_tenants_zone(owner: FlaskClient, cast: Cast):
    cast.tenant.timezone = "Asia/Shanghai"
    midnight = datetime(2026, 3, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
    for amount, moment in ((5, midnight - timedelta(seconds=1)), (7, midnight)):
        posted(cast.tenant, 1, amount, moment)
    assert amounts(owner, "flt5_5=2026-03-08") == ["+7"]
    assert amounts(owner, "flt6_6=2026-03-07") == ["+5"]


@pytest.mark.parametrize(
    ("words", "found"), [("wan", ["+5"]), ("22", ["+9"]), ("22-", ["+9"]), ("1-0", ["+5"]), ("%", [])]
)
def test_search_by_member_and_by_reference(owner: FlaskClient, cast: Cast, words: str, found: list[str]):
    member(cast.tenant, 1, "Wang")
    account(cast.tenant, 1, 5)
    account(cast.tenant, 22, 9)
    assert amounts(owner, f"search={words}") == found


def test_the_sources_to_choose_from_are_the_tenants(owner: FlaskClient, cast: Cast):
    create_client(cast.tenant.id, "shop", "Tea shop")
    create_client(cast.other_tenant.id, "theirs", "Not mine")
    account(cast.tenant, 1, 5, source="former")
    page = owner.get(LIST, headers=EN).text
    assert re.search(r'<option value="shop"[^>]*>Tea shop<', page)
    assert re.search(r'<option value="former"[^>]*>former<', page)
    assert "Not mine" not in page


def test_details_show_everything_that_came_with_it(owner: FlaskClient, cast: Cast):
    create_client(cast.tenant.id, "shop", "Tea shop")
    ledger.post(
        cast.tenant.id, 1, 5, source="shop", reference="s-1", reason="tea", details={"sku": "<b>龙井</b>"}
    )
    db.session.commit()
    page = details(owner, only())
    for words in ("Tea shop", "<code", "s-1", "&#34;sku&#34;: &#34;&lt;b&gt;龙井", "+5"):
        assert words in page


@pytest.mark.parametrize(
    ("source", "reference", "address"),
    [
        ("lottery", "lottery:12:prize:1:1", "/admin/lotteries/details/?id=12"),
        ("order", "order:34", "/admin/orders/details/?id=34"),
        ("order", "order:34:back", "/admin/orders/details/?id=34"),
        ("shop", "order:34", None),
        ("order", "order:34x", None),
    ],
)
def test_our_own_references_lead_somewhere(
    owner: FlaskClient, cast: Cast, source: str, reference: str, address: str | None
):
    ledger.post(cast.tenant.id, 1, 5, source=source, reference=reference, reason="a gift")
    db.session.commit()
    links = re.findall(r'href="(/admin/(?:lotteries|orders)/details/[^"]*)"', details(owner, only()))
    assert links == ([address] if address else [])


def test_a_transfer_names_both(owner: FlaskClient, cast: Cast):
    member(cast.tenant, 1, "Wang")
    member(cast.tenant, 2, "Lily")
    settings.save(cast.tenant.id, transfers=True)
    account(cast.tenant, 1, 30)
    done = transfers.transfer(cast.tenant.id, 1, 2, 5, key="t1", reason="tea")
    db.session.commit()
    assert re.search(r"Given by</dt><dd><a [^>]*><bdi>Wang<", details(owner, done.received.id))
    assert re.search(r"Given to</dt><dd><a [^>]*><bdi>Lily<", details(owner, done.sent.id))


def test_a_stranger_finds_nothing(app: Flask, cast: Cast):
    account(cast.tenant, 1, 30)
    stranger = sign_in(app, cast.stranger)
    assert amounts(stranger) == []
    assert stranger.get(f"{LIST}details/?id={only()}").status_code == 404


def test_nothing_can_be_changed(owner: FlaskClient, cast: Cast):
    account(cast.tenant, 1, 30)
    for act in ("new", "edit", "delete"):
        assert owner.post(f"{LIST}{act}/", data={"id": only()}).status_code in {404, 405}


def test_an_empty_list_says_what_to_do(app: Flask, cast: Cast, owner: FlaskClient):
    assert '/admin/credits/adjust/"' in owner.get(LIST).text
    assert '/admin/credits/adjust/"' not in sign_in(app, cast.reader).get(LIST).text


def test_the_file_has_what_the_list_shows_and_is_recorded(app: Flask, owner: FlaskClient, cast: Cast):
    member(cast.tenant, 1, "=Wang")
    account(cast.tenant, 1, 5, -2)
    account(cast.tenant, 2, 7)
    file = owner.get(f"{LIST}export/csv/?flt1_1=out", headers=EN).text
    assert '"1","\'=Wang","-2","3","shop","1-1","a gift"' in file
    assert len(file.splitlines()) == 2
    assert db.session.scalars(select(AuditEvent.action)).all() == ["credits.postings_exported"]
    assert sign_in(app, cast.reader).get(f"{LIST}export/csv/").status_code == 403
