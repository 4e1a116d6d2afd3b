"""The fast door for postings: whatever comes in by it is answered as Flask answers, and calls of one moment go together."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import call_limits
from app.core.queue import transaction
from app.http import credits_door
from app.http.serving import Pages
from app.services.credit_clients import manage
from tests.cast import Cast
from tests.crediting import Project
from tests.credits_calling import API, NOBODY, SHE, balances, busy_project, give, posting, welcome_everybody

PATH = f"{API}/sync"
OWN = {"x-request-id", "x-server-time", "x-ratelimit-remaining", "content-length"}
"""Headers that differ from call to call."""
Headers = list[tuple[str, str]]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    json: dict[str, Any]

    @property
    def code(self) -> tuple[int, str]:
        """Of an error its code; "duplicate" for what had been posted before."""
        return self.status, self.json.get("code", "duplicate" if self.json.get("duplicate") else "")


class Door:
    """`asgi.py` without a server. `passed_on` = how many calls it left to Flask."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.passed_on = 0

    def __call__(self, *calls: tuple[Headers, bytes]) -> list[Answer]:
        """Sends calls at the same moment."""
        return asyncio.run(self._serve(calls))

    async def _serve(self, calls: tuple[tuple[Headers, bytes], ...]) -> list[Answer]:
        pages = Pages(self._app)

        async def behind(scope: Any, receive: Any, send: Any) -> None:
            self.passed_on += scope["type"] == "http"
            await pages(scope, receive, send)

        door, over, ready = credits_door.asgi_app(behind, self._app), asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            if ready.is_set():
                await over.wait()
            return {"type": f"lifespan.{'shutdown' if ready.is_set() else 'startup'}"}

        async def started(_: Any) -> None:
            ready.set()

        life = asyncio.create_task(door({"type": "lifespan"}, receive, started))
        await ready.wait()
        answers = await asyncio.gather(*(_ask(door, *call) for call in calls))
        over.set()
        await life
        return answers


async def _ask(door: Any, headers: Headers, body: bytes) -> Answer:
    said: list[dict[str, Any]] = []
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    sent = [("host", "localhost"), ("content-type", "application/json"), ("content-length", str(len(body)))]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "scheme": "http",
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in [*sent, *headers]],
    }
    await door(scope, receive, send)
    start, *parts = said
    told = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], told, json.loads(b"".join(part.get("body", b"") for part in parts)))


@pytest.fixture
def door(app: Flask) -> Door:
    return Door(app)


@pytest.fixture
def shop(cast: Cast, client: FlaskClient) -> Project:
    """A project whose key this process has seen, since others are left to Flask."""
    give(cast.tenant.id, SHE, 100)
    made = busy_project(cast.tenant.id)
    made.call(client, "GET", f"{API}/balance/{SHE}")
    return made


def call(
    shop: Project,
    reference: str = "order-42",
    amount: object = 10,
    *,
    more: Headers | None = None,
    **changes: Any,
) -> tuple[Headers, bytes]:
    """A signed posting: its headers and body."""
    signing = {
        name: changes.pop(name) for name in ("nonce", "secret", "api_key", "timestamp") if name in changes
    }
    body = changes.pop("body", None) or json.dumps(posting(reference, amount, **changes)).encode()
    return [*shop.headers("POST", PATH, body, **signing).items(), *(more or [])], body


def by_flask(client: FlaskClient, headers: Headers, body: bytes) -> Answer:
    """The same without the door."""
    sent = [("Content-Type", "application/json"), *headers]
    answer = client.post(PATH, data=body, headers=sent, csrf=False)
    return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers}, answer.json)


@pytest.mark.parametrize("language", ["zh-CN", "en", ""])
def test_a_posting_is_answered_as_flask_answers(
    door: Door, client: FlaskClient, shop: Project, language: str
):
    more = [("Accept-Language", language)] if language else []
    for _ in ("first", "again"):
        [fast] = door(call(shop, "a", more=more))
        slow = by_flask(client, *call(shop, "b", more=more))
        assert fast.status == slow.status == 200
        assert {**fast.headers, **dict.fromkeys(OWN)} == {**slow.headers, **dict.fromkeys(OWN)}
        assert fast.json.keys() == slow.json.keys()
        assert (fast.json["message"], fast.json["duplicate"]) == (
            slow.json["message"],
            slow.json["duplicate"],
        )
    assert door.passed_on == 0
    assert balances() == {SHE: 120}


def test_a_sane_request_id_is_kept(door: Door, shop: Project):
    [kept] = door(call(shop, more=[("X-Request-Id", "from-the-proxy-1")]))
    assert kept.headers["x-request-id"] == "from-the-proxy-1"


REFUSED: dict[str, tuple[Callable[[Project], tuple[Headers, bytes]], tuple[int, str]]] = {
    "another secret": (lambda shop: call(shop, secret="x" * 43), (401, "invalid_signature")),
    "another key": (lambda shop: call(shop, api_key=f"{shop.key_id}.{'x' * 43}"), (401, "invalid_api_key")),
    "unknown key": (lambda shop: call(shop, api_key=f"ck_0.{'x' * 43}"), (401, "invalid_api_key")),
    "too old": (lambda shop: call(shop, timestamp=1_700_000_000), (401, "timestamp_expired")),
    "odd nonce": (lambda shop: call(shop, nonce="abc"), (401, "invalid_signature")),
    "nonce twice": (lambda shop: call(shop, more=[("X-Nonce", "n" * 24)]), (401, "invalid_signature")),
    "key twice": (lambda shop: call(shop, more=[("X-Api-Key", shop.api_key)]), (401, "invalid_api_key")),
    "no JSON": (lambda shop: call(shop, body=b"{"), (400, "validation_error")),
    "a key twice": (lambda shop: call(shop, body=b'{"amount":1,"amount":2}'), (400, "validation_error")),
    "amount 0": (lambda shop: call(shop, amount=0), (400, "validation_error")),
    "large": (lambda shop: call(shop, body=b" " * 300_000), (413, "too_large")),
    "wrong source": (lambda shop: call(shop, source="game"), (403, "wrong_source")),
    "too little": (lambda shop: call(shop, amount=-101), (409, "insufficient_credits")),
    "unknown user": (lambda shop: call(shop, telegram_id=NOBODY), (404, "unknown_user")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_flask_says(door: Door, client: FlaskClient, shop: Project, name: str):
    make, expected = REFUSED[name]
    [fast] = door(make(shop))
    slow = by_flask(client, *make(shop))
    assert fast.code == slow.code == expected
    assert {**fast.json, "request_id": ""} == {**slow.json, "request_id": ""}
    assert ("x-ratelimit-limit" in fast.headers) == ("x-ratelimit-limit" in slow.headers)
    assert fast.headers["content-type"] == "application/problem+json"
    assert balances() == {SHE: 100}


def test_a_nonce_is_good_once_on_both_ways(door: Door, client: FlaskClient, shop: Project):
    same = call(shop)
    ends = Counter(answer.code for answer in door(*[same] * 40))
    assert ends == {(200, ""): 1, (409, "replayed"): 39}
    assert by_flask(client, *same).code == (409, "replayed")
    assert balances() == {SHE: 110}


def test_of_one_moment_with_one_reference_one_is_posted(door: Door, shop: Project):
    ends = Counter(answer.code for answer in door(*(call(shop, "same") for _ in range(20))))
    assert ends == {(200, ""): 1, (200, "duplicate"): 19}
    ends = Counter(answer.code for answer in door(*(call(shop, "other", 1 + number) for number in range(5))))
    assert ends == {(200, ""): 1, (409, "reference_conflict"): 4}


def test_takings_of_one_moment_never_overdraw(door: Door, shop: Project):
    ends = Counter(answer.code for answer in door(*(call(shop, f"t{number}", -10) for number in range(30))))
    assert ends == {(200, ""): 10, (409, "insufficient_credits"): 20}
    assert balances() == {SHE: 0}


def test_new_users_come_in_where_the_boss_welcomes_everybody(door: Door, cast: Cast, shop: Project):
    welcome_everybody(cast.tenant.id)
    answers = door(*(call(shop, f"n{who}", telegram_id=NOBODY + who) for who in range(3)))
    assert [answer.status for answer in answers] == [200] * 3
    assert balances() == {SHE: 100, **{NOBODY + who: 10 for who in range(3)}}


def test_a_revoked_key_is_refused_though_it_is_remembered(door: Door, shop: Project):
    with transaction():
        manage.revoke(shop.key_row_id)
    assert [answer.code for answer in door(call(shop))] == [(401, "invalid_api_key")]


def test_a_crash_is_told_as_flask_tells_it(
    app: Flask, door: Door, shop: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(call_limits, "take_many", lambda _: 1 / 0)
    [answer] = door(call(shop))
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")


def test_limits_are_kept_and_said(door: Door, shop: Project):
    with transaction():
        manage.change_client(shop.client_id, rate=1, burst=5)
    answers = door(*(call(shop, f"r{number}", 1) for number in range(12)))
    ends = Counter(answer.code for answer in answers)
    assert ends[200, ""] >= 5
    assert ends[429, "rate_limited"] >= 5
    refused = next(answer for answer in answers if answer.status == 429)
    assert (refused.headers["retry-after"], refused.headers["x-ratelimit-remaining"]) == ("1", "0")
