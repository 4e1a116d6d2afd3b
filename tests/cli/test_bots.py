"""`flask bots add | list | test`, with and without --json."""

import json

import pytest
from click.testing import Result
from flask import Flask

from app.core.settings import get_settings
from app.core.tenancy import enter_scope
from app.services import bots
from tests.cast import Cast
from tests.managing import PUBLIC
from tests.sandbox_client import Json, Sandbox


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    return telegram.create_bot("shop_bot", "Shop")


def run(app: Flask, *words: object, text: str | None = None) -> Result:
    enter_scope(None)
    result = app.test_cli_runner().invoke(args=["bots", *map(str, words)], input=text)
    enter_scope("*")
    return result


def add(app: Flask, cast: Cast, token: str, *more: str) -> Json:
    return json.loads(run(app, "add", "--tenant", cast.tenant.id, "--token", token, "--json", *more).stdout)


def test_add_prints_what_scripts_rely_on(app: Flask, cast: Cast, shop: Json):
    printed = add(app, cast, shop["token"])
    assert set(printed) == {"bot_id", "public_id", "webhook_path", "webhook_secret"}
    assert printed["webhook_path"] == f"/api/webhook/{printed['public_id']}/"
    assert printed["webhook_secret"] == bots.webhook_secret(bots.get(printed["bot_id"]))


def test_add_without_a_check_asks_nobody(app: Flask, cast: Cast, telegram: Sandbox):
    printed = add(app, cast, "123456789:AAEabcdefghijklmnopqrstuvwxyz012345", "--no-check")
    assert bots.get(printed["bot_id"]).telegram_id == 123456789
    assert telegram.calls() == []


def test_add_takes_the_token_from_standard_input(app: Flask, cast: Cast, shop: Json):
    result = run(app, "add", "--tenant", cast.tenant.id, "--token", "-", text=shop["token"] + "\n")
    assert "Added @shop_bot" in result.stdout
    assert shop["token"] not in result.output


def test_add_with_a_webhook(app: Flask, cast: Cast, shop: Json, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)
    assert bots.get(add(app, cast, shop["token"], "--mode", "webhook")["bot_id"]).mode == "webhook"


def test_what_is_wrong_is_said_and_the_exit_code_tells(app: Flask, cast: Cast, shop: Json, telegram: Sandbox):
    for words, said in (
        (("add", "--tenant", cast.tenant.id, "--token", "hello"), "no bot token"),
        (
            ("add", "--tenant", cast.tenant.id, "--token", "123456789:AAEabcdefghijklmnopqrstuvwxyz012345"),
            "does not accept",
        ),
        (("add", "--tenant", 999_999, "--token", shop["token"]), "not found"),
        (("test", "nobody"), "no such bot"),
        (("test", "999999"), "no such bot"),
    ):
        result = run(app, *words)
        assert result.exit_code == 1
        assert said in result.output


def test_list_shows_mode_state_error_and_lag(app: Flask, cast: Cast, shop: Json, telegram: Sandbox):
    made = add(app, cast, shop["token"])
    listed = json.loads(run(app, "list", "--tenant", cast.tenant.id, "--json").stdout)
    assert [row["bot_id"] for row in listed] == [made["bot_id"]]
    assert {"mode", "state", "last_error", "queue_lag"} <= set(listed[0])
    assert json.loads(run(app, "list", "--tenant", cast.other_tenant.id, "--json").stdout) == []
    assert "@shop_bot" in run(app, "list").stdout
    assert shop["token"] not in run(app, "list", "--json").stdout


def test_test_says_how_a_bot_is(app: Flask, cast: Cast, shop: Json, telegram: Sandbox):
    made = add(app, cast, shop["token"])
    assert run(app, "test", made["public_id"]).exit_code == 0
    telegram.revoke(shop)
    result = run(app, "test", made["bot_id"], "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["state"] == "revoked"
