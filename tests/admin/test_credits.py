"""The credits page: who has how many, what a balance is made of, giving and taking with a reason, once."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.models import AuditEvent, Member
from app.services import credits as ledger
from app.services.credit_clients import create_client
from app.services.credits import holds, settings, transfers
from tests.cast import Cast, sign_in
from tests.ledger_rows import account, chart, member, stats

LIST = "/admin/credits/"
EN = {"Accept-Language": "en"}


@pytest.fixture
def owner(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


def names(client: FlaskClient, query: str = "") -> list[str]:
    page = client.get(f"{LIST}?{query}", headers=EN)
    assert page.status_code == 200
    return re.findall(r"<bdi>(.*?)</bdi>", page.text)


def form(person: Member, **changed: object) -> dict[str, object]:
    return {
        "member_id": person.id,
        "direction": "give",
        "amount": 5,
        "reason": "thanks",
        "reference": "r1",
    } | changed


def test_the_list_has_the_richest_first_and_nobody_of_others(app: Flask, owner: FlaskClient, cast: Cast):
    member(cast.tenant, 1, "Wang")
    account(cast.tenant, 1, 5)
    account(cast.tenant, 2, 9)
    account(cast.other_tenant, 3, 7)
    assert names(owner) == ["#2", "Wang"]
    assert names(sign_in(app, cast.stranger)) == ["#3"]


@pytest.mark.parametrize(("words", "found"), [("wan", ["Wang"]), ("22", ["#22"]), ("nobody", []), ("%", [])])
def test_search(owner: FlaskClient, cast: Cast, words: str, found: list[str]):
    member(cast.tenant, 1, "Wang")
    account(cast.tenant, 1, 5)
    account(cast.tenant, 22, 9)
    assert names(owner, f"search={words}") == found


def test_without_accounts_the_page_leads_to_giving(owner: FlaskClient):
    page = owner.get(LIST, headers=EN).text
    assert "Nobody has credits yet" in page
    assert f'href="{LIST}adjust/"' in page


def test_a_history_shows_every_change(owner: FlaskClient, cast: Cast):
    page = owner.get(f"{LIST}details/?id={account(cast.tenant, 1, 30, -10)}", headers=EN).text
    assert re.findall(r"<b>([+-]\d+)</b>", page) == ["-10", "+30"]
    assert "a gift" in page


def test_a_long_history_has_pages(owner: FlaskClient, cast: Cast):
    number = account(cast.tenant, 1, *range(1, 53))
    page = owner.get(f"{LIST}details/?id={number}").text
    older = re.search(r"before=(\d+)", page)
    assert older
    assert re.findall(
        r"<b>([+-]\d+)</b>", owner.get(f"{LIST}details/?id={number}&before={older[1]}").text
    ) == [
        "+2",
        "+1",
    ]


def test_a_stranger_sees_no_history(app: Flask, cast: Cast):
    assert (
        sign_in(app, cast.stranger).get(f"{LIST}details/?id={account(cast.tenant, 1, 30)}").status_code == 404
    )


def test_giving_and_taking_is_posted_and_recorded(owner: FlaskClient, cast: Cast):
    wang = member(cast.tenant, 1, "Wang")
    answer = owner.post(f"{LIST}adjust/", data=form(wang))
    assert answer.location.startswith(f"{LIST}details/?id=")
    owner.post(f"{LIST}adjust/", data=form(wang, direction="take", amount=2, reference="r2"))
    assert ledger.balance(cast.tenant.id, 1) == 3
    assert [row.source for row in ledger.history(cast.tenant.id, 1)] == ["admin", "admin"]
    events = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [event.action for event in events] == ["credits.given", "credits.taken"]
    first = ledger.history(cast.tenant.id, 1)[-1]
    assert events[0].changes == {"amount": 5, "posting": first.id}


def test_the_log_of_it_does_not_name_him(owner: FlaskClient, cast: Cast):
    owner.post(f"{LIST}adjust/", data=form(member(cast.tenant, 1, "Wang"), reason="for Wang"))
    event = db.session.scalars(select(AuditEvent)).one()
    assert "Wang" not in f"{event.target_name}{event.changes}"


def test_a_form_that_is_sent_twice_counts_once(owner: FlaskClient, cast: Cast):
    wang = member(cast.tenant, 1, "Wang")
    for _ in range(2):
        owner.post(f"{LIST}adjust/", data=form(wang))
    assert ledger.balance(cast.tenant.id, 1) == 5
    assert len(db.session.scalars(select(AuditEvent)).all()) == 1


def test_each_form_has_a_reference_of_its_own(owner: FlaskClient):
    pages = [owner.get(f"{LIST}adjust/").text for _ in range(2)]
    references = [re.search(r'name="reference"[^>]* value="([0-9a-f]{32})"', page) for page in pages]
    assert references[0]
    assert references[1]
    assert references[0][1] != references[1][1]


def test_the_form_may_come_with_its_member(owner: FlaskClient, cast: Cast):
    wang = member(cast.tenant, 1, '"Wang & Söhne')
    assert 'value="&#34;Wang &amp; Söhne"' in owner.get(f"{LIST}adjust/?member={wang.id}").text
    foreign = member(cast.other_tenant, 1, "Stranger")
    assert "Stranger" not in owner.get(f"{LIST}adjust/?member={foreign.id}").text


def test_members_are_found_while_one_types(owner: FlaskClient, cast: Cast):
    wang = member(cast.tenant, 71234567, "Wang")
    member(cast.other_tenant, 71234568, "Wang")
    for words in ("wan", "7123"):
        found = owner.get(f"{LIST}ajax/lookup/?name=member&query={words}")
        assert found.json == [[wang.id, "Wang"]]


def test_nobody_loses_more_than_he_has(owner: FlaskClient, cast: Cast):
    wang = member(cast.tenant, 1, "Wang")
    account(cast.tenant, 1, 4)
    page = owner.post(f"{LIST}adjust/", data=form(wang, direction="take"), headers=EN)
    assert "4 can be taken" in page.text
    assert ledger.balance(cast.tenant.id, 1) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": 10**12 + 1},
        {"amount": "x"},
        {"reason": ""},
        {"reason": "x" * 201},
        {"direction": "both"},
        {"reference": "a b"},
        {"member_id": "x"},
    ],
)
def test_a_wrong_form_changes_nothing(owner: FlaskClient, cast: Cast, wrong: dict[str, object]):
    wang = member(cast.tenant, 1, "Wang")
    assert owner.post(f"{LIST}adjust/", data=form(wang, **wrong)).status_code == 200
    assert ledger.balance(cast.tenant.id, 1) == 0


def test_somebody_elses_member_gets_nothing(owner: FlaskClient, cast: Cast):
    foreign = member(cast.other_tenant, 1, "Stranger")
    assert owner.post(f"{LIST}adjust/", data=form(foreign)).status_code == 200
    assert ledger.check().postings == 0


@pytest.mark.parametrize("who", ["staff", "reader"])
def test_support_and_readers_only_look(app: Flask, cast: Cast, who: str):
    wang, client = member(cast.tenant, 1, "Wang"), sign_in(app, getattr(cast, who))
    number = account(cast.tenant, 1, 4)
    assert client.get(f"{LIST}details/?id={number}").status_code == 200
    assert "/adjust/" not in client.get(f"{LIST}details/?id={number}").text
    assert client.post(f"{LIST}adjust/", data=form(wang)).status_code == 403


def test_names_are_shown_as_text(owner: FlaskClient, cast: Cast):
    member(cast.tenant, 1, "<script>alert(1)</script>")
    number = account(cast.tenant, 1, 4)
    assert "<script>alert" not in owner.get(LIST).text + owner.get(f"{LIST}details/?id={number}").text


def test_the_file_names_the_own_accounts(owner: FlaskClient, cast: Cast):
    member(cast.tenant, 1, "=Wang")
    account(cast.tenant, 1, 4)
    account(cast.other_tenant, 3, 7)
    file = owner.get(f"{LIST}export/csv/", headers=EN).text
    assert '"\'=Wang","1","4","0"' in file
    assert len(file.splitlines()) == 2
    assert db.session.scalars(select(AuditEvent.action)).all() == ["credits.exported"]


def test_an_account_of_nobody_known_is_adjusted_too(owner: FlaskClient, cast: Cast):
    path = f"{LIST}adjust/?account={account(cast.tenant, 22, 4)}"
    assert "#22" in owner.get(path).text
    data = {"direction": "take", "amount": 3, "reason": "wrong", "reference": "r1"}
    for _ in range(2):
        assert owner.post(path, data=data).status_code == 303
    assert ledger.balance(cast.tenant.id, 22) == 1
    assert [event.action for event in db.session.scalars(select(AuditEvent))] == ["credits.taken"]


def test_somebody_elses_account_gets_nothing(owner: FlaskClient, cast: Cast):
    path = f"{LIST}adjust/?account={account(cast.other_tenant, 22, 4)}"
    data = {"direction": "give", "amount": 3, "reason": "wrong", "reference": "r1"}
    assert owner.get(path).status_code == owner.post(path, data=data).status_code == 404


def test_an_account_shows_what_is_held_and_what_is_free(owner: FlaskClient, cast: Cast):
    number = account(cast.tenant, 1, 30)
    holds.reserve(
        cast.tenant.id, 1, 10, source="shop", reference="b1", reason="room 4", lasts=timedelta(hours=1)
    )
    db.session.commit()
    page = owner.get(f"{LIST}details/?id={number}", headers=EN).text
    assert stats(page) == {"Balance": "30", "Held": "10", "Free to spend": "20"}
    assert "room 4" in page


def test_an_overdraft_is_free_to_spend(owner: FlaskClient, cast: Cast):
    settings.save(cast.tenant.id, overdraft=50)
    number = account(cast.tenant, 1, -20)
    page = owner.get(f"{LIST}details/?id={number}", headers=EN).text
    assert stats(page) == {"Balance": "-20", "Held": "0", "Free to spend": "30"}
    assert "Owes you 20" in page


def test_a_transfer_names_the_other_member(owner: FlaskClient, cast: Cast):
    member(cast.tenant, 1, "Wang")
    member(cast.tenant, 2, "Lily")
    settings.save(cast.tenant.id, transfers=True)
    number = account(cast.tenant, 1, 30)
    transfers.transfer(cast.tenant.id, 1, 2, 5, key="t1", reason="tea")
    db.session.commit()
    page = owner.get(f"{LIST}details/?id={number}", headers=EN).text
    assert re.search(r"Given to <a [^>]*><bdi>Lily</bdi>", page)


def test_projects_have_their_names(owner: FlaskClient, cast: Cast):
    create_client(cast.tenant.id, "shop", "Tea shop")
    page = owner.get(f"{LIST}details/?id={account(cast.tenant, 1, 30)}").text
    assert '<span class="badge">Tea shop</span>' in page


def test_the_chart_follows_the_balance(owner: FlaskClient, cast: Cast):
    page = owner.get(f"{LIST}details/?id={account(cast.tenant, 1, 30, -10)}").text
    assert chart(page)["series"][0]["values"][-2:] == [0, 20]
