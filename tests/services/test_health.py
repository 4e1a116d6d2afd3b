"""The health card, and asking Telegram how bots are."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import db
from app.core.queue import transaction
from app.core.redis import quick
from app.core.settings import get_settings
from app.domain.bot_health import Problem, Repair
from app.domain.bots import BotState, Mode
from app.gateways.telegram import WebhookInfo
from app.models import Bot, BotAlert, BotHour
from app.services import bots, health
from tests.cast import Cast
from tests.sandbox_client import LIN, Json, Sandbox

PUBLIC = "http://127.0.0.1:9"


@pytest.fixture
def shop(telegram: Sandbox) -> Json:
    return telegram.create_bot("shop_bot", "Shop")


@pytest.fixture
def bot(cast: Cast, telegram: Sandbox, shop: Json) -> Bot:
    """A polled bot that runs."""
    checked = bots.check_token(shop["token"])
    with transaction():
        bot = bots.create(cast.tenant.id, checked)
        bots.report_ok(bot.id)
    return bot


@pytest.fixture
def hooked(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> Bot:
    """The same bot with a webhook."""
    monkeypatch.setattr(get_settings(), "public_url", PUBLIC)
    with transaction():
        bots.set_mode(bot.id, Mode.WEBHOOK)
        job = bots.claim(bot.id)
    done = bots.perform(job)
    with transaction():
        bots.complete(done)
    return reload(bot)


def reload(bot: Bot) -> Bot:
    db.session.expire_all()
    found = bots.get(bot.id)
    db.session.commit()
    return found


def check(bot: Bot) -> Bot:
    answer = health.ask(health.question(reload(bot)), who=True)
    with transaction():
        health.record(answer)
    return reload(bot)


def kinds(*, still: bool = True) -> list[str]:
    query = select(BotAlert.kind).where(
        BotAlert.closed_at.is_(None) if still else BotAlert.closed_at.is_not(None)
    )
    return list(db.session.scalars(query))


def test_a_well_bot_has_a_quiet_card(bot: Bot):
    card = health.card(check(bot))
    assert card.well
    assert card.repair is None
    assert card.link == "https://t.me/shop_bot"
    assert card.token.endswith("***")
    assert bot.token not in repr(card)
    assert (card.pending_updates, card.webhook_drift, card.queue_length, card.queue_lag) == (0, False, 0, 0.0)
    assert card.send_budget == 1.0


def test_many_cards_ask_redis_once(bot: Bot, monkeypatch: pytest.MonkeyPatch):
    asked = []
    pipeline = type(quick()).pipeline
    monkeypatch.setattr(
        type(quick()), "pipeline", lambda self, **kwargs: asked.append(1) or pipeline(self, **kwargs)
    )
    assert [card.send_budget for card in health.cards([bot] * 30)] == [1.0] * 30
    assert len(asked) == 1


def test_today_begins_at_the_tenants_midnight(bot: Bot, cast: Cast, monkeypatch: pytest.MonkeyPatch):
    noon = now().replace(hour=4, minute=0, second=0, microsecond=0)  # 12:00 in Shanghai
    monkeypatch.setattr("app.core.clock.now", lambda: noon)
    for hours, handled in ((-13, 100), (-12, 5), (-1, 7)):
        db.session.add(
            BotHour(
                tenant_id=cast.tenant.id,
                bot_id=bot.id,
                hour=noon + timedelta(hours=hours),
                handled=handled,
                failed=1,
            )
        )
    db.session.commit()
    card = health.card(reload(bot))
    assert (card.updates_today, card.failed_today) == (12, 2)


def test_a_stopped_bot_says_so_and_offers_a_start(bot: Bot):
    with transaction():
        bots.set_enabled(bot.id, False)
    assert health.card(reload(bot)).repair is Repair.START


def test_a_revoked_token_is_found_by_the_check(bot: Bot, telegram: Sandbox, shop: Json):
    telegram.revoke(shop)
    card = health.card(check(bot))
    assert (card.state, card.repair) == (BotState.REVOKED, Repair.NEW_TOKEN)
    assert [incident.problem for incident in card.incidents] == [Problem.REVOKED]


def test_a_foreign_webhook_is_named_by_its_host_only(bot: Bot, telegram: Sandbox, shop: Json):
    telegram.api(shop, "setWebhook", url="http://localhost:9/secret/path")
    card = health.card(check(bot))
    assert (card.state, card.webhook_host, card.webhook_ours) == (BotState.CONFLICT, "localhost", False)
    assert card.reading.params == {"host": "localhost"}
    assert "secret" not in repr(card)


def test_a_bot_that_two_read_by_turns_does_not_look_well(bot: Bot):
    with transaction():
        bots.report_failure(bot.id, 409, "Conflict: terminated by other getUpdates request")
        bots.report_ok(bot.id)
    card = health.card(reload(bot))
    assert (card.state, card.well) == (BotState.RUNNING, False)
    assert card.reading.problem is Problem.CONFLICT


def test_what_waits_at_telegram_is_counted(bot: Bot, telegram: Sandbox, shop: Json):
    telegram.say(shop, LIN, "/start")
    assert health.card(check(bot)).pending_updates == 1


def test_a_webhook_that_telegram_cannot_reach_is_an_incident_and_ends_by_itself(
    hooked: Bot, telegram: Sandbox, shop: Json
):
    info = telegram_complains("Connection refused", pending=3)
    record(hooked, info)
    assert kinds() == [Problem.WEBHOOK]
    assert health.card(reload(hooked)).repair is Repair.REGISTER_WEBHOOK
    record(hooked, telegram_complains("Connection refused", pending=0))
    assert kinds() == []
    assert health.card(reload(hooked)).well


def test_a_webhook_with_a_wrong_secret_is_registered_again(hooked: Bot):
    record(hooked, telegram_complains("Wrong response from the webhook: 403 Forbidden", pending=1))
    assert reload(hooked).webhook_generation is None
    db.session.execute(update(Bot).values(apply_until=None))
    with transaction():
        assert bots.sweep() == 1


def test_our_webhook_that_we_forgot_is_taken_away_from_a_polled_bot(
    hooked: Bot, telegram: Sandbox, shop: Json
):
    db.session.execute(update(Bot).values(mode=Mode.POLLING, webhook_set_at=None, apply_until=None))
    db.session.commit()
    check(hooked)
    with transaction():
        job = bots.claim(hooked.id)
    done = bots.perform(job)
    with transaction():
        bots.complete(done)
    assert telegram.api(shop, "getWebhookInfo")["result"]["url"] == ""


def test_an_answer_about_an_old_token_is_dropped(bot: Bot, telegram: Sandbox, shop: Json):
    telegram.revoke(shop)
    answer = health.ask(health.question(reload(bot)))
    with transaction():
        bots.set_enabled(bot.id, True)
    with transaction():
        health.record(answer)
    assert reload(bot).state is BotState.STARTING


def test_each_bot_gets_its_turn_once_and_unwell_ones_sooner(cast: Cast):
    for number in range(5):
        db.session.add(
            Bot(
                tenant_id=cast.tenant.id,
                telegram_id=1000 + number,
                token="x",
                token_fingerprint=str(number),
                state=BotState.RUNNING if number else BotState.UNREACHABLE,
                health_at=now() - timedelta(minutes=2),
            )
        )
    db.session.commit()
    with transaction():
        assert [asked.bot_id for asked in health.claim_due()] == [
            db.session.scalar(select(Bot.id).where(Bot.state == BotState.UNREACHABLE))
        ]
    db.session.execute(update(Bot).values(health_at=now() - timedelta(minutes=11)))
    db.session.commit()
    with transaction():
        first = health.claim_due(limit=3)
    with transaction():
        second = health.claim_due(limit=3)
    assert (len(first), len(second)) == (3, 2)
    assert not {asked.bot_id for asked in first} & {asked.bot_id for asked in second}


def test_a_bot_that_backs_off_is_not_asked(bot: Bot):
    with transaction():
        bots.report_failure(bot.id, 401, "Unauthorized")
    db.session.execute(update(Bot).values(health_at=None))
    db.session.commit()
    with transaction():
        assert health.claim_due() == []


def test_the_button_makes_it_try_at_once(bot: Bot):
    with transaction():
        bots.report_failure(bot.id, 0, "timeout")
    with transaction():
        health.retry_now(bot.id)
    assert reload(bot).retry_at is None


def telegram_complains(text: str, pending: int):
    return lambda bot: WebhookInfo(bot.webhook_url, pending, text, now() + timedelta(seconds=1))


def record(bot: Bot, info) -> None:
    fresh = reload(bot)
    with transaction():
        health.record(health.Answer(health.question(fresh), info(fresh)))
