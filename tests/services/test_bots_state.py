"""Facts about bots, and failures in plain words."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.bells import Bell, Listener
from app.core.clock import now
from app.core.db import db
from app.domain.bot_health import Problem, Repair, read_failure, read_webhook_error
from app.domain.bots import BotState, Mode, backoff
from app.models import BotAlert
from app.services import bots
from tests.cast import Cast
from tests.managing import add, do, reload
from tests.sandbox_client import Json, Sandbox


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
