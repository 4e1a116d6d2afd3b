"""Calls that partner projects sign: who gets in, and what everybody else is told."""

import asyncio
import json
import time as time_module
from math import ceil
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import database_clock
from app.core.db import db
from app.domain.credit_clients import MAX_BODY
from app.http.serving import Pages
from app.models import CreditKey
from tests.clockwork import Clockwork
from tests.crediting import Project, database_seconds
from tests.http.signed_views import ECHO, READ, client, code, shop, site, used_nonces

__all__ = ["client", "shop"]

FULL_WIDTH = "1700000000".translate({code: code + 0xFEE0 for code in range(0x30, 0x3A)})


def test_a_signed_call_gets_in_with_its_project_and_fields(client: FlaskClient, shop: Project):
    answer = shop.call(client, "POST", ECHO, {"a": [1]})
    assert code(answer) == (200, "")
    assert answer.json == {"tenant": shop.tenant_id, "source": "shop", "version": 2, "fields": {"a": [1]}}
    assert shop.call(client, "GET", f"{READ}?b=%41&a=%2f").status_code == 200
    assert shop.call(client, "HEAD", READ).status_code == 200


def test_use_is_noted(client: FlaskClient, shop: Project):
    shop.call(client, "GET", READ, environ={"REMOTE_ADDR": "203.0.113.7"})
    key = db.session.get_one(CreditKey, shop.key_row_id, populate_existing=True)
    assert key.last_ip == "203.0.113.7"
    assert key.last_used_at is not None
    assert abs(key.last_used_at.timestamp() - database_seconds()) < 5


# --- time
TIMES = [(-301, 401), (-299, 200), (299, 200), (301, 401)]


def at(seconds: int) -> str:
    """A moment by PostgreSQL's clock, so many seconds away, and never less than that."""
    moment = database_seconds()
    return str((ceil(moment) if seconds > 0 else int(moment)) + seconds - (1 if seconds == 299 else 0))


@pytest.fixture(params=[0, 600, -600])
def _process_clock(request: pytest.FixtureRequest, monkeypatch, time: Clockwork) -> None:
    """This process's own clock is so many seconds wrong."""
    real = time_module.time
    monkeypatch.setattr(time_module, "time", lambda: real() + request.param)
    monkeypatch.setattr(database_clock._clock, "offset", None)
    time.forward(seconds=request.param)


@pytest.mark.usefixtures("_process_clock")
@pytest.mark.parametrize(("seconds", "status"), TIMES)
def test_the_window_is_by_postgresqls_time(client: FlaskClient, shop: Project, seconds: int, status: int):
    answer = shop.call(client, "POST", ECHO, {}, timestamp=at(seconds))
    assert code(answer) == (status, "timestamp_expired" if status == 401 else "")


def test_a_process_that_misremembers_the_time_lets_nobody_in_late(
    client: FlaskClient, shop: Project, monkeypatch
):
    database_clock.now()
    monkeypatch.setattr(database_clock._clock, "offset", database_clock._clock.offset - 600)
    assert shop.call(client, "POST", ECHO, {}, timestamp=at(-700)).json["code"] == "timestamp_expired"
    assert used_nonces() == 0


# --- headers
BAD_HEADERS = {
    "X-Api-Key": (
        "invalid_api_key",
        [None, "", "ck_1", "k.a", ".0123456789abcdef", "tk_" + "0" * 64, "ck_ä.0123456789abcdef"],
    ),
    "X-Timestamp": (
        "invalid_signature",
        [None, "", "1700000000.5", " 1700000000", "+1700000000", FULL_WIDTH, "17000000000", "1700000000\n", "1e9"],
    ),
    "X-Nonce": (
        "invalid_signature",
        [None, "", "abc", "n" * 21, "n" * 65, "n" * 500, "n" * 22 + "\n", "n" * 22 + "ü", "n" * 22 + " ", "n" * 22 + "=="],
    ),
    "X-Signature": ("invalid_signature", [None, "", "v2=", "v2=" + "0" * 63, "v1=" + "0" * 64, "0" * 64]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected", "value"),
    [(name, expected, value) for name, (expected, values) in BAD_HEADERS.items() for value in values],
)
def test_a_header_of_another_shape_is_refused(
    client: FlaskClient, shop: Project, name: str, expected: str, value: str | None
):
    environ = {} if value is None else {f"HTTP_{name.upper().replace('-', '_')}": value}
    answer = shop.call(client, "POST", ECHO, {}, headers={name: None}, environ=environ)
    assert code(answer) == (401, expected)
    assert name in answer.json["message"]
    assert used_nonces() == 0


@pytest.mark.parametrize("length", [22, 64])
def test_nonces_of_both_lengths_are_taken(client: FlaskClient, shop: Project, length: int):
    assert shop.call(client, "POST", ECHO, {}, nonce="-" * length).status_code == 200


def by_asgi(method: str, path: bytes, query: bytes, headers: list[tuple[str, str]], body: bytes) -> int:
    """The status that the ASGI server would send."""
    seen: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            seen.append(message["status"])

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path.decode().replace("%2D", "-"),
        "raw_path": path,
        "query_string": query,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }
    asyncio.run(Pages(site().wsgi_app)(scope, receive, send))
    return seen[0]


@pytest.mark.parametrize("doubled", [None, "X-Api-Key", "X-Timestamp", "X-Nonce", "X-Signature"])
def test_behind_asgi_each_header_counts_as_often_as_it_was_sent(shop: Project, doubled: str | None):
    path = ECHO.replace("-test", "%2Dtest")
    headers = [*shop.headers("POST", f"{path}?a=%20b", b"{}").items(), ("Content-Length", "2")]
    headers += [(name, value) for name, value in headers if name == doubled]
    assert by_asgi("POST", path.encode(), b"a=%20b", headers, b"{}") == (401 if doubled else 200)


# --- what is signed
def test_one_space_more_is_another_body(client: FlaskClient, shop: Project):
    answer = shop.call(client, "POST", ECHO, body=b'{"a":1}', sent=b'{"a": 1}')
    assert code(answer) == (401, "invalid_signature")


@pytest.mark.parametrize(
    "signed",
    [
        {"signed_path": f"{ECHO}?a=1"},
        {"signed_path": READ},
        {"signed_path": ECHO.replace("-test", "%2Dtest")},
        {"signed_method": "PUT"},
    ],
)
def test_another_path_query_or_method_is_another_call(client: FlaskClient, shop: Project, signed: dict):
    assert code(shop.call(client, "POST", ECHO, {}, **signed)) == (401, "invalid_signature")
    assert used_nonces() == 0


@pytest.mark.parametrize("other", ["?a=2", "?a=1&", "?", ""])
def test_the_query_is_signed_as_it_is(client: FlaskClient, shop: Project, other: str):
    answer = shop.call(client, "GET", READ + other, signed_path=f"{READ}?a=1")
    assert code(answer) == (401, "invalid_signature")


# --- bodies
BODIES = [
    b"",
    b"[]",
    b"null",
    b"{",
    b'{"a":1,"a":2}',
    b'{"a":NaN}',
    b"\xff",
    b'{"a":"\\ud800"}',
    b"a=1",
    b'{"a":"\\u0000"}',
]
DEEP = [b'{"a":' * 33 + b"1" + b"}" * 33, b'{"a":' * 50_000, b"[" * 200_000, b'{"a":' + b"9" * 5_000 + b"}"]


@pytest.mark.parametrize("body", [*BODIES, *DEEP])
def test_a_body_that_is_no_strict_json_is_refused_after_its_nonce(
    client: FlaskClient, shop: Project, body: bytes
):
    assert code(shop.call(client, "POST", ECHO, body=body)) == (400, "validation_error")
    assert used_nonces() == 1


def test_a_body_may_be_so_large_and_no_larger(client: FlaskClient, shop: Project):
    fits = json.dumps({"a": "x" * (MAX_BODY - 9)}).encode()
    assert len(fits) == MAX_BODY
    assert shop.call(client, "POST", ECHO, body=fits).status_code == 200
    assert code(shop.call(client, "POST", ECHO, body=fits + b" ")) == (413, "too_large")


def test_nothing_is_said_of_calls_that_nobody_signed(app: Flask, shop: Project):
    answer = site().test_client().post(ECHO, json={})
    assert code(answer) == (401, "invalid_api_key")
    assert "X-RateLimit-Limit" not in answer.headers
    assert "Set-Cookie" not in site().test_client().post(ECHO, json={}, csrf=False).headers
