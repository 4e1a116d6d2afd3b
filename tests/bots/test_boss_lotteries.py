"""A new lottery from the chat: from a template of the boss's or one of ours, confirmed, published once."""

from datetime import timedelta

import pytest
from flask import Flask

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.lotteries import LotteryState
from app.models import Lottery, LotteryTemplate
from app.services.lotteries import templates
from tests.bots.boss_talk import data_of, demote, link, press_twice, records
from tests.bots.lottery_talk import urls
from tests.cast import Cast
from tests.lottery_tools import a_bot
from tests.talking import Talk, give, press

BODY = {"title": "Friday draw", "prizes": [{"name": "Mug", "quantity": 2}]}


@pytest.fixture(autouse=True)
def boss(in_a_hurry: None, talk: Talk, cast: Cast) -> None:
    link(cast.owner)
    talk.say("/admin")


@pytest.fixture
def template(talk: Talk, cast: Cast) -> LotteryTemplate:
    with transaction():
        return templates.create(cast.tenant.id, talk.config.id, "Every Friday", BODY, 60)


def made() -> list[Lottery]:
    db.session.rollback()
    return db.session.query(Lottery).order_by(Lottery.id).all()


def test_a_template_of_his_own_becomes_a_lottery(talk: Talk, template: LotteryTemplate):
    talk.press("🎁 New lottery")
    assert "How long" in talk.press("Every Friday")
    asked = talk.press("3 days")
    assert "“Friday draw”\n🎁 Mug × 2" in asked
    said = talk.press("✅ Publish")
    (lottery,) = made()
    assert f"https://t.me/{talk.config.username}?start=l_{lottery.code}" in said
    assert urls(talk)["📨 Share it"].startswith("https://t.me/share/url?url=https%3A%2F%2Ft.me%2F")
    assert (lottery.state, lottery.template_id) == (LotteryState.OPEN, template.id)
    assert timedelta(days=2, hours=23) < lottery.closes_at - clock.now() < timedelta(days=3)
    assert {one.actor_name for one in records("lottery.opened")} == {"owner@a.example"}
    assert "Friday draw" in talk.press("👀 Look at it")


def test_pressing_publish_twice_makes_one_lottery(talk: Talk):
    talk.press("🎁 New lottery")
    talk.press("Quick draw")
    talk.press("1 day")
    data = data_of(talk, "✅ Publish")
    first = talk.press("✅ Publish")
    give(talk.config, callback_query=press(data))
    (lottery,) = made()
    assert talk.texts()[-1] == first
    assert lottery.title == "Thank-you draw for everybody"


def test_who_has_no_template_gets_ours_and_only_those_that_need_nothing(talk: Talk):
    assert "some of ours" in talk.press("🎁 New lottery")
    assert talk.labels() == [
        "Quick draw",
        "Friends bring friends",
        "Draw when full",
        "Draw for credits",
        "« Back",
    ]
    talk.press("Draw when full")
    assert "How long" in talk.texts()[-1]
    assert "some of ours" in talk.press("« Back")


def test_every_preset_that_is_offered_can_be_published(talk: Talk):
    for key in ("quick", "friends", "full", "credits"):
        give(talk.config, callback_query=press(f"1:adlotgo:p{key}:7:n{key}"))
    assert [one.state for one in made()] == [LotteryState.OPEN] * 4


def test_who_lost_his_role_before_the_last_press_publishes_nothing(talk: Talk, cast: Cast):
    talk.press("🎁 New lottery")
    talk.press("Quick draw")
    talk.press("1 day")
    demote(cast.owner)
    talk.press("✅ Publish")
    assert made() == []


@pytest.mark.parametrize(
    "source", ["t999:1", "tx:1", "t:1", "pchannel:1", "pnone:1", "x:1", "pquick:2", "pquick:0"]
)
def test_forged_choices_make_nothing(talk: Talk, source: str):
    give(talk.config, callback_query=press(f"1:adlotgo:{source}:ab"))
    assert made() == []


def test_a_template_of_another_tenant_is_none(talk: Talk, cast: Cast):
    theirs = a_bot(cast.other_tenant, 7)
    with transaction():
        template = templates.create(cast.other_tenant.id, theirs.id, "Theirs", BODY, 60)
    talk.press("🎁 New lottery")
    assert "Theirs" not in talk.labels()
    give(talk.config, callback_query=press(f"1:adlot:t{template.id}"))
    give(talk.config, callback_query=press(f"1:adlotgo:t{template.id}:1:ab"))
    assert made() == []


def test_a_template_of_a_bot_that_does_not_run_publishes_nothing(talk: Talk, cast: Cast):
    stopped = a_bot(cast.tenant, 8)
    with transaction():
        template = templates.create(cast.tenant.id, stopped.id, "Asleep", BODY, 60)
        stopped.enabled = False
    give(talk.config, callback_query=press(f"1:adlotgo:t{template.id}:1:ab"))
    assert made() == []


def test_two_presses_at_the_same_moment_make_one_lottery(app: Flask, talk: Talk):
    press_twice(app, talk, "1:adlotgo:pquick:1:ab")
    assert len(made()) == 1
