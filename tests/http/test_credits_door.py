"""The fast door for signed postings: it answers what the Flask view answers, makes calls of one moment together, and loses none."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.credit_clients import MAX_BODY, Scope
from app.services.credit_clients import lookup, manage
from tests.asgi_calls import SYNC, Heard, Sent, known, one_by_one, order, signed, together
from tests.cast import Cast
from tests.crediting import Project
from tests.credits_calling import NOBODY, SHE, balances, posting

Calls = Callable[[Project], list[Sent]]
OLD = int(time.time()) - 400
CHANGING = {"x-server-time", "x-request-id", "date", "content-length", "x-ratelimit-reset"}


def body(**changes: object) -> Calls:
    return lambda shop: [signed(shop, posting(**changes))]


def raw(text: bytes) -> Calls:
    return lambda shop: [signed(shop, text)]


def head(**overrides: Any) -> Calls:
    return lambda shop: [signed(shop, posting(), **overrides)]


def more(**headers: str) -> Calls:
    return head(more={name.replace("_", "-"): value for name, value in headers.items()})


def twice(shop: Project, **changes: object) -> list[Sent]:
    return [signed(shop, posting()), signed(shop, posting(**changes))]


def replayed(shop: Project) -> list[Sent]:
    call = signed(shop, posting())
    return [call, call]


def doubled(name: str) -> Calls:
    def calls(shop: Project) -> list[Sent]:
        sent = signed(shop, posting())
        return [
            Sent([*sent.headers, *((each, value) for each, value in sent.headers if each == name)], sent.body)
        ]

    return calls


CASES: dict[str, Calls] = {
    "good": body(),
    "good, in English": more(Accept_Language="en-GB,en;q=0.8"),
    "good, in a language that we lack": more(Accept_Language="fr"),
    "good, with an id": more(X_Request_Id="abc-123"),
    "good, with an odd id": more(X_Request_Id="<script>"),
    "good, with a query": head(path=f"{SYNC}?a=b"),
    "good, digits in strings": body(telegram_id=str(SHE), amount="-5"),
    "good, with metadata": body(metadata={"order": [1, "二"]}),
    "duplicate": twice,
    "reference conflict": lambda shop: twice(shop, amount=11),
    "reference conflict, in English": lambda shop: [
        signed(shop, posting()),
        signed(shop, posting(amount=11), more={"Accept-Language": "en"}),
    ],
    "insufficient": body(amount=-101),
    "insufficient, then enough": lambda shop: [
        signed(shop, posting(amount=amount)) for amount in (-101, -99)
    ],
    "unknown user": body(telegram_id=NOBODY),
    "another source": body(source="lottery"),
    "bad signature": head(signature="v2=" + "0" * 64),
    "two signatures, none right": head(signature=f"v2={'0' * 64},v2={'1' * 64}"),
    "wrong secret": head(secret="A" * 43),
    "unknown key": head(api_key="ck_0000000000000000.AAAAAAAAAAAAAAAAAAAAAAAA"),
    "stale": head(timestamp=OLD),
    "replayed": replayed,
    "no key": head(drop=("X-Api-Key",)),
    "no time": head(drop=("X-Timestamp",)),
    "no nonce": head(drop=("X-Nonce",)),
    "no signature": head(drop=("X-Signature",)),
    "key twice": doubled("X-Api-Key"),
    "time twice": doubled("X-Timestamp"),
    "nonce twice": doubled("X-Nonce"),
    "signature twice": doubled("X-Signature"),
    "short nonce": head(nonce="short"),
    "no JSON": raw(b"{"),
    "empty": raw(b""),
    "a list": raw(b"[]"),
    "a key twice in it": raw(b'{"amount": 1, "amount": 1}'),
    "not a number": raw(b'{"amount": NaN}'),
    "not UTF-8": raw(b'{"reason": "\xff"}'),
    "amount 0": body(amount=0),
    "a field too many": body(extra=1),
    "no reason": body(reason=""),
    "half a character": body(reason="\ud800"),
    "larger than the door takes": body(metadata={"x": "y" * 20_000}),
    "too large": raw(b" " * (MAX_BODY + 1)),
    "by a browser": more(Origin="http://evil.example"),
    "GET": head(method="GET"),
}


def alike(heard: Heard) -> tuple[int, dict[str, str], Any]:
    """What must be the same; ids and times as far as they are there."""
    shown = heard.json if heard.data else None
    if isinstance(shown, dict):
        shown = {name: value for name, value in shown.items() if name not in {"transaction_id", "request_id"}}
    headers = {name: value for name, value in heard.headers.items() if name not in CHANGING}
    return heard.status, headers | dict.fromkeys(CHANGING & set(heard.headers), "there"), shown


def by_flask(client: FlaskClient, sent: Sent) -> Heard:
    answer = client.open(sent.path, method=sent.method, data=sent.body, headers=sent.headers, csrf=False)
    return Heard(answer.status_code, {name.lower(): value for name, value in answer.headers}, answer.data)


@pytest.fixture
def shop(cast: Cast) -> Project:
    return known(cast.tenant.id)


@pytest.mark.parametrize("name", CASES)
def test_the_door_answers_what_the_view_answers(app: Flask, client: FlaskClient, cast: Cast, name: str):
    here, there = known(cast.tenant.id), known(cast.other_tenant.id)
    expected = [alike(by_flask(client, sent)) for sent in CASES[name](here)]
    heard, passed_on = one_by_one(app, CASES[name](there))
    assert [alike(each) for each in heard] == expected
    if name.startswith("good"):
        assert (heard[0].status, passed_on) == (200, 0)


def test_whoever_has_a_cookie_is_left_to_the_view(app: Flask, shop: Project):
    heard, passed_on = one_by_one(app, [signed(shop, posting(), more={"Cookie": "laoban_language=en"})])
    assert (heard[0].json["message"], passed_on) == ("Posted.", 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda made: manage.change_client(made.client_id, rate=1, burst=1),
        lambda made: manage.change_client(made.client_id, disabled=True),
        lambda made: manage.revoke(made.key_row_id),
    ],
    ids=["slow", "disabled", "revoked"],
)
def test_the_door_refuses_whom_the_view_refuses(
    app: Flask, client: FlaskClient, cast: Cast, change: Callable[[Project], object]
):
    def calls(tenant_id: int) -> list[Sent]:
        made = known(tenant_id)
        with transaction():
            change(made)
        lookup.forget()
        return [signed(made, order(number)) for number in range(3)]

    expected = [alike(by_flask(client, sent)) for sent in calls(cast.tenant.id)]
    heard, _ = one_by_one(app, calls(cast.other_tenant.id))
    assert [alike(each) for each in heard] == expected
    assert heard[2].status in {401, 403, 429}


def test_a_key_for_reading_does_not_post(app: Flask, cast: Cast):
    heard, _ = one_by_one(app, [signed(known(cast.tenant.id, scopes=[Scope.READ]), posting())])
    assert (heard[0].status, heard[0].json["code"]) == (403, "scope_missing")


def test_an_hour_has_so_many_calls(app: Flask, shop: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(lookup.API_CALLS, "basic", 2)
    monkeypatch.setitem(lookup.API_CALLS, "pro", 2)
    monkeypatch.setitem(lookup.API_CALLS, "enterprise", 2)
    lookup.forget()
    heard, _ = together(app, [signed(shop, order(number)) for number in range(4)])
    assert Counter(each.status for each in heard) == {200: 2, 429: 2}
    assert balances() == {SHE: 102}


def test_the_proxies_that_are_trusted_say_who_calls_and_how(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "trusted_proxies", 1)
    shop = known(cast.tenant.id, networks=["203.0.113.0/24"])
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
    heard, passed_on = one_by_one(app, [signed(shop, posting(), more=forwarded)])
    assert (heard[0].status, passed_on) == (200, 0)
    assert heard[0].headers["strict-transport-security"]


def test_nobody_but_a_trusted_proxy_names_another_address(app: Flask, cast: Cast):
    shop = known(cast.tenant.id, networks=["203.0.113.0/24"])
    heard, _ = one_by_one(app, [signed(shop, posting(), more={"X-Forwarded-For": "203.0.113.7"})])
    assert (heard[0].status, heard[0].json["code"]) == (403, "address_refused")
