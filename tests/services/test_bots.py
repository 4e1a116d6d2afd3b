"""Managing bots: what a token must be, who may have which bot, what stays when a token changes."""

import pytest
from sqlalchemy import select

from app.core.bells import Bell, Listener
from app.core.db import db
from app.core.errors import NotFound
from app.core.tenancy import tenant_scope
from app.domain.bots import BotState, find_token, host_of, is_our_webhook, webhook_path
from app.domain.plans import Plan
from app.models import AuditEvent, Bot
from app.services import bots
from tests.cast import Cast
from tests.managing import add, apply, do, reload
from tests.sandbox_client import Json, Sandbox

TOKEN = "123456789:AAEabcdefghijklmnopqrstuvwxyz012345"


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


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://Other.example:8443/x", "other.example"), ("https://[x", ""), ("no address", ""), (None, "")],
)
def test_somebody_elses_webhook_may_stand_anywhere(url: str | None, host: str):
    assert host_of(url) == host
    assert not is_our_webhook(url or "", "id")
    assert is_our_webhook(f"https://old-host.example{webhook_path('id')}", "id")


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
