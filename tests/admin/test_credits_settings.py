"""The rules for credits: who may change which, and the warning before anybody may owe something."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.core.db import db
from app.domain.people import Role
from app.models import AuditEvent, CreditAccount, Membership
from app.services.credits import settings
from app.services.credits.settings import Settings
from tests.cast import Cast, sign_in
from tests.ledger_rows import account

PAGE = "/admin/credit-settings/"
EN = {"Accept-Language": "en"}


@pytest.fixture
def owner(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


def now(cast: Cast) -> Settings:
    db.session.expire_all()
    return settings.get(cast.tenant.id)


def widen(client: FlaskClient, overdraft: object, confirmed: object = ""):
    return client.post(f"{PAGE}overdraft/", data={"overdraft": overdraft, "confirmed": confirmed}, headers=EN)


def test_rules_are_saved_and_recorded(owner: FlaskClient, cast: Cast):
    data = {"auto_create": "y", "transfers": "y", "transfer_daily": "50"}
    assert owner.post(f"{PAGE}save/", data=data).status_code == 303
    assert now(cast) == Settings(auto_create=True, transfers=True, transfer_daily=50)
    assert db.session.scalars(select(AuditEvent.action)).all() == ["credits.settings_changed"]


def test_without_transfers_their_limit_is_kept(owner: FlaskClient, cast: Cast):
    settings.save(cast.tenant.id, transfers=True, transfer_daily=50)
    db.session.commit()
    owner.post(f"{PAGE}save/", data={"auto_create": "y"})
    assert now(cast) == Settings(auto_create=True, transfer_daily=50)


@pytest.mark.parametrize("daily", ["0", "-1", "x", str(10**12 + 1)])
def test_a_wrong_limit_changes_nothing(owner: FlaskClient, cast: Cast, daily: str):
    answer = owner.post(f"{PAGE}save/", data={"transfers": "y", "transfer_daily": daily})
    assert (answer.status_code, now(cast)) == (200, Settings())


def test_an_overdraft_is_widened_only_after_its_warning(owner: FlaskClient, cast: Cast):
    account(cast.tenant, 1, 5)
    account(cast.tenant, 2, 5)
    asked = widen(owner, 500)
    assert "up to 500 credits: 1,000 in all" in asked.text
    assert now(cast).overdraft == 0
    confirmed = re.search(r'name="confirmed"[^>]* value="(\d+)"', asked.text)
    assert confirmed
    assert widen(owner, 500, confirmed[1]).status_code == 303
    assert now(cast).overdraft == 500
    assert set(db.session.scalars(select(CreditAccount.floor))) == {-500}


def test_another_number_is_asked_again(owner: FlaskClient, cast: Cast):
    assert widen(owner, 5000, 500).status_code == 200
    assert now(cast).overdraft == 0


def test_a_smaller_one_needs_no_warning(owner: FlaskClient, cast: Cast):
    settings.save(cast.tenant.id, overdraft=500)
    db.session.commit()
    assert widen(owner, 100).status_code == 303
    assert now(cast).overdraft == 100


@pytest.mark.parametrize("wrong", ["", "-1", "x", str(10**12 + 1)])
def test_a_wrong_overdraft_changes_nothing(owner: FlaskClient, cast: Cast, wrong: str):
    assert widen(owner, wrong, wrong).status_code == 200
    assert now(cast) == Settings()


def test_a_manager_changes_rules_but_lets_nobody_owe(app: Flask, cast: Cast):
    db.session.execute(
        update(Membership).where(Membership.user_id == cast.staff.id).values(role=Role.MANAGER)
    )
    db.session.commit()
    manager = sign_in(app, cast.staff)
    assert "Only an owner can change this." in manager.get(PAGE, headers=EN).text
    assert manager.post(f"{PAGE}save/", data={"auto_create": "y"}).status_code == 303
    assert widen(manager, 500, 500).status_code == 403
    assert now(cast) == Settings(auto_create=True)


def test_a_reader_only_reads(app: Flask, cast: Cast):
    reader = sign_in(app, cast.reader)
    page = reader.get(PAGE).text
    assert 'name="auto_create"' not in page
    assert 'name="overdraft"' not in page
    assert reader.post(f"{PAGE}save/", data={"auto_create": "y"}).status_code == 403
    assert now(cast) == Settings()
