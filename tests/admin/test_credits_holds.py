"""The list of holds, and letting one go by hand: once, with a reason that stays."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.models import AuditEvent, CreditHold
from app.services import credits as ledger
from app.services.credits import holds
from tests.cast import Cast, sign_in
from tests.ledger_rows import account, member

LIST = "/admin/credit-holds/"
EN = {"Accept-Language": "en"}


@pytest.fixture
def owner(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def hold(cast: Cast) -> int:
    account(cast.tenant, 1, 30)
    return reserve(cast, 10)


def reserve(cast: Cast, amount: int) -> int:
    made = holds.reserve(
        cast.tenant.id,
        1,
        amount,
        source="shop",
        reference=f"b{amount}",
        reason="room 4",
        lasts=timedelta(minutes=5),
    )
    db.session.commit()
    return made.id


def states(client: FlaskClient, query: str = "") -> list[str]:
    page = client.get(f"{LIST}?{query}", headers=EN)
    assert page.status_code == 200
    return re.findall(r'class="status status-[a-z]+">(.*?)</span>', page.text)


def release(client: FlaskClient, hold_id: int, reason: str = "the guest called"):
    return client.post(f"{LIST}void/?id={hold_id}", data={"reason": reason}, headers=EN)


def test_each_state_has_its_tab(owner: FlaskClient, cast: Cast, hold: int):
    holds.capture(cast.tenant.id, reserve(cast, 5))
    db.session.commit()
    assert states(owner) == ["Captured", "Held"]
    assert states(owner, "flt0_0=active") == ["Held"]
    assert states(owner, "flt0_0=voided") == []


def test_a_hold_tells_when_it_runs_out_both_ways(owner: FlaskClient, hold: int):
    at = db.session.get_one(CreditHold, hold).expires_at
    page = owner.get(LIST, headers=EN).text
    assert f'<time datetime="{at.isoformat()}" data-relative>' in page
    assert re.search(r"</time><small [^>]*>\d{4}-\d\d-\d\d \d\d:\d\d</small>", page)


def test_a_hold_whose_time_is_over_has_run_out(
    owner: FlaskClient, hold: int, monkeypatch: pytest.MonkeyPatch
):
    later = clock.now() + timedelta(minutes=6)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert states(owner) == ["Ran out"]


def test_releasing_asks_and_then_frees_the_credits(owner: FlaskClient, cast: Cast, hold: int):
    member(cast.tenant, 1, "Wang")
    assert "Wang can spend 10 credits again" in owner.get(f"{LIST}void/?id={hold}", headers=EN).text
    assert release(owner, hold).status_code == 303
    assert ledger.standing(cast.tenant.id, 1).held == 0
    assert states(owner) == ["Released"]
    assert "the guest called" in owner.get(LIST).text
    event = db.session.scalars(select(AuditEvent)).one()
    assert (event.action, event.changes) == ("credits.hold_voided", {"hold": hold, "amount": 10})


def test_the_first_reason_stays(owner: FlaskClient, hold: int):
    release(owner, hold)
    release(owner, hold, "again")
    assert db.session.get_one(CreditHold, hold).note == "the guest called"
    assert len(db.session.scalars(select(AuditEvent)).all()) == 1


def test_what_a_project_released_has_no_reason_of_ours(owner: FlaskClient, cast: Cast, hold: int):
    holds.void(cast.tenant.id, hold)
    db.session.commit()
    release(owner, hold)
    assert db.session.get_one(CreditHold, hold).note is None


def test_what_was_captured_stays_so(owner: FlaskClient, cast: Cast, hold: int):
    holds.capture(cast.tenant.id, hold)
    db.session.commit()
    release(owner, hold)
    page = owner.get(LIST, headers=EN).text
    assert "not active any more: it is captured" in page
    assert states(owner) == ["Captured"]


@pytest.mark.parametrize("reason", ["", " ", "x" * 201])
def test_a_reason_is_needed(owner: FlaskClient, cast: Cast, hold: int, reason: str):
    assert release(owner, hold, reason).status_code == 200
    assert ledger.standing(cast.tenant.id, 1).held == 10


@pytest.mark.parametrize("who", ["staff", "reader"])
def test_support_and_readers_only_look(app: Flask, cast: Cast, hold: int, who: str):
    client = sign_in(app, getattr(cast, who))
    assert "/void/" not in client.get(LIST).text
    assert release(client, hold).status_code == 403


def test_a_stranger_finds_nothing(app: Flask, cast: Cast, hold: int):
    stranger = sign_in(app, cast.stranger)
    assert states(stranger) == []
    assert release(stranger, hold).status_code == 404
    assert ledger.standing(cast.tenant.id, 1).held == 10


def test_the_file_is_recorded(owner: FlaskClient, hold: int):
    assert "b10" in owner.get(f"{LIST}export/csv/").text
    assert db.session.scalars(select(AuditEvent.action)).all() == ["credits.holds_exported"]
