"""The JSON API for broadcasts, by key."""

import pytest
from flask import Flask

from app.core.db import db
from app.core.queue import transaction
from app.models import Broadcast
from app.services import api_keys
from tests.broadcasting import Shop
from tests.cast import Cast
from tests.http.test_bots_api import Caller
from tests.sandbox_client import Sandbox
from tests.shopping import a_product

PATH = "/api/broadcasts"


@pytest.fixture
def shop(app: Flask, cast: Cast, telegram: Sandbox) -> Shop:
    return Shop.open(app, telegram, cast.tenant, 3)


@pytest.fixture
def call(app: Flask, cast: Cast, shop: Shop) -> Caller:
    return caller(app, cast.tenant.id)


def caller(app: Flask, tenant_id: int) -> Caller:
    with transaction():
        return Caller(app.test_client(), api_keys.create(tenant_id, "test").key)


def test_a_program_sends_pauses_and_follows_one(call: Caller, shop: Shop):
    button = {"label": "Shop", "url": "https://shop.example"}
    made = call("POST", PATH, {"text": "News!", "buttons": [button]}).json
    assert (made["state"], made["buttons"], made["progress"]["total"]) == ("draft", [button], 0)
    path = f"{PATH}/{made['id']}"
    for deed, state in (("start", "running"), ("pause", "paused"), ("resume", "running")):
        assert call("POST", f"{path}/{deed}").json["state"] == state
    shop.send()
    done = call("GET", path).json
    assert (done["state"], done["progress"]["delivered"], done["progress"]["left"]) == ("done", 3, 0)
    refused = call("POST", f"{path}/cancel")
    assert (refused.status_code, refused.json["code"]) == (409, "illegal_move")


def test_one_call_sends_or_schedules(call: Caller, shop: Shop):
    assert call("POST", PATH, {"text": "Now", "start": True}).json["state"] == "running"
    later = {"text": "Later", "scheduled_at": "2099-01-01T08:00:00+08:00", "audience": {"kind": "all"}}
    made = call("POST", PATH, later).json
    assert (made["state"], made["scheduled_at"][:16]) == ("scheduled", "2099-01-01T00:00")
    assert call("POST", f"{PATH}/{made['id']}/cancel").json["state"] == "cancelled"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"text": ""},
        {"text": "x" * 4097},
        {"text": "x", "buttons": [{"label": "a", "url": "javascript:alert(1)"}]},
        {"text": "x", "audience": {"kind": "active"}},
        {"text": "x", "audience": {"kind": "all", "days": 3}},
        {"text": "x", "audience": {"kind": "language", "language": "xx"}},
        {"text": "x", "scheduled_at": "2001-01-01T00:00:00Z"},
        {"text": "x", "scheduled_at": "2099-01-01T00:00:00"},
        {"text": "x", "start": True, "scheduled_at": "2099-01-01T00:00:00Z"},
        {"text": "x", "tenant_id": 1},
    ],
)
def test_what_makes_no_sense_is_refused(call: Caller, wrong: dict[str, object]):
    assert call("POST", PATH, wrong).status_code in {400, 422}
    assert db.session.query(Broadcast).count() == 0


def test_pages_and_states(call: Caller, shop: Shop):
    for number in range(21):
        shop.broadcast(f"number {number}")
    first = call("GET", PATH).json
    assert [row["text"] for row in first["broadcasts"]][:2] == ["number 20", "number 19"]
    assert [row["text"] for row in call("GET", PATH, before=first["next"]).json["broadcasts"]] == ["number 0"]
    assert call("GET", PATH, state="running").json["broadcasts"] == []


def test_a_lottery_is_named_by_its_code(call: Caller):
    wanted = {"text": "x", "audience": {"kind": "entrants", "lottery": "NOSUCH"}}
    assert call("POST", PATH, wanted).status_code == 404


def test_buyers_may_be_those_of_one_product(call: Caller, cast: Cast):
    tea, theirs = a_product(cast.tenant), a_product(cast.other_tenant)
    for wanted, status in (({}, 201), ({"product": tea.code}, 201), ({"product": theirs.code}, 404)):
        body = {"text": "x", "audience": {"kind": "buyers", **wanted}}
        assert call("POST", PATH, body).status_code == status
    kept = [row.audience for row in db.session.query(Broadcast).order_by(Broadcast.id)]
    assert kept == [{"kind": "buyers", "value": ""}, {"kind": "buyers", "value": str(tea.id)}]


def test_a_stranger_finds_nothing(app: Flask, cast: Cast, shop: Shop):
    made, stranger = shop.broadcast(), caller(app, cast.other_tenant.id)
    assert stranger("GET", f"{PATH}/{made.id}").status_code == 404
    for deed in ("start", "pause", "resume", "cancel"):
        assert stranger("POST", f"{PATH}/{made.id}/{deed}").status_code == 404
    assert stranger("GET", PATH).json["broadcasts"] == []
