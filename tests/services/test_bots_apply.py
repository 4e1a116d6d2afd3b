"""Making Telegram match what the boss wants."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.core.clock import now
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.bot_health import Problem, Repair
from app.domain.bots import BotState, Mode
from app.models import Bot
from app.services import bots, health
from tests.cast import Cast
from tests.managing import FOREIGN, PUBLIC, add, apply, called, do, reload, webhook_of
from tests.sandbox_client import Json, Sandbox


def test_a_polled_bot_gets_its_menu_and_no_webhook(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    apply(bot)
    assert called(telegram, shop).count("setMyCommands") == 2
    assert webhook_of(telegram, shop) == ""
    assert reload(bot).webhook_set_at is None
    assert apply(bot) is None


def test_a_webhook_is_registered_with_its_secret(cast: Cast, telegram: Sandbox, shop: Json, public: None):
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    apply(bot)
    call = telegram.calls(shop, "setWebhook")[-1]["params"]
    assert call["url"] == f"{PUBLIC}/api/webhook/{bot.public_id}/"
    assert call["secret_token"] == bots.webhook_secret(bot)
    assert call["max_connections"] == 40
    assert {"callback_query", "my_chat_member", "chat_member", "pre_checkout_query"} <= set(
        call["allowed_updates"]
    )
    assert "drop_pending_updates" not in call
    assert reload(bot).state is BotState.RUNNING


def test_switching_back_removes_our_webhook_and_keeps_what_waits(
    cast: Cast, telegram: Sandbox, shop: Json, public: None
):
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    apply(bot)
    do(bots.set_mode, bot, Mode.POLLING)
    assert reload(bot).webhook_set_at is not None
    db.session.execute(update(Bot).values(apply_until=None))
    apply(bot)
    assert webhook_of(telegram, shop) == ""
    assert reload(bot).webhook_set_at is None
    assert "drop_pending_updates" not in telegram.calls(shop, "deleteWebhook")[-1]["params"]


def test_setting_the_webhook_twice_waits_a_second(cast: Cast, telegram: Sandbox, shop: Json, public: None):
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    apply(bot)
    do(bots.rotate_secret, bot)
    assert apply(bot) is None
    db.session.execute(update(Bot).values(apply_until=now()))
    apply(bot)
    assert telegram.calls(shop, "setWebhook")[-1]["params"]["secret_token"] == bots.webhook_secret(
        reload(bot)
    )


def test_a_former_secret_is_accepted_for_ten_minutes(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    first = bots.webhook_secret(bot)
    assert bots.former_secret(bot) == ""
    bot = do(bots.rotate_secret, bot)
    assert bots.former_secret(bot) == first != bots.webhook_secret(bot)
    bot.secret_rotated_at = now() - timedelta(minutes=11)
    assert bots.former_secret(bot) == ""


def test_adding_a_bot_takes_it_from_another_service(cast: Cast, telegram: Sandbox, shop: Json):
    telegram.api(shop, "setWebhook", url=FOREIGN)
    bot = add(cast.tenant.id, shop["token"])
    assert bot.webhook_set_at is not None, "it must not be polled before the webhook is gone"
    apply(bot)
    assert webhook_of(telegram, shop) == ""
    assert reload(bot).webhook_set_at is None


def test_the_platform_itself_never_removes_a_foreign_webhook(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    apply(bot)
    telegram.api(shop, "setWebhook", url=FOREIGN)
    with transaction():
        health.record(health.ask(health.question(bots.get(bot.id))))
    with transaction():
        bots.sweep()
    apply(bot)
    assert webhook_of(telegram, shop) == FOREIGN
    assert reload(bot).state is BotState.CONFLICT
    assert health.read(reload(bot)).repair is Repair.TAKE_OVER


def test_taking_over_is_one_click(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    apply(bot)
    telegram.api(shop, "setWebhook", url=FOREIGN)
    with transaction():
        health.record(health.ask(health.question(bots.get(bot.id))))
    do(bots.repair, bot, Repair.TAKE_OVER)
    apply(bot)
    assert webhook_of(telegram, shop) == ""
    assert reload(bot).state is BotState.STARTING


def test_a_lost_webhook_is_registered_again_by_itself(
    cast: Cast, telegram: Sandbox, shop: Json, public: None
):
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    apply(bot)
    telegram.api(shop, "deleteWebhook")
    with transaction():
        health.record(health.ask(health.question(reload(bot))))
    db.session.execute(update(Bot).values(apply_until=None))
    with transaction():
        assert bots.sweep() == 1
    apply(bot)
    assert webhook_of(telegram, shop).startswith(PUBLIC)


def test_without_a_public_address_webhook_bots_are_polled(
    cast: Cast, telegram: Sandbox, shop: Json, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    apply(bot)
    monkeypatch.setattr(get_settings(), "public_url", "")
    db.session.execute(update(Bot).values(apply_until=None))
    with transaction():
        assert bots.sweep() == 1
    apply(bot)
    assert (reload(bot).mode, reload(bot).webhook_set_at) == (Mode.POLLING, None)
    assert webhook_of(telegram, shop) == ""


def test_webhooks_need_a_public_address(cast: Cast, telegram: Sandbox, shop: Json):
    with pytest.raises(bots.NoPublicUrl):
        add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)


def test_a_stopped_bot_has_no_webhook(cast: Cast, telegram: Sandbox, shop: Json, public: None):
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    apply(bot)
    do(bots.set_enabled, bot, False)
    db.session.execute(update(Bot).values(apply_until=None))
    apply(bot)
    assert webhook_of(telegram, shop) == ""
    assert reload(bot).state is BotState.STOPPED


def test_two_workers_do_not_apply_one_bot_at_once(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    with transaction():
        assert bots.claim(bot.id) is not None
    with transaction():
        assert bots.claim(bot.id) is None


def test_a_late_answer_of_a_former_worker_changes_nothing(
    cast: Cast, telegram: Sandbox, shop: Json, public: None
):
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    with transaction():
        late = bots.claim(bot.id)
    db.session.execute(update(Bot).values(apply_until=None))
    db.session.commit()
    with transaction():
        assert bots.claim(bot.id) is not None
    with transaction():
        bots.complete(bots.perform(late))
    assert reload(bot).webhook_set_at is None


def test_too_many_calls_wait_as_long_as_telegram_says(
    cast: Cast, telegram: Sandbox, shop: Json, public: None
):
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    telegram.order_error(429, "Too Many Requests", method="setWebhook", retry_after=40)
    apply(bot)
    bot = reload(bot)
    assert now() + timedelta(seconds=40) < bot.retry_at < now() + timedelta(seconds=46)
    assert bot.state is BotState.STARTING
    assert apply(bot) is None


def test_an_address_that_telegram_refuses_is_explained_with_a_way_out(
    cast: Cast, telegram: Sandbox, shop: Json, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "public_url", "http://bots.example")
    bot = add(cast.tenant.id, shop["token"], mode=Mode.WEBHOOK)
    apply(bot)
    reading = health.read(reload(bot))
    assert (reading.problem, reading.repair) == (Problem.WEBHOOK, Repair.USE_POLLING)
    assert "HTTPS" in reading.params["description"]
    do(bots.repair, bot, Repair.USE_POLLING)
    assert reload(bot).mode is Mode.POLLING
    assert health.read(reload(bot)) is None


def test_a_bot_that_nobody_starts_says_so(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    assert health.read(bot) is None
    bot.wished_at = now() - timedelta(minutes=1)
    assert health.read(bot).repair is Repair.RETRY
