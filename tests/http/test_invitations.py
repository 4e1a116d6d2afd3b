"""Joining a tenant by invitation."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.domain.people import Role
from app.models import AuditEvent, Invitation, Membership, User
from app.services import people
from tests.cast import PASSWORD, Cast, sign_in
from tests.clockwork import Clockwork

NEW = {"name": "Xiao Li", "password": PASSWORD}


def invite(cast: Cast, email: str, role: Role = Role.MANAGER) -> str:
    with transaction():
        return people.invite(cast.tenant.id, email, role, cast.owner.id)[1]


def role_of(cast: Cast, email: str) -> Role | None:
    mine = select(Membership.role).join(User).where(Membership.tenant_id == cast.tenant.id)
    return db.session.scalar(mine.where(User.email == email))


def test_a_newcomer_makes_an_account_and_is_in(client: FlaskClient, cast: Cast):
    token = invite(cast, "Li@new.example")
    assert "Tenant A" in client.get(f"/invite/{token}").text
    assert client.post(f"/invite/{token}", data=NEW).location == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert role_of(cast, "li@new.example") == Role.MANAGER


def test_somebody_with_an_account_signs_in_first(app: Flask, cast: Cast):
    token = invite(cast, cast.stranger.email)
    visitor = app.test_client()
    assert "/login?next=" in visitor.get(f"/invite/{token}").text
    assert visitor.post(f"/invite/{token}", data=NEW).status_code == 200
    assert role_of(cast, cast.stranger.email) is None
    client = sign_in(app, cast.stranger)
    assert client.post(f"/invite/{token}").location == "/admin/"
    assert role_of(cast, cast.stranger.email) == Role.MANAGER
    assert "Tenant A" in client.get("/admin/").text


def test_a_link_is_good_for_one_person_only(app: Flask, cast: Cast):
    token = invite(cast, "li@new.example")
    assert sign_in(app, cast.stranger).post(f"/invite/{token}").status_code == 404
    assert role_of(cast, cast.stranger.email) is None


def test_a_link_works_once(app: Flask, cast: Cast):
    token = invite(cast, "li@new.example")
    app.test_client().post(f"/invite/{token}", data=NEW)
    assert app.test_client().post(f"/invite/{token}", data=NEW).status_code == 404


def test_a_link_ends_after_a_week(client: FlaskClient, cast: Cast, time: Clockwork):
    token = invite(cast, "li@new.example")
    time.forward(days=8)
    assert client.get(f"/invite/{token}").status_code == 404


def test_a_revoked_or_replaced_link_is_dead(client: FlaskClient, cast: Cast):
    first = invite(cast, "li@new.example")
    second = invite(cast, "li@new.example")
    assert client.get(f"/invite/{first}").status_code == 404
    row = db.session.scalars(select(Invitation).where(Invitation.revoked_at.is_(None))).one()
    with transaction():
        people.revoke_invitation(cast.tenant.id, row.id)
    assert client.get(f"/invite/{second}").status_code == 404


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("token", ["x", "x" * 3000, "%00", "..%2f.."])
def test_a_made_up_link_is_not_found(client: FlaskClient, token: str):
    assert client.get(f"/invite/{token}").status_code == 404


@pytest.mark.parametrize("extra", ["role", "tenant_id", "email", "is_operator"])
def test_nobody_chooses_his_own_role(client: FlaskClient, cast: Cast, extra: str):
    token = invite(cast, "li@new.example", Role.READ_ONLY)
    assert client.post(f"/invite/{token}", data=NEW | {extra: "owner"}).status_code == 400
    assert role_of(cast, "li@new.example") is None


def test_the_token_is_kept_as_a_fingerprint_and_joining_is_recorded(client: FlaskClient, cast: Cast):
    token = invite(cast, "li@new.example")
    assert token not in str(db.session.scalars(select(Invitation)).one().__dict__)
    client.post(f"/invite/{token}", data=NEW)
    actions = db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["staff.invited", "staff.joined"]
