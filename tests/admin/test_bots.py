"""The boss's pages about his bots."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.bots import BotState, Mode
from app.domain.outbox import OutboxState
from app.domain.plans import Plan
from app.models import Bot, OutgoingMessage
from app.services import bots, outbox
from tests.cast import Cast, sign_in
from tests.managing import PUBLIC, add, do, reload
from tests.sandbox_client import LIN, Json, Sandbox

ACTS = ("test", "start", "stop", "mode", "language", "secret", "repair", "token", "remove")


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    return telegram.create_bot("shop_bot", "Shop")


@pytest.fixture
def bot(cast: Cast, telegram: Sandbox, shop: Json) -> Bot:
    return add(cast.tenant.id, shop["token"])


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


def page(client: FlaskClient, bot: Bot) -> str:
    return client.get(f"/admin/bots/details/?id={bot.id}").text


def press(client: FlaskClient, act: str, bot: Bot, **data: str):
    return client.post(f"/admin/bots/{act}/", data={"id": str(bot.id), **data}, follow_redirects=True)


def test_a_boss_without_a_bot_is_shown_how_to_get_one(boss: FlaskClient):
    text = boss.get("/admin/bots/").text
    assert "@BotFather" in text
    assert "/admin/bots/new/" in text


def test_pasting_botfathers_message_makes_a_bot(boss: FlaskClient, shop: Json):
    pasted = f"Done! Use this token to access the HTTP API:\n{shop['token']}\nKeep it secure."
    answer = boss.post("/admin/bots/new/", data={"token": pasted}, follow_redirects=True)
    assert "@shop_bot" in answer.text
    assert "https://t.me/shop_bot" in answer.text
    assert "<svg" in answer.text
    assert db.session.scalars(select(Bot)).one().state is BotState.STARTING


def test_the_token_is_on_no_page(boss: FlaskClient, bot: Bot, shop: Json):
    for path in ("/admin/bots/", f"/admin/bots/details/?id={bot.id}", "/admin/audit/", "/admin/"):
        assert shop["token"] not in boss.get(path).text
    assert shop["token"][:10] + "***" in page(boss, bot)


def test_a_bad_token_stays_on_the_page_with_a_reason(boss: FlaskClient, telegram: Sandbox):
    for token in ("", "hello", "1" * 5000, "123456789:AAEabcdefghijklmnopqrstuvwxyz012345"):
        answer = boss.post("/admin/bots/new/", data={"token": token})
        assert answer.status_code == 200, token
        assert "field-error" in answer.text, token
        assert "AAEabc" not in answer.text
    assert db.session.scalars(select(Bot)).all() == []


def test_the_plans_limit_is_explained_on_the_page(boss: FlaskClient, cast: Cast, bot: Bot, telegram: Sandbox):
    cast.tenant.plan = Plan.BASIC
    db.session.commit()
    answer = boss.post("/admin/bots/new/", data={"token": telegram.create_bot("two_bot")["token"]})
    assert "note-bad" in answer.text
    assert len(db.session.scalars(select(Bot)).all()) == 1


def test_an_unknown_field_is_refused(boss: FlaskClient, shop: Json):
    answer = boss.post("/admin/bots/new/", data={"token": shop["token"], "tenant_id": "7"})
    assert answer.status_code == 400


def test_the_mode_is_offered_where_there_is_a_public_address(
    boss: FlaskClient, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    assert 'name="mode"' not in boss.get("/admin/bots/new/").text
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)
    assert 'name="mode"' in boss.get("/admin/bots/new/").text


def test_stop_start_and_status(boss: FlaskClient, bot: Bot):
    press(boss, "stop", bot)
    assert reload(bot).enabled is False
    assert "status-idle" in boss.get(f"/admin/bots/details/live/?id={bot.id}").text
    press(boss, "start", bot)
    assert reload(bot).state is BotState.STARTING


def test_a_starting_bot_is_looked_at_more_often(boss: FlaskClient, bot: Bot):
    url = f"/admin/bots/details/live/?id={bot.id}"
    assert boss.get(url).headers["Live-Every"] == "1"
    do(bots.report_ok, bot)
    assert boss.get(url).headers["Live-Every"] == "4"


def test_switching_the_mode(boss: FlaskClient, bot: Bot, monkeypatch: pytest.MonkeyPatch):
    press(boss, "mode", bot, mode="webhook")
    assert reload(bot).mode is Mode.POLLING
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)
    press(boss, "mode", bot, mode="webhook")
    assert reload(bot).mode is Mode.WEBHOOK


def test_the_test_button_says_what_is_wrong(boss: FlaskClient, bot: Bot, telegram: Sandbox, shop: Json):
    assert 'data-toast="ok"' in press(boss, "test", bot).text
    telegram.revoke(shop)
    assert "@BotFather" in press(boss, "test", bot).text
    assert reload(bot).state is BotState.REVOKED
    assert "#token" in page(boss, bot)


def test_a_foreign_webhook_is_taken_over_by_one_click(
    boss: FlaskClient, bot: Bot, telegram: Sandbox, shop: Json
):
    telegram.api(shop, "setWebhook", url="http://localhost:9/hook")
    assert 'value="take_over"' in press(boss, "test", bot).text
    press(boss, "repair", bot, action="take_over")
    assert reload(bot).take_over is True


def test_a_new_token_is_put_in_place_and_held_messages_leave(
    boss: FlaskClient, bot: Bot, telegram: Sandbox, shop: Json
):
    do(bots.report_failure, bot, 401, "Unauthorized")
    with transaction():
        outbox.queue_message(bot.tenant_id, bot.id, LIN, "sendMessage", {"text": "you won"}, "win:1")
    assert db.session.scalars(select(OutgoingMessage.state)).one() is OutboxState.HELD
    press(boss, "token", bot, token=telegram.revoke(shop)["token"])
    assert db.session.scalars(select(OutgoingMessage.state)).one() is OutboxState.QUEUED
    assert reload(bot).state is BotState.STARTING


def test_another_bots_token_is_refused_on_the_page(
    boss: FlaskClient, bot: Bot, telegram: Sandbox, shop: Json
):
    answer = press(boss, "token", bot, token=telegram.create_bot("other_bot")["token"])
    assert "@other_bot" in answer.text
    assert reload(bot).token == shop["token"]


def test_removing_asks_for_the_name(boss: FlaskClient, bot: Bot):
    press(boss, "remove", bot, typed="shop")
    assert reload(bot).removed_at is None
    press(boss, "remove", bot, typed="@Shop_Bot")
    assert reload(bot).removed_at is not None
    assert boss.get(f"/admin/bots/details/?id={bot.id}").status_code == 404


def test_the_language_of_the_bot(boss: FlaskClient, bot: Bot):
    press(boss, "language", bot, locale="en")
    assert reload(bot).locale == "en"
    press(boss, "language", bot, locale="")
    assert reload(bot).locale is None
    assert press(boss, "language", bot, locale="xx").status_code == 400


def test_a_stranger_reaches_no_bot(app: Flask, cast: Cast, bot: Bot):
    stranger = sign_in(app, cast.stranger)
    for act in ACTS:
        data = {"action": "retry", "mode": "polling"}
        assert press(stranger, act, bot, **data).status_code == 404, act
    assert stranger.get(f"/admin/bots/details/?id={bot.id}").status_code == 404
    assert "shop_bot" not in stranger.get("/admin/bots/").text


def test_who_may_only_read_changes_nothing(app: Flask, cast: Cast, bot: Bot):
    reader = sign_in(app, cast.reader)
    assert "@shop_bot" in page(reader, bot)
    for act in ACTS:
        assert f"/admin/bots/{act}/" not in page(reader, bot)
        assert press(reader, act, bot).status_code == 403, act
    assert reader.get("/admin/bots/new/").status_code == 403


def test_anonymous_visitors_are_sent_away(app: Flask, cast: Cast, bot: Bot):
    for path in ("", "details/", "details/live/", "live/", "new/"):
        assert app.test_client().get(f"/admin/bots/{path}?id={bot.id}").status_code in {302, 401}, path


def test_hostile_ids_are_not_found(boss: FlaskClient):
    for key in ("", "x", "-1", "1,2", "9" * 30, "0", "1%00", "1&id=2"):
        assert boss.get(f"/admin/bots/details/?id={key}").status_code == 404, key


def test_hostile_acts_are_refused(boss: FlaskClient, bot: Bot):
    for act, data in (("mode", {"mode": "pigeon"}), ("repair", {"action": ""}), ("repair", {})):
        assert press(boss, act, bot, **data).status_code == 400, act


@pytest.mark.parametrize("act", ["test", "start", "stop", "secret"])
def test_buttons_take_no_other_fields(boss: FlaskClient, bot: Bot, act: str):
    for more in ({"tenant_id": "7"}, {"id": [str(bot.id), "1"]}):
        assert press(boss, act, bot, **more).status_code in {400, 404}
    assert reload(bot).secret_generation == 1


def test_without_the_token_of_the_page_nothing_happens(boss: FlaskClient, bot: Bot):
    answer = boss.post("/admin/bots/stop/", data={"id": str(bot.id)}, csrf=False)
    assert answer.status_code == 403
    assert reload(bot).enabled is True


def test_a_name_from_telegram_is_shown_as_text(boss: FlaskClient, bot: Bot):
    bot.name = "<script>alert(1)</script>"
    db.session.commit()
    for text in (page(boss, bot), boss.get("/admin/bots/").text):
        assert "<script>alert" not in text
