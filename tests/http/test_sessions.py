"""Signed-in browsers: when a session begins and ends, and what its cookie is worth."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.db import db
from app.http import sessions
from app.models import Membership, UserSession
from tests.cast import PASSWORD, Cast, sign_in
from tests.clockwork import Clockwork


def count() -> int:
    return db.session.scalar(select(func.count()).where(UserSession.revoked_at.is_(None))) or 0


def signed_in(client: FlaskClient) -> bool:
    return client.get("/admin/").status_code == 200


def test_visitors_have_no_session_in_the_database(client: FlaskClient):
    for path in ("/", "/login", "/register", "/reset"):
        client.get(path)
    client.post("/login", data={"email": "nobody@a.example", "password": "x"})
    assert count() == 0


def test_a_session_ends_after_30_idle_minutes(app: Flask, cast: Cast, time: Clockwork):
    client = sign_in(app, cast.owner)
    time.forward(minutes=29)
    assert signed_in(client)
    time.forward(minutes=29)
    assert signed_in(client)
    time.forward(minutes=31)
    assert not signed_in(client)


def test_a_session_ends_after_12_hours_however_busy(app: Flask, cast: Cast, time: Clockwork):
    client = sign_in(app, cast.owner)
    for _ in range(29):
        time.forward(minutes=25)
        client.get("/admin/")
    assert not signed_in(client)


def test_signing_in_gives_a_new_id_so_that_a_planted_one_is_worth_nothing(app: Flask, cast: Cast):
    planted = app.test_client()
    planted.get("/login")
    before = planted.get_cookie("laoban")
    planted.post("/login", data={"email": cast.owner.email, "password": PASSWORD})
    thief = app.test_client()
    thief.set_cookie("laoban", before.value if before else "")
    assert not signed_in(thief)
    assert signed_in(planted)


def test_signing_out_kills_copies_of_the_cookie(app: Flask, cast: Cast):
    client, thief = sign_in(app, cast.owner), app.test_client()
    cookie = client.get_cookie("laoban")
    thief.set_cookie("laoban", cookie.value if cookie else "")
    assert signed_in(thief)
    assert client.post("/logout").status_code == 302
    assert not signed_in(thief)
    assert not signed_in(client)


def test_signing_out_is_never_a_link(app: Flask, cast: Cast):
    client = sign_in(app, cast.owner)
    assert client.get("/logout").status_code == 405
    assert signed_in(client)


def test_a_row_without_its_person_signs_nobody_in(app: Flask, cast: Cast):
    client = sign_in(app, cast.owner)
    with client.session_transaction() as session:
        session["_user_id"] = cast.stranger.fs_uniquifier
    assert not signed_in(client)


@pytest.mark.parametrize("sid", ["", "guess", None, 7, ["x"]])
def test_a_made_up_id_signs_nobody_in(app: Flask, cast: Cast, sid: object):
    client = app.test_client()
    with client.session_transaction() as session:
        session.update({sessions.KEY: sid, "_user_id": cast.owner.fs_uniquifier})
    assert not signed_in(client)


def test_losing_ones_place_holds_from_the_next_request_on(app: Flask, cast: Cast):
    client = sign_in(app, cast.staff)
    assert signed_in(client)
    db.session.delete(db.session.scalars(select(Membership).where(Membership.user_id == cast.staff.id)).one())
    db.session.commit()
    assert not signed_in(client)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient):
    cookie = client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


def test_with_https_the_cookie_is_bound_to_this_host(app: Flask, monkeypatch: pytest.MonkeyPatch):
    settings = app.extensions["settings"]
    monkeypatch.setattr(settings, "public_url", "https://laoban.example")
    monkeypatch.setattr(app, "config", app.config.copy())
    sessions.cookie_flags(app)
    cookie = app.test_client().get("/login", base_url="https://laoban.example").headers["Set-Cookie"]
    assert cookie.startswith("__Host-laoban=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_sensitive_pages_ask_for_the_password_again_after_15_minutes(app: Flask, cast: Cast, time: Clockwork):
    client = sign_in(app, cast.owner)
    assert client.get("/tf-setup").status_code == 200
    time.forward(minutes=16)
    asked = client.get("/tf-setup")
    assert asked.location.startswith("/verify?next=")
    assert client.post(asked.location, data={"password": "wrong"}).status_code == 200
    time.forward(seconds=2)
    assert client.post(asked.location, data={"password": PASSWORD}).location == "/tf-setup"
    assert client.get("/tf-setup").status_code == 200
