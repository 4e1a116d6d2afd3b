"""The JSON API for bots, by key and by session, against the sandbox."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.plans import Plan
from app.models import Bot
from app.services import api_keys, bots
from tests.cast import Cast
from tests.sandbox_client import Json, Sandbox

PUBLIC = "http://127.0.0.1:9"


class Caller:
    """A partner's program with its key."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client, self.headers = client, {"X-Api-Key": key, "Accept-Language": "en"}

    def __call__(self, method: str, path: str, json: object = None, **query: str):
        return self.client.open(path, method=method, json=json, query_string=query, headers=self.headers)


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    return telegram.create_bot("shop_bot", "Shop")


@pytest.fixture
def call(app: Flask, cast: Cast) -> Caller:
    return Caller(app.test_client(), key_of(cast.tenant.id))


@pytest.fixture
def stranger(app: Flask, cast: Cast) -> Caller:
    return Caller(app.test_client(), key_of(cast.other_tenant.id))


def key_of(tenant_id: int) -> str:
    with transaction():
        return api_keys.create(tenant_id, "test").key


def test_a_token_becomes_a_bot(call: Caller, shop: Json):
    answer = call("POST", "/api/bots", {"token": shop["token"]})
    assert answer.status_code == 201
    assert answer.json["username"] == "shop_bot"
    assert answer.json["link"] == "https://t.me/shop_bot"
    assert (answer.json["state"], answer.json["mode"], answer.json["enabled"]) == (
        "starting",
        "polling",
        True,
    )


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"token":' * 100_000, b'{"token": ' + b"9" * 6_000 + b"}"]
)
def test_json_bombs_are_refused(call: Caller, body: bytes):
    answer = call.client.post("/api/bots", data=body, headers=call.headers, content_type="application/json")
    assert answer.status_code in {400, 422}


def test_the_token_never_comes_back(call: Caller, shop: Json):
    texts = [call("POST", "/api/bots", {"token": shop["token"]}).text]
    texts += [call("GET", path).text for path in ("/api/bot", "/api/bots")]
    texts += [call("PUT", "/api/bot", {"token": shop["token"]}).text, call("POST", "/api/bot/test").text]
    for text in texts:
        assert shop["token"][:10] + "***" in text
        assert shop["token"] not in text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"token": "hello"}, 400, "bad_token"),
        ({"token": "123456789:AAEabcdefghijklmnopqrstuvwxyz012345"}, 400, "token_refused"),
        ({}, 422, "bad_input"),
        ({"token": 5}, 422, "bad_input"),
        ({"token": "x" * 5000}, 422, "bad_input"),
        ({"token": "x", "tenant_id": 1}, 422, "bad_input"),
        ({"token": "x", "mode": "pigeon"}, 422, "bad_input"),
        ([1], 422, "bad_input"),
        ("text", 422, "bad_input"),
        (None, 400, "bad_request"),
    ],
)
def test_bad_input_is_refused_in_words(call: Caller, telegram: Sandbox, body: object, status: int, code: str):
    answer = call("POST", "/api/bots", body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json["message"]
    assert answer.mimetype == "application/problem+json"


def test_broken_json_is_refused(call: Caller):
    answer = call.client.post(
        "/api/bots", data=b'{"token": ', headers=call.headers, content_type="application/json"
    )
    assert answer.status_code == 400


def test_a_refused_field_is_named_and_its_value_is_not_echoed(call: Caller):
    answer = call(
        "POST", "/api/bots", {"token": "x", "tokn": "123456789:AAEabcdefghijklmnopqrstuvwxyz012345"}
    )
    assert list(answer.json["fields"]) == ["tokn"]
    assert "AAEabc" not in answer.text


def test_a_silent_telegram_is_said_to_be_away(call: Caller, shop: Json, telegram: Sandbox):
    telegram.order_error(500, "Internal Server Error", method="getMe")
    answer = call("POST", "/api/bots", {"token": shop["token"]})
    assert (answer.status_code, answer.json["code"]) == (502, "telegram_away")


def test_the_plan_limit_is_named(call: Caller, cast: Cast, shop: Json, telegram: Sandbox):
    cast.tenant.plan = Plan.BASIC
    db.session.commit()
    call("POST", "/api/bots", {"token": shop["token"]})
    answer = call("POST", "/api/bots", {"token": telegram.create_bot("two_bot")["token"]})
    assert (answer.status_code, answer.json["code"]) == (403, "plan_limit")
    assert "1 bots and you have 1" in answer.json["message"]


def test_another_tenants_bot_is_taken(call: Caller, stranger: Caller, shop: Json):
    stranger("POST", "/api/bots", {"token": shop["token"]})
    answer = call("POST", "/api/bots", {"token": shop["token"]})
    assert (answer.status_code, answer.json["code"]) == (409, "bot_taken")
    assert "Tenant B" not in answer.text


def test_without_a_bot_the_answer_says_so(call: Caller):
    answer = call("GET", "/api/bot")
    assert (answer.status_code, answer.json["code"]) == (404, "no_bot")


def test_with_several_bots_one_must_be_named(call: Caller, shop: Json, telegram: Sandbox):
    first = call("POST", "/api/bots", {"token": shop["token"]}).json
    second = call("POST", "/api/bots", {"token": telegram.create_bot("two_bot")["token"]}).json
    answer = call("GET", "/api/bot")
    assert (answer.status_code, answer.json["code"]) == (400, "choose_bot")
    assert first["public_id"] in answer.json["message"]
    assert "@two_bot" in answer.json["message"]
    assert call("GET", "/api/bot", bot=second["public_id"]).json["username"] == "two_bot"


def test_a_strangers_bot_does_not_exist(call: Caller, stranger: Caller, shop: Json):
    made = call("POST", "/api/bots", {"token": shop["token"]}).json
    for method, path, body in (
        ("GET", "/api/bot", None),
        ("PUT", "/api/bot", {"enabled": False}),
        ("DELETE", "/api/bot", None),
        ("POST", "/api/bot/test", None),
        ("POST", "/api/bot/stop", None),
        ("POST", "/api/bot/register-webhook", None),
    ):
        assert stranger(method, path, body, bot=made["public_id"]).status_code == 404
    assert stranger("GET", "/api/bots").json["bots"] == []
    assert call("GET", "/api/bot").json["enabled"] is True


@pytest.mark.parametrize("key", ["", "tk_nothing", "tk_" + "0" * 64])
def test_without_a_valid_key_nobody_comes_in(app: Flask, cast: Cast, key: str):
    answer = app.test_client().get("/api/bot", headers={"X-Api-Key": key} if key else {})
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


def test_stop_and_start(call: Caller, shop: Json):
    call("POST", "/api/bots", {"token": shop["token"]})
    assert call("POST", "/api/bot/stop").json["state"] == "stopped"
    assert call("PUT", "/api/bot", {"enabled": True}).json["state"] == "starting"


def test_nothing_to_change_is_refused(call: Caller, shop: Json):
    call("POST", "/api/bots", {"token": shop["token"]})
    assert call("PUT", "/api/bot", {}).status_code == 422


def test_a_new_token_must_belong_to_the_same_bot(call: Caller, shop: Json, telegram: Sandbox):
    call("POST", "/api/bots", {"token": shop["token"]})
    answer = call("PUT", "/api/bot", {"token": telegram.create_bot("two_bot")["token"]})
    assert (answer.status_code, answer.json["code"]) == (409, "other_bot")
    assert call("PUT", "/api/bot", {"token": telegram.revoke(shop)["token"]}).status_code == 200


def test_the_test_says_in_words_what_is_wrong(call: Caller, shop: Json, telegram: Sandbox):
    call("POST", "/api/bots", {"token": shop["token"]})
    assert call("POST", "/api/bot/test").json["last_error"] is None
    telegram.revoke(shop)
    error = call("POST", "/api/bot/test").json["last_error"]
    assert (error["problem"], error["repair"], error["code"]) == ("revoked", "new_token", 401)
    assert "@BotFather" in error["message"]


def test_a_webhook_is_registered_and_removed(
    call: Caller, shop: Json, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)
    made = call("POST", "/api/bots", {"token": shop["token"]}).json
    answer = call("POST", "/api/bot/register-webhook")
    expected = f"{PUBLIC}/api/webhook/{made['public_id']}/"
    assert (answer.json["mode"], answer.json["webhook"]["ours"]) == ("webhook", True)
    assert telegram.api(shop, "getWebhookInfo")["result"]["url"] == expected
    db.session.execute(Bot.__table__.update().values(apply_until=None))
    db.session.commit()
    assert call("POST", "/api/bot/remove-webhook").json["mode"] == "polling"
    assert telegram.api(shop, "getWebhookInfo")["result"]["url"] == ""


def test_a_webhook_without_a_public_address_is_refused(call: Caller, shop: Json):
    call("POST", "/api/bots", {"token": shop["token"]})
    answer = call("POST", "/api/bot/register-webhook")
    assert (answer.status_code, answer.json["code"]) == (409, "no_public_url")


def test_a_new_secret_may_be_asked_for(
    call: Caller, shop: Json, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)
    made = call("POST", "/api/bots", {"token": shop["token"], "mode": "webhook"}).json
    first = telegram.calls(shop, "setWebhook")[-1]["params"]["secret_token"]
    db.session.execute(Bot.__table__.update().values(apply_until=None))
    db.session.commit()
    call("POST", "/api/bot/register-webhook", rotate_secret="true")
    assert telegram.calls(shop, "setWebhook")[-1]["params"]["secret_token"] != first
    db.session.expire_all()
    assert bots.former_secret(bots.get_by_public_id(made["public_id"])) == first


def test_a_removed_bot_is_gone(call: Caller, shop: Json):
    call("POST", "/api/bots", {"token": shop["token"]})
    assert call("DELETE", "/api/bot").status_code == 204
    assert call("GET", "/api/bots").json["bots"] == []
    assert call("POST", "/api/bots", {"token": shop["token"]}).status_code == 201


@pytest.mark.parametrize("query", [{"bot": ""}, {"bot": "x" * 65}, {"bot": "\0"}, {"bto": "x"}])
def test_hostile_queries_are_answered(call: Caller, query: dict[str, str]):
    assert call("GET", "/api/bot", **query).status_code in {400, 404, 422}


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30])
def test_hostile_pages_are_refused(call: Caller, after: str):
    assert call("GET", "/api/bots", after=after).status_code == 422


def test_the_language_follows_the_caller(call: Caller):
    call.headers["Accept-Language"] = "zh-CN"
    assert call("GET", "/api/bot").json["code"] == "no_bot"


def test_the_api_is_described_on_a_page_of_our_own(client: FlaskClient):
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    described = client.get("/api/openapi.json").json
    assert {"/api/bot", "/api/bots", "/api/bot/test", "/api/bot/register-webhook"} <= set(described["paths"])
    assert all(path.startswith("/api/") for path in described["paths"])
    assert "put" in described["paths"]["/api/bot"]
