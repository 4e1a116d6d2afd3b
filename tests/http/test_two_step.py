"""Two-step sign-in."""

import re

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient

from app.core.db import db
from app.models import User
from tests.cast import PASSWORD, Cast, sign_in
from tests.clockwork import Clockwork


def code_now(user: User) -> str:
    db.session.refresh(user)
    assert user.tf_totp_secret
    factory = current_app.extensions["security"].totp_factory
    return str(factory.generate_totp_password(user.tf_totp_secret))


def secret_of(client: FlaskClient) -> str:
    with client.session_transaction() as session:
        return str(session["tf_totp_secret"])


def turn_on(client: FlaskClient) -> str:
    """Sets it up and returns the code that was used."""
    page = client.post("/tf-setup", data={"setup": "authenticator"}).text
    action = re.search(r'action="(/tf-setup/[^"]+)"', page)
    assert action
    assert 'src="data:image/svg+xml' in page
    code = current_app.extensions["security"].totp_factory.generate_totp_password(secret_of(client))
    assert client.post(action[1], data={"code": code}).location == "/mf-recovery-codes"
    return str(code)


@pytest.fixture
def protected(app: Flask, cast: Cast) -> Cast:
    """The owner has two-step sign-in."""
    turn_on(sign_in(app, cast.owner))
    db.session.refresh(cast.owner)
    cast.owner.tf_last_counter = None
    db.session.commit()
    return cast


def test_the_password_alone_is_then_not_enough(app: Flask, protected: Cast):
    client = sign_in(app, protected.owner)
    assert client.get("/admin/").status_code == 302
    assert client.post("/tf-validate", data={"code": code_now(protected.owner)}).location == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_works_once(app: Flask, protected: Cast):
    code = code_now(protected.owner)
    assert sign_in(app, protected.owner).post("/tf-validate", data={"code": code}).status_code == 302
    again = sign_in(app, protected.owner)
    assert again.post("/tf-validate", data={"code": code}).status_code == 200
    assert again.get("/admin/").status_code == 302


def test_guessing_codes_is_slowed_down(app: Flask, protected: Cast, time: Clockwork):
    client = sign_in(app, protected.owner)
    assert client.post("/tf-validate", data={"code": "000000"}).status_code == 200
    assert client.post("/tf-validate", data={"code": "000001"}).status_code == 429
    time.forward(seconds=2)
    assert client.post("/tf-validate", data={"code": "000001"}).status_code == 200


def test_a_recovery_code_works_once(app: Flask, protected: Cast, time: Clockwork):
    client = sign_in(app, protected.owner)
    client.post("/tf-validate", data={"code": code_now(protected.owner)})
    page = client.post("/mf-recovery-codes", data={"generate_new_codes": "1"}).text
    codes = re.findall(r"<code>([0-9a-f-]{14})</code>", page)
    assert len(codes) == 10
    db.session.refresh(protected.owner)
    assert codes[0] not in str(protected.owner.mf_recovery_codes)
    for expected in (302, 200):
        other = sign_in(app, protected.owner)
        time.forward(seconds=40)
        assert other.post("/mf-recovery", data={"code": codes[0]}).status_code == expected


def test_the_secret_is_not_readable_in_the_database(protected: Cast):
    assert '"enckey"' in str(protected.owner.tf_totp_secret)


def test_turning_it_off_needs_a_fresh_password(app: Flask, protected: Cast, time: Clockwork):
    client = sign_in(app, protected.owner)
    client.post("/tf-validate", data={"code": code_now(protected.owner)})
    time.forward(minutes=16)
    assert "/verify" in client.post("/tf-setup", data={"setup": "disable"}).location
    client.post("/verify", data={"password": PASSWORD})
    client.post("/tf-setup", data={"setup": "disable"})
    db.session.refresh(protected.owner)
    assert protected.owner.tf_totp_secret is None


def test_nobody_reaches_the_second_step_without_the_first(client: FlaskClient):
    assert client.post("/tf-validate", data={"code": "123456"}).location.endswith("/login")
    assert client.post("/mf-recovery", data={"code": "abcd-abcd-abcd"}).location.endswith("/login")
