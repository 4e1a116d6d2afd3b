"""Background work for bots: applying, sweeping, checking, telling the boss."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import db
from app.core.redis import quick
from app.core.settings import get_settings
from app.core.tenancy import enter_scope
from app.domain.bot_health import Problem
from app.domain.bots import BotState, Mode
from app.models import Bot, BotAlert, BotMember, CronRun, Mail, Membership, OutgoingMessage, User
from app.services import bots
from tasks.bots import apply, check_health, send_alerts, sweep
from tests.cast import Cast
from tests.managing import PUBLIC, add, do, reload, webhook_of
from tests.sandbox_client import LIN, WANG, Json, Sandbox


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    return telegram.create_bot("shop_bot", "Shop")


@pytest.fixture
def bot(cast: Cast, telegram: Sandbox, shop: Json) -> Bot:
    bot = add(cast.tenant.id, shop["token"])
    do(bots.report_ok, bot)
    return bot


@pytest.fixture
def linked(cast: Cast, bot: Bot) -> int:
    """The owner linked his Telegram account with the bot."""
    link(cast, cast.owner, LIN, bot)
    return LIN


def link(cast: Cast, person: User, telegram_id: int, *talks_with: Bot) -> None:
    db.session.execute(
        update(Membership).where(Membership.user_id == person.id).values(telegram_id=telegram_id)
    )
    for bot in talks_with:
        db.session.add(BotMember(tenant_id=cast.tenant.id, bot_id=bot.id, telegram_id=telegram_id))
    db.session.commit()


def run(task) -> None:
    """As the next slot of the schedule would."""
    db.session.query(CronRun).delete()
    db.session.commit()
    enter_scope(None)
    task()
    enter_scope("*")
    db.session.expire_all()


def sent() -> list[OutgoingMessage]:
    return list(db.session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))


# Applying


def test_apply_makes_telegram_match(bot: Bot, telegram: Sandbox, shop: Json, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)
    do(bots.set_mode, bot, Mode.WEBHOOK)
    run(lambda: apply(bot.id))
    assert webhook_of(telegram, shop).startswith(PUBLIC)


def test_apply_of_a_bot_that_is_gone_does_nothing(cast: Cast, telegram: Sandbox):
    run(lambda: apply(999_999))
    assert telegram.calls() == []


def test_the_sweep_finds_what_a_lost_message_left(bot: Bot):
    quick().flushdb()
    run(sweep)
    assert quick().llen("laoban:default") == 1


def test_a_second_beat_sweeps_nothing(bot: Bot):
    quick().flushdb()
    run(sweep)
    enter_scope(None)
    sweep()
    assert quick().llen("laoban:default") == 1


# Checking


def test_a_round_asks_about_each_bot_once(bot: Bot, telegram: Sandbox, shop: Json):
    db.session.execute(update(Bot).values(health_at=now() - timedelta(minutes=11)))
    db.session.commit()
    before = len(telegram.calls(shop, "getWebhookInfo"))
    run(check_health)
    run(check_health)
    assert len(telegram.calls(shop, "getWebhookInfo")) == before + 1


def test_one_sick_bot_does_not_stop_the_round(bot: Bot, cast: Cast, telegram: Sandbox, shop: Json):
    other = telegram.create_bot("two_bot")
    second = add(cast.tenant.id, other["token"])
    telegram.revoke(shop)
    db.session.execute(update(Bot).values(health_at=None))
    db.session.commit()
    run(check_health)
    assert reload(bot).state is BotState.REVOKED
    assert reload(second).health_at is not None


# Telling


def test_the_boss_is_told_once_and_once_when_it_is_over(bot: Bot, linked: int):
    do(bots.report_failure, bot, 409, "Conflict")
    run(send_alerts)
    run(send_alerts)
    assert [(row.bot_id, row.chat_id) for row in sent()] == [(bot.id, linked)]
    assert "@shop_bot" in sent()[0].payload["text"]
    do(bots.report_ok, bot)
    db.session.execute(update(Bot).values(error_at=now() - timedelta(minutes=3)))
    db.session.commit()
    run(send_alerts)
    run(send_alerts)
    assert len(sent()) == 2
    assert sent()[1].payload["text"].startswith("✅")


def test_what_comes_and_goes_is_one_incident(bot: Bot, linked: int):
    for _ in range(5):
        do(bots.report_failure, bot, 409, "Conflict")
        run(send_alerts)
        do(bots.report_ok, bot)
        run(send_alerts)
    assert len(sent()) == 1
    assert db.session.query(BotAlert).count() == 1


def test_news_of_a_revoked_bot_comes_by_another_bot(bot: Bot, linked: int, cast: Cast, telegram: Sandbox):
    second = add(cast.tenant.id, telegram.create_bot("two_bot")["token"])
    do(bots.report_ok, second)
    link(cast, cast.owner, LIN, second)
    do(bots.report_failure, bot, 401, "Unauthorized")
    run(send_alerts)
    assert [row.bot_id for row in sent()] == [second.id]


def test_where_no_bot_reaches_him_he_is_told_later(bot: Bot, linked: int, cast: Cast, telegram: Sandbox):
    do(bots.report_failure, bot, 401, "Unauthorized")
    run(send_alerts)
    alert = db.session.scalars(select(BotAlert)).one()
    assert (sent(), alert.told_at) == ([], None)
    assert alert.due_at > now()


def test_an_incident_that_nobody_heard_of_ends_in_silence(
    bot: Bot, linked: int, shop: Json, telegram: Sandbox
):
    do(bots.report_failure, bot, 401, "Unauthorized")
    run(send_alerts)
    do(bots.update_token, bot, bots.check_token(telegram.revoke(shop)["token"]))
    do(bots.report_ok, bot)
    run(send_alerts)
    assert sent() == []
    assert db.session.scalars(select(BotAlert)).one().closed_told_at is not None


def test_a_new_token_ends_the_incident_with_a_word(bot: Bot, cast: Cast, telegram: Sandbox, shop: Json):
    second = add(cast.tenant.id, telegram.create_bot("two_bot")["token"])
    do(bots.report_ok, second)
    link(cast, cast.owner, LIN, second)
    do(bots.report_failure, bot, 401, "Unauthorized")
    run(send_alerts)
    do(bots.update_token, bot, bots.check_token(telegram.revoke(shop)["token"]))
    do(bots.report_ok, bot)
    run(send_alerts)
    assert [row.payload["text"][0] for row in sent()] == ["⚠", "✅"]


def test_stopping_the_bot_ends_the_incident_in_silence(bot: Bot, linked: int):
    do(bots.report_failure, bot, 409, "Conflict")
    run(send_alerts)
    do(bots.set_enabled, bot, False)
    run(send_alerts)
    assert len(sent()) == 1


def test_only_owners_and_managers_are_told(bot: Bot, linked: int, cast: Cast):
    link(cast, cast.staff, WANG, bot)
    do(bots.report_failure, bot, 409, "Conflict")
    run(send_alerts)
    assert [row.chat_id for row in sent()] == [linked]


def test_who_blocked_the_bot_is_not_written_to(bot: Bot, linked: int):
    db.session.execute(update(BotMember).values(blocked_at=now()))
    db.session.commit()
    do(bots.report_failure, bot, 409, "Conflict")
    run(send_alerts)
    assert sent() == []


def test_mail_tells_where_it_is_set_up(bot: Bot, cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "mail_url", "smtp://127.0.0.1:9")
    do(bots.report_failure, bot, 401, "Unauthorized")
    run(send_alerts)
    run(send_alerts)
    letters = list(db.session.scalars(select(Mail)))
    assert [letter.recipient for letter in letters] == [cast.owner.email]
    assert "@shop_bot" in letters[0].subject


def test_the_words_follow_the_readers_language(bot: Bot, linked: int, cast: Cast):
    cast.owner.locale = "en"
    db.session.commit()
    do(bots.report_failure, bot, 409, "Conflict")
    run(send_alerts)
    assert "Another program is reading" in sent()[0].payload["text"]


def test_a_foreign_webhook_is_told_by_its_host(
    bot: Bot, linked: int, cast: Cast, telegram: Sandbox, shop: Json
):
    cast.owner.locale = "en"
    telegram.api(shop, "setWebhook", url="http://localhost:9/secret")
    db.session.execute(update(Bot).values(health_at=None))
    db.session.commit()
    run(check_health)
    run(send_alerts)
    assert db.session.scalars(select(BotAlert)).one().kind == Problem.CONFLICT
    assert "localhost" in sent()[0].payload["text"]
    assert "secret" not in sent()[0].payload["text"]
