"""Signing in: who gets in, how guessing is slowed down, and what an answer gives away."""

from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.core.db import db
from app.core.settings import get_settings
from app.models import LoginThrottle, Mail, UserSession
from tests.browser import plain
from tests.cast import PASSWORD, Cast, sign_in
from tests.clockwork import Clockwork

HERE, NEAR, FAR = "198.51.100.7", "198.51.100.200", "203.0.113.5"


def log_in(client: FlaskClient, email: str, password: str, ip: str = HERE) -> TestResponse:
    data = {"email": email, "password": password}
    return client.post("/login", data=data, environ_base={"REMOTE_ADDR": ip})


def signed_in(client: FlaskClient) -> bool:
    return client.get("/admin/").status_code == 200


def test_the_right_password_leads_into_the_admin(client: FlaskClient, cast: Cast):
    assert log_in(client, cast.owner.email, PASSWORD).location == "/admin/"
    assert signed_in(client)


def test_the_address_may_be_written_in_capitals(client: FlaskClient, cast: Cast):
    assert log_in(client, " Owner@A.Example ", PASSWORD).status_code == 302


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(app: Flask, cast: Cast):
    wrong = log_in(app.test_client(), cast.owner.email, "wrong")
    unknown = log_in(app.test_client(), "nobody@a.example", "wrong", FAR)
    assert wrong.status_code == unknown.status_code == 200
    assert "field-error" not in wrong.text
    assert wrong.text.count('role="alert"') == unknown.text.count('role="alert"') == 1


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("email", ["owner@a.example", "nobody@a.example"])
def test_after_a_wrong_try_the_next_waits_whether_the_account_exists_or_not(client: FlaskClient, email: str):
    log_in(client, email, "wrong")
    answer = log_in(client, email, "wrong")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"


def test_the_wait_doubles_up_to_30_seconds(client: FlaskClient, cast: Cast, time: Clockwork):
    waits = []
    for _ in range(8):
        assert log_in(client, cast.owner.email, "wrong").status_code == 200
        waits.append(int(log_in(client, cast.owner.email, "wrong").headers["Retry-After"]))
        time.forward(seconds=waits[-1])
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_after_many_wrong_tries_the_right_one_works_at_once_from_elsewhere(
    app: Flask, cast: Cast, time: Clockwork
):
    client = app.test_client()
    answers = [log_in(client, cast.owner.email, "wrong").status_code for _ in range(60)]
    assert answers.count(200) < 20
    assert log_in(client, cast.owner.email, PASSWORD, NEAR).status_code == 429
    assert log_in(app.test_client(), cast.owner.email, PASSWORD, FAR).status_code == 302
    time.forward(seconds=30)
    assert log_in(client, cast.owner.email, PASSWORD).status_code == 302


def test_a_right_password_ends_the_wait(client: FlaskClient, cast: Cast, time: Clockwork):
    log_in(client, cast.owner.email, "wrong")
    time.forward(seconds=2)
    assert log_in(client, cast.owner.email, PASSWORD).status_code == 302
    assert db.session.scalars(select(LoginThrottle)).all() == []


def test_somebody_signed_in_can_not_end_the_wait_of_another(app: Flask, cast: Cast):
    log_in(app.test_client(), cast.owner.email, "wrong", "127.0.0.1")
    sign_in(app, cast.stranger).post("/login", data={"email": cast.owner.email, "password": "x"})
    assert log_in(app.test_client(), cast.owner.email, PASSWORD, "127.0.0.1").status_code == 429


def test_a_disabled_account_stays_outside(client: FlaskClient, cast: Cast):
    cast.owner.active = False
    db.session.commit()
    assert log_in(client, cast.owner.email, PASSWORD).status_code == 200
    assert not signed_in(client)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_nobody_is_sent_to_another_site_after_signing_in(client: FlaskClient, cast: Cast, target: str):
    answer = client.post(
        "/login", query_string={"next": target}, data={"email": cast.owner.email, "password": PASSWORD}
    )
    assert not urlsplit(answer.location or "").netloc


def test_one_is_sent_back_to_where_one_wanted_to_go(client: FlaskClient, cast: Cast):
    asked = client.get("/admin/audit/?page=2")
    assert asked.status_code == 302
    data = {"email": cast.owner.email, "password": PASSWORD}
    assert client.post(asked.location, data=data).location == "/admin/audit/?page=2"


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_who_is_not_signed_in_sees_the_admin(client: FlaskClient, method: str):
    assert getattr(client, method)("/admin/").status_code in {302, 401, 405}


def test_forgotten_passwords_get_the_same_answer_for_every_address(app: Flask, cast: Cast):
    known = app.test_client().post("/reset", data={"email": cast.owner.email})
    unknown = app.test_client().post("/reset", data={"email": "nobody@a.example"})
    assert known.status_code == unknown.status_code == 200
    assert plain(known, cast.owner.email) == plain(unknown, "nobody@a.example")
    assert db.session.scalars(select(Mail.recipient)).all() == [cast.owner.email]


def reset_link(client: FlaskClient, email: str) -> str:
    client.post("/reset", data={"email": email}, base_url="http://evil.example")
    body = str(db.session.scalars(select(Mail)).one().body)
    return next(line for line in body.splitlines() if line.startswith("http"))


def test_a_link_for_a_new_password_works_once_and_signs_everybody_out(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "public_url", "https://laoban.example")
    elsewhere, client = sign_in(app, cast.owner), app.test_client()
    link = reset_link(client, cast.owner.email)
    assert link.startswith("https://laoban.example/reset/")
    path, new = link.removeprefix("https://laoban.example"), "a new long password"
    assert client.post(path, data={"password": new, "password_confirm": new}).location.endswith("/login")
    assert not signed_in(elsewhere)
    assert log_in(app.test_client(), cast.owner.email, new).status_code == 302
    assert client.post(path, data={"password": new, "password_confirm": new}).location.endswith("/reset")


def test_changing_the_password_needs_the_old_one_and_signs_other_browsers_out(app: Flask, cast: Cast):
    here, elsewhere = sign_in(app, cast.owner), sign_in(app, cast.owner)
    new = "a new long password"
    form = {"password": "wrong", "new_password": new, "new_password_confirm": new}
    assert here.post("/change", data=form).status_code == 200
    db.session.execute(LoginThrottle.__table__.delete())
    db.session.commit()
    assert here.post("/change", data=form | {"password": PASSWORD}).status_code == 302
    assert signed_in(here)
    assert not signed_in(elsewhere)


def test_many_requests_for_mail_from_one_address_are_refused(client: FlaskClient):
    answers = [client.post("/reset", data={"email": f"{n}@a.example"}).status_code for n in range(12)]
    # At the end of a minute the sliding window lets one or two more through.
    assert answers[:5] == [200] * 5
    assert answers[-1] == 429


def test_no_json_and_no_token_signs_in(client: FlaskClient, cast: Cast):
    body = {"email": cast.owner.email, "password": PASSWORD}
    assert client.post("/login", json=body).status_code == 400
    assert client.get("/admin/?auth_token=x", headers={"Authentication-Token": "x"}).status_code == 302
    assert db.session.scalars(select(UserSession)).all() == []
