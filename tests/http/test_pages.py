"""The public pages, their language, and what every answer tells the browser."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import db
from app.http.i18n import COOKIE
from app.http.pages import own_path
from app.http.security_headers import policy
from tests.cast import sign_in


@pytest.mark.parametrize(
    ("asked", "lang"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("zh", "zh-CN"), ("zh-Hans-CN", "zh-CN"), ("zh-TW", "zh-CN"), ("en-GB,en", "en"),
     ("fr,de;q=0.8", "zh-CN"), ("fr,en;q=0.5", "en"), ("", "zh-CN"), ("*", "zh-CN")],
)  # fmt: skip
def test_the_language_follows_the_browser(client, asked, lang):
    page = client.get("/", headers={"Accept-Language": asked}).text
    assert f'<html lang="{lang}"' in page


def token(client):
    return client.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]


def test_the_language_switch_is_remembered(client):
    answer = client.post("/language", data={"locale": "en", "next": "/", "csrf_token": token(client)})
    assert answer.status_code == 303
    assert client.get_cookie(COOKIE).value == "en"
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": "zh-CN"}).text


@pytest.mark.parametrize("locale", ["", "zh", "de", "../en", "en\0"])
def test_other_languages_are_refused(client, locale):
    assert client.post("/language", data={"locale": locale, "csrf_token": token(client)}).status_code == 400


def test_the_language_switch_needs_the_token(app):
    assert FlaskClient(app, app.response_class).post("/language", data={"locale": "en"}).status_code == 403


@pytest.mark.parametrize(
    ("target", "kept"),
    [("/admin/?page=2", "/admin/?page=2"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("/\\evil.example", "/"),
     ("javascript:alert(1)", "/"), ("/a\r\nSet-Cookie: x=1", "/"), ("", "/"), ("admin", "/")],
)  # fmt: skip
def test_only_our_own_addresses_are_returned_to(target, kept):
    assert own_path(target) == kept


def test_every_answer_carries_the_security_headers(client):
    for path in ("/", "/nope", "/favicon.ico"):
        with client.get(path) as answer:
            headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_the_policy_allows_no_inline_script_and_no_other_host():
    text = policy("abc")
    assert "unsafe" not in text
    assert "http" not in text
    assert "script-src 'self' 'nonce-abc'" in text


def test_files_are_kept_for_a_year_under_their_version(client):
    link = next(part for part in client.get("/").text.split('"') if part.endswith("laoban.css"))
    with client.get(link) as answer:
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["Cache-Control"]
        assert "immutable" in answer.headers["Cache-Control"]


def test_an_old_version_gets_todays_file_for_now_only(client):
    with client.get("/assets/0123456789ab/css/laoban.css") as answer:
        assert answer.status_code == 200
        assert "31536000" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "name", ["../factory.py", "%2e%2e/factory.py", "..%5cfactory.py", "/etc/passwd", "css/", ""]
)
def test_only_files_of_the_folder_are_served(client, name):
    assert client.get(f"/assets/x/{name}").status_code in {301, 308, 404}


def test_the_favicon_is_a_picture(client):
    with client.get("/favicon.ico") as answer:
        assert answer.mimetype == "image/svg+xml"


def test_a_signed_in_person_keeps_the_language_in_his_account(app, cast):
    sign_in(app, cast.owner).post("/language", data={"locale": "en", "next": "/admin/"})
    db.session.refresh(cast.owner)
    assert cast.owner.locale == "en"


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(app, cast, monkeypatch):
    browser = sign_in(app, cast.owner)
    later = clock.now() + timedelta(minutes=20)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert browser.get("/admin/live/", headers={"Live": "1"}).status_code == 200
    monkeypatch.setattr(clock, "now", lambda: later + timedelta(minutes=15))
    assert browser.get("/admin/live/", headers={"Live": "1"}).status_code == 401
