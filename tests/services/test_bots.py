"""Managing bots: what a token must be, what the boss wishes, what Telegram is made to be."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.core.bells import Bell, Listener
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import tenant_scope
from app.domain.bot_health import Problem, Repair, read_failure, read_webhook_error
from app.domain.bots import BotState, Mode, backoff, find_token
from app.domain.plans import Plan
from app.models import AuditEvent, Bot, BotAlert
from app.services import bots, health
from tests.cast import Cast
from tests.sandbox_client import Json, Sandbox

PUBLIC = "http://127.0.0.1:9"
FOREIGN = "http://localhost:9/hook"
TOKEN = "123456789:AAEabcdefghijklmnopqrstuvwxyz012345"


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform has a public address."""
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    """A bot at Telegram that nobody uses yet."""
    return telegram.create_bot("shop_bot", "Shop")


def add(tenant_id: int, token: str, **more) -> Bot:
    """As the page does: ask Telegram first, then write."""
    checked = bots.check_token(token)
    with transaction():
        return bots.create(tenant_id, checked, **more)


def apply(bot: Bot) -> bots.Done | None:
    """As the task does."""
    with transaction():
        job = bots.claim(bot.id)
    if job is None:
        return None
    done = bots.perform(job)
    with transaction():
        bots.complete(done)
    return done


def do(verb, bot: Bot, *args, **more):
    with transaction():
        return verb(bot.id, *args, **more)


def reload(bot: Bot) -> Bot:
    db.session.expire_all()
    found = bots.get(bot.id)
    db.session.commit()
    return found


def webhook_of(telegram: Sandbox, bot: Json) -> str:
    return telegram.api(bot, "getWebhookInfo")["result"]["url"]


def called(telegram: Sandbox, bot: Json) -> list[str]:
    return [call["method"] for call in telegram.calls(bot)]


# Tokens


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        (TOKEN, TOKEN),
        (f"  {TOKEN}\n", TOKEN),
        (f"Use this token to access the HTTP API:\n{TOKEN}\nKeep it secure.", TOKEN),
        (f"{TOKEN} {TOKEN}", TOKEN),
        (f"{TOKEN} {TOKEN[:-1]}9", None),
        ("", None),
        ("123:short", None),
        (f"0{TOKEN}", None),
        (f"{TOKEN}/getMe", TOKEN),
        (f"我的令牌是{TOKEN} 收好", TOKEN),
        ("x" * 5000, None),
    ],
)
def test_a_token_is_found_in_what_was_pasted(pasted: str, found: str | None):
    assert find_token(pasted) == found


def test_text_without_a_token_is_refused_without_asking_telegram(telegram: Sandbox):
    with pytest.raises(bots.BadToken):
        bots.check_token("hello")
    assert telegram.calls() == []


def test_a_token_that_telegram_does_not_know_is_refused(telegram: Sandbox):
    with pytest.raises(bots.TokenRefused):
        bots.check_token(TOKEN)


def test_a_silent_telegram_is_said_to_be_away(telegram: Sandbox, shop: Json):
    telegram.order_error(0, method="getMe")
    with pytest.raises(bots.TelegramAway) as caught:
        bots.check_token(shop["token"])
    assert shop["token"] not in str(caught.value)


# Adding


def test_a_new_bot_is_written_with_its_names_and_announced(cast: Cast, telegram: Sandbox, shop: Json):
    bell = Listener(Bell.BOTS)
    bell.wait(0)
    bot = add(cast.tenant.id, shop["token"])
    assert (bot.username, bot.name, bot.telegram_id) == ("shop_bot", "Shop", shop["id"])
    assert (bot.state, bot.enabled, bot.version) == (BotState.STARTING, True, 1)
    assert bell.wait(2) == [(Bell.BOTS, str(bot.id))]
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "bot.created")).one()
    assert event.changes == {"token": shop["token"][:10] + "***", "mode": "polling"}


def test_the_token_is_unreadable_in_the_database(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    row = db.session.execute(select(Bot.__table__).where(Bot.__table__.c.id == bot.id))
    stored = db.session.connection().exec_driver_sql("SELECT bot::text FROM bot").scalar()
    assert shop["token"] not in stored
    assert row.one().token == shop["token"]


def test_a_bot_of_another_tenant_is_refused_without_saying_whose(cast: Cast, telegram: Sandbox, shop: Json):
    add(cast.other_tenant.id, shop["token"])
    with tenant_scope(cast.tenant.id), pytest.raises(bots.BotTaken) as caught:
        add(cast.tenant.id, shop["token"])
    assert cast.other_tenant.name not in caught.value.text("en")


def test_a_new_token_does_not_hide_that_a_bot_is_taken(cast: Cast, telegram: Sandbox, shop: Json):
    add(cast.other_tenant.id, shop["token"])
    new = telegram.revoke(shop)
    with pytest.raises(bots.BotTaken):
        add(cast.tenant.id, new["token"])


def test_adding_ones_own_bot_again_says_so(cast: Cast, telegram: Sandbox, shop: Json):
    add(cast.tenant.id, shop["token"])
    with pytest.raises(bots.OwnBot) as caught:
        add(cast.tenant.id, shop["token"])
    assert "@shop_bot" in caught.value.text("en")


def test_the_plan_limits_how_many(cast: Cast, telegram: Sandbox, shop: Json):
    cast.tenant.plan = Plan.BASIC
    db.session.commit()
    add(cast.tenant.id, shop["token"])
    with pytest.raises(bots.PlanLimit) as caught:
        add(cast.tenant.id, telegram.create_bot("second_bot")["token"])
    assert (caught.value.params["limit"], caught.value.params["used"]) == (1, 1)


def test_a_removed_bot_comes_back_as_the_same_row(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    do(bots.remove, bot)
    apply(bot)
    again = add(cast.tenant.id, shop["token"])
    assert (again.id, again.public_id, again.removed_at) == (bot.id, bot.public_id, None)
    assert again.enabled


def test_a_removed_bot_may_go_to_another_tenant(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    do(bots.remove, bot)
    assert add(cast.other_tenant.id, shop["token"]).id != bot.id


def test_a_removed_bot_keeps_no_token(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    do(bots.remove, bot)
    apply(bot)
    assert (reload(bot).token, reload(bot).token_fingerprint) == ("", "")
    assert apply(bot) is None


def test_a_bot_of_another_tenant_does_not_exist(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.other_tenant.id, shop["token"])
    with tenant_scope(cast.tenant.id), pytest.raises(NotFound):
        do(bots.set_enabled, bot, False)


# Changing the token


def test_a_new_token_of_the_same_bot_keeps_everything(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    do(bots.report_failure, bot, 401, "Unauthorized")
    new = telegram.revoke(shop)
    checked = bots.check_token(new["token"])
    do(bots.update_token, bot, checked)
    bot = reload(bot)
    assert (bot.token, bot.state, bot.retry_at, bot.failures) == (new["token"], BotState.STARTING, None, 0)


def test_another_bots_token_is_refused_with_both_names(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    checked = bots.check_token(telegram.create_bot("other_bot")["token"])
    with pytest.raises(bots.WrongBot) as caught:
        do(bots.update_token, bot, checked)
    assert "@other_bot" in caught.value.text("en")
    assert "@shop_bot" in caught.value.text("en")
    assert reload(bot).token == shop["token"]


# Making Telegram match


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


# Facts


def test_a_revoked_token_is_told_once_and_backs_off(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    waits = []
    for _ in range(8):
        do(bots.report_failure, bot, 401, "Unauthorized")
        waits.append((reload(bot).retry_at - now()).total_seconds())
    assert reload(bot).state is BotState.REVOKED
    assert 14 < waits[0] < 17
    assert 590 < waits[-1] < 661
    assert [alert.kind for alert in db.session.scalars(select(BotAlert))] == [Problem.REVOKED]


def test_news_of_an_old_token_is_ignored(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    old = bot.version
    do(bots.update_token, bot, bots.check_token(shop["token"]))
    assert do(bots.report_failure, bot, 401, "Unauthorized", version=old) is False
    assert reload(bot).state is BotState.STARTING


def test_the_end_of_a_poll_by_our_own_webhook_is_no_conflict(
    cast: Cast, telegram: Sandbox, shop: Json, public: None
):
    bot = add(cast.tenant.id, shop["token"])
    do(bots.set_mode, bot, Mode.WEBHOOK)
    assert do(bots.report_failure, bot, 409, "Conflict: terminated by setWebhook request") is False


def test_a_stopped_bot_reports_nothing(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    do(bots.set_enabled, bot, False)
    assert do(bots.report_ok, bot) is False
    assert do(bots.report_failure, bot, 401, "") is False


def test_well_is_written_once(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    assert do(bots.report_ok, bot) is True
    since = reload(bot).running_since
    assert do(bots.report_ok, bot) is False
    assert (reload(bot).state, reload(bot).running_since) == (BotState.RUNNING, since)


def test_only_a_change_of_state_rings(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    bell = Listener(Bell.BOTS)
    bell.wait(0)
    do(bots.report_failure, bot, 0, "timeout")
    assert bell.wait(2) == [(Bell.BOTS, str(bot.id))]
    do(bots.report_failure, bot, 0, "timeout")
    assert bell.wait(0.2) == []


def test_a_short_outage_wakes_nobody(cast: Cast, telegram: Sandbox, shop: Json):
    bot = add(cast.tenant.id, shop["token"])
    for _ in range(4):
        do(bots.report_failure, bot, 0, "timeout")
    assert db.session.scalars(select(BotAlert)).all() == []
    do(bots.report_failure, bot, 0, "timeout")
    assert db.session.scalars(select(BotAlert)).one().kind == Problem.UNREACHABLE


# Words


@pytest.mark.parametrize(
    ("code", "host", "problem", "repair"),
    [
        (401, "", Problem.REVOKED, Repair.NEW_TOKEN),
        (404, "", Problem.REVOKED, Repair.NEW_TOKEN),
        (409, "", Problem.CONFLICT, Repair.NEW_TOKEN),
        (409, "other.example", Problem.CONFLICT, Repair.TAKE_OVER),
        (0, "", Problem.UNREACHABLE, Repair.RETRY),
        (502, "", Problem.UNREACHABLE, Repair.RETRY),
        (403, "", Problem.UNREACHABLE, Repair.RETRY),
        (429, "", None, None),
        (400, "", Problem.UNREACHABLE, Repair.RETRY),
    ],
)
def test_every_failure_has_plain_words(code: int, host: str, problem: Problem | None, repair: Repair | None):
    reading = read_failure(code, "Bad Request: x", host)
    assert (reading.problem, reading.repair) == (problem, repair)
    assert reading.text % reading.params


@pytest.mark.parametrize(
    "complaint",
    [
        "Wrong response from the webhook: 403 Forbidden",
        "SSL error {error:0A000086:SSL routines::certificate verify failed}",
        "Failed to resolve host: Name or service not known",
        "Connection refused",
        "Read timeout expired",
        "Wrong response from the webhook: 502 Bad Gateway",
        "something new",
    ],
)
def test_every_complaint_about_our_webhook_has_plain_words(complaint: str):
    reading = read_webhook_error(complaint)
    assert reading.problem is Problem.WEBHOOK
    assert reading.text % reading.params


def test_a_conflict_is_tried_less_than_twice_a_minute():
    assert backoff(409) == (30.0, 30.0)


def test_the_same_input_twice_needs_no_app(app: Flask):
    assert bots.find_by_public_id("nobody") is None
