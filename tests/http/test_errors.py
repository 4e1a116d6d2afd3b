"""Errors: a page in the visitor's language for people, problem details for programs, a trace for nobody."""

from http import HTTPStatus

import pytest
from flask import Flask
from sqlalchemy.exc import DataError, OperationalError

from app.core.errors import AppError, Conflict, LimitReached, NotFound, OutsideFailed, TooLarge, Unavailable
from app.factory import create_app
from app.http import assets, csrf, errors, i18n, pages, requests, security_headers

RAISED = {
    "conflict": (Conflict, 409),
    "limit": (LimitReached, 429),
    "missing": (NotFound, 404),
    "large": (TooLarge, 413),
    "outside": (OutsideFailed, 502),
    "away": (Unavailable, 503),
    "value": (lambda: DataError("SELECT secret", {}, ValueError()), 400),
    "database": (lambda: OperationalError("SELECT secret", {}, ValueError()), 503),
    "crash": (lambda: RuntimeError("secret"), 500),
}


@pytest.fixture(scope="module")
def broken_app() -> Flask:
    """An application whose pages raise what their address says."""
    flask = create_app()
    for feature in (requests, errors, security_headers, i18n, assets, csrf, pages):
        feature.init_app(flask)

    def fail(name: str) -> str:
        error = RAISED[name][0]
        raise error()

    flask.add_url_rule("/fail/<name>", "fail", fail)
    flask.add_url_rule("/api/fail/<name>", "api_fail", fail)
    return flask


@pytest.fixture
def browser(broken_app: Flask):
    """A browser at that application."""
    return broken_app.test_client()


@pytest.mark.parametrize("name", RAISED)
def test_people_see_a_friendly_page(browser, name):
    answer = browser.get(f"/fail/{name}", headers={"Accept": "text/html", "Accept-Language": "zh-CN"})
    assert answer.status_code == RAISED[name][1]
    assert answer.mimetype == "text/html"
    assert answer.headers["X-Request-Id"] in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("name", RAISED)
def test_programs_get_problem_details(browser, name):
    answer = browser.get(f"/api/fail/{name}")
    assert answer.status_code == RAISED[name][1]
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == RAISED[name][1]
    assert answer.json["title"] == HTTPStatus(RAISED[name][1]).phrase
    assert answer.json["code"]
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert "secret" not in answer.text


def test_waiting_is_named_in_seconds(browser):
    assert int(browser.get("/api/fail/limit").headers["Retry-After"]) >= 1
    assert int(browser.get("/api/fail/away").headers["Retry-After"]) >= 1


def test_unknown_api_addresses_are_json_too(browser):
    assert browser.get("/api/nothing").json["code"] == "not_found"


def test_a_wrong_method_names_the_right_ones(browser):
    answer = browser.post("/api/fail/crash")
    assert answer.status_code in {403, 405}


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-123", True), ("a" * 65, False), ("x<script>", False), ("日志", False)]
)
def test_a_request_id_from_outside_is_taken_when_it_is_sane(browser, given, kept):
    answer = browser.get("/", headers={"X-Request-Id": given.encode("utf-8").decode("latin-1")})
    assert (answer.headers["X-Request-Id"] == given) is kept


def test_messages_come_in_the_callers_language(browser, monkeypatch):
    monkeypatch.setattr(AppError, "text", lambda self, locale: f"text in {locale}")
    answer = browser.get("/api/fail/conflict", headers={"Accept-Language": "zh"})
    assert answer.json["message"] == "text in zh_Hans_CN"
