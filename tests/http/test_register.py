"""Becoming a boss."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.core.settings import get_settings
from app.domain.people import Role
from app.models import Mail, Membership, Tenant, User
from tests.browser import plain
from tests.cast import PASSWORD, Cast

FORM = {"name": "Lucky tea", "email": "New@Boss.example", "password": PASSWORD}


def the_user(email: str) -> User | None:
    return db.session.scalars(select(User).where(User.email == email)).one_or_none()


def test_registering_makes_a_tenant_with_its_owner_and_leads_into_the_admin(client: FlaskClient):
    answer = client.post("/register", data=FORM)
    assert (answer.status_code, answer.location) == (302, "/admin/")
    membership = db.session.scalars(select(Membership)).one()
    assert membership.role == Role.OWNER
    assert membership.user.email == "new@boss.example"
    assert db.session.get_one(Tenant, membership.tenant_id).trial_ends_at is not None
    assert "Lucky tea" in client.get("/admin/").text


def test_the_register_page_asks_for_three_things(client: FlaskClient):
    page = client.get("/register").text
    assert page.count('name="name"') == page.count('name="email"') == page.count('name="password"') == 1


@pytest.mark.parametrize(
    ("field", "value"), [("email", "no address"), ("password", "short"), ("name", " "), ("name", "x" * 81)]
)
def test_what_is_not_valid_makes_nothing(client: FlaskClient, field: str, value: str):
    assert client.post("/register", data=FORM | {field: value}).status_code == 200
    assert db.session.scalars(select(User)).all() == []


@pytest.mark.parametrize("extra", ["tenant_id", "role", "plan", "active", "confirmed_at", "is_operator"])
def test_fields_that_the_form_does_not_show_are_refused(client: FlaskClient, extra: str):
    assert client.post("/register", data=FORM | {extra: "1"}).status_code == 400
    assert db.session.scalars(select(User)).all() == []


def test_an_address_that_has_an_account_gets_no_second_one(client: FlaskClient, cast: Cast):
    answer = client.post("/register", data=FORM | {"email": cast.owner.email})
    assert answer.status_code == 409
    assert len(db.session.scalars(select(Tenant)).all()) == 2


def test_somebody_who_is_signed_in_is_sent_home(client: FlaskClient):
    client.post("/register", data=FORM)
    assert client.get("/register").location == "/admin/"


@pytest.fixture
def with_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that can send mail."""
    monkeypatch.setattr(get_settings(), "mail_url", "smtp://mail.example")
    monkeypatch.setattr(get_settings(), "public_url", "https://laoban.example")


@pytest.mark.usefixtures("with_mail")
def test_with_mail_the_address_is_proven_before_signing_in(client: FlaskClient):
    assert client.post("/register", data=FORM).status_code == 200
    login = {"email": "new@boss.example", "password": PASSWORD}
    assert client.post("/login", data=login).status_code == 200
    letter = db.session.scalars(select(Mail)).one()
    link = next(line for line in str(letter.body).splitlines() if line.startswith("https://"))
    assert link.startswith("https://laoban.example/confirm/")
    client.get(link.removeprefix("https://laoban.example"))
    db.session.expire_all()
    user = the_user("new@boss.example")
    assert user
    assert user.confirmed_at


@pytest.mark.usefixtures("with_mail")
def test_with_mail_a_known_address_gets_the_same_page(app: Flask, cast: Cast):
    fresh = app.test_client().post("/register", data=FORM)
    known = app.test_client().post("/register", data=FORM | {"email": cast.owner.email})
    assert fresh.status_code == known.status_code == 200
    assert plain(fresh, "new@boss.example") == plain(known, cast.owner.email)
    assert {letter.recipient for letter in db.session.scalars(select(Mail))} == {
        "new@boss.example",
        cast.owner.email,
    }
