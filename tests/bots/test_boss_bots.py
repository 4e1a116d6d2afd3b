"""Pausing a bot from the chat and bringing it back from another one."""

import pytest

from app.core.db import db
from app.models import Bot
from tests.bots.boss_talk import data_of, demote, full, link, records
from tests.cast import Cast
from tests.lottery_tools import a_bot
from tests.sandbox_client import Sandbox
from tests.talking import Talk, config_of, give, make_bot, press


@pytest.fixture(autouse=True)
def boss(in_a_hurry: None, talk: Talk, cast: Cast) -> None:
    link(cast.owner)
    talk.say("/admin")
    talk.press("⏸ Pause or resume a bot")


def enabled(bot_id: int) -> bool:
    db.session.rollback()
    return db.session.get_one(Bot, bot_id, populate_existing=True).enabled


def test_the_bot_says_what_it_means_and_pauses_itself(talk: Talk):
    asked = talk.press(f"⏸ Pause @{talk.config.username}")
    assert "can't hear you" in asked
    assert "on the page" in asked
    assert enabled(talk.config.id)
    data = data_of(talk, "Yes, pause")
    assert "is paused" in talk.press("⏸ Yes, pause it")
    give(talk.config, callback_query=press(data))
    assert not enabled(talk.config.id)
    assert [one.actor_name for one in records("bot.stopped")] == ["owner@a.example"]
    assert not give(config_of(talk.config.id), callback_query=press(data))


def test_another_bot_of_his_brings_it_back(talk: Talk, cast: Cast, telegram: Sandbox):
    other = Talk(telegram, *make_bot(telegram, cast.tenant))
    asked = talk.press(f"⏸ Pause @{talk.config.username}")
    assert f"/admin in @{other.config.username}" in asked
    talk.press("⏸ Yes, pause it")
    other.say("/admin")
    other.press("⏸ Pause or resume a bot")
    assert f"⏸ Pause @{talk.config.username}" in other.press(f"▶️ Resume @{talk.config.username}").replace(
        "▶️ ", "⏸ Pause "
    )
    assert enabled(talk.config.id)
    assert len(records("bot.started")) == 1


def test_who_lost_his_role_pauses_nothing(talk: Talk, cast: Cast):
    talk.press(f"⏸ Pause @{talk.config.username}")
    demote(cast.owner)
    talk.press("⏸ Yes, pause it")
    assert enabled(talk.config.id)


def test_a_bot_of_another_tenant_runs_on(talk: Talk, cast: Cast):
    theirs = a_bot(cast.other_tenant, 7)
    give(talk.config, callback_query=press(f"1:adpause:{theirs.id}:yes"))
    assert enabled(theirs.id)


def test_back_leads_back(talk: Talk):
    talk.press(f"⏸ Pause @{talk.config.username}")
    assert "Your bots" in talk.press("« Back")
    assert full(talk, "⏸ Pause")
    assert "State: running" in talk.press("« Back")
