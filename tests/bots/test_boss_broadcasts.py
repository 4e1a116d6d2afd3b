"""A broadcast from the chat: words, audience, one confirmation, how far it is; sent once however often it is pressed."""

import pytest
from flask import Flask

from app.core.db import db
from app.domain.broadcasts import BroadcastState
from app.domain.people import Role
from app.models import Broadcast
from tests.bots.boss_talk import change, data_of, full, link, records
from tests.bots.lottery_talk import alert
from tests.broadcasting import Shop, add_members
from tests.cast import Cast
from tests.fulfilling import paid
from tests.lottery_tools import enter
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.shopping import a_product
from tests.talking import Talk, give, make_bot, message, press


@pytest.fixture(autouse=True)
def boss(in_a_hurry: None, talk: Talk, cast: Cast) -> None:
    link(cast.owner)
    talk.say("/start", WANG)
    talk.say("/admin")


def kept() -> list[Broadcast]:
    db.session.rollback()
    return db.session.query(Broadcast).order_by(Broadcast.id).populate_existing().all()


def written(talk: Talk, words: str = "News!") -> list[str]:
    talk.press("📣 Broadcast")
    return talk.say(words)


def started(talk: Talk) -> Broadcast:
    written(talk)
    talk.press("Everybody: 2")
    talk.press("📣 Yes, send it now (2)")
    return kept()[0]


def test_it_is_shown_as_it_will_look_then_sent_to_whom_he_chose(app: Flask, talk: Talk):
    preview, choice = written(talk, "Half price today!\nCome in.")
    assert preview == "Half price today!\nCome in."
    assert "Who shall get it" in choice
    assert [one.state for one in kept()] == [BroadcastState.DRAFT]
    assert "get it: 2" in talk.press("Everybody: 2")
    assert "Being sent" in talk.press("📣 Yes, send it now (2)")
    Shop(app, talk.telegram, talk.bot, talk.config, 0).send()
    assert talk.texts(WANG)[-1] == "Half price today!\nCome in."
    talk.press("🔄 0%")
    assert any("Sent to all" in one and "Delivered: 2" in one for one in talk.texts())
    assert {one.actor_name for one in records("broadcast.started")} == {"owner@a.example"}


def test_each_audience_has_its_size(talk: Talk, cast: Cast, opened):
    paid(a_product(cast.tenant), WANG)
    enter(opened(), LIN, WANG, 77)
    written(talk)
    assert talk.labels()[:4] == [
        "Everybody: 2",
        "Buyers: 1",
        "Active in 30 days: 2",
        "In the latest lottery: 2",
    ]
    talk.press("Buyers: 1")
    talk.press("📣 Yes, send it now (1)")
    assert kept()[0].audience == {"kind": "buyers", "value": ""}


def test_an_audience_of_nobody_offers_no_button(talk: Talk):
    written(talk)
    assert "Choose others" in talk.press("Buyers: 0")
    assert talk.labels() == ["« Back"]
    assert "Who shall get it" in talk.press("« Back")


def test_pressing_send_twice_sends_once(talk: Talk):
    broadcast = started(talk)
    give(talk.config, callback_query=press(f"1:adnewsgo:{broadcast.id}:all"))
    assert len(kept()) == len(records("broadcast.started")) == 1
    assert "Being sent" in talk.texts()[-1]


def test_the_same_words_again_go_on_with_the_draft_that_is_there(talk: Talk):
    written(talk)
    talk.press("✏️ Write it anew")
    talk.say("News!")
    assert len(kept()) == 1


def test_he_pauses_resumes_and_stops_it(talk: Talk):
    started(talk)
    data = data_of(talk, "⏸ Pause")
    assert "Paused" in talk.press("⏸ Pause")
    give(talk.config, callback_query=press(data))
    assert "Being sent" in talk.press("▶️ Resume")
    assert "for good?" in talk.press("🚫 Cancel")
    assert "Cancelled" in talk.press("🚫 Yes, stop it")
    assert [one.state for one in kept()] == [BroadcastState.CANCELLED]
    assert len(records("broadcast.paused")) == 1


def test_what_is_being_sent_stands_on_a_button(talk: Talk):
    started(talk)
    talk.press("« Back")
    talk.press("📣 Broadcast")
    assert "Still to come" in talk.press(full(talk, "Being sent · News!"))


def test_something_that_is_no_text_and_what_is_too_long_is_refused(talk: Talk):
    talk.press("📣 Broadcast")
    give(talk.config, message=_photo())
    assert "as a text message" in talk.texts()[-1]
    assert "up to 4096" in talk.say("👍" * 2049)[-1]
    assert kept() == []
    assert "Who shall get it" in talk.say("short")[-1]


def test_who_lost_his_role_sends_nothing_and_writes_nothing(talk: Talk, cast: Cast):
    written(talk)
    talk.press("Everybody: 2")
    change(cast.owner, role=Role.SUPPORT)
    assert "does not allow" in alert(talk, "📣 Yes, send it now (2)")["text"]
    assert [one.state for one in kept()] == [BroadcastState.DRAFT]
    change(cast.owner, role=Role.OWNER)
    talk.say("/admin")
    talk.press("📣 Broadcast")
    change(cast.owner, role=Role.SUPPORT)
    assert "does not allow" in talk.say("More news!")[0]
    assert len(kept()) == 1


def test_broadcasts_of_another_tenant_are_none(talk: Talk, cast: Cast, telegram: Sandbox, app: Flask):
    theirs = Shop(app, telegram, *make_bot(telegram, cast.other_tenant), 0)
    add_members(theirs.config, range(900, 903))
    draft = theirs.broadcast()
    for data in ("adnewsgo:%s:all", "adnewsdo:%s:cancel:yes", "adnewsat:%s", "adnewsto:%s:all"):
        give(talk.config, callback_query=press("1:" + data % draft.id))
    assert kept()[0].state is BroadcastState.DRAFT


def _photo() -> dict[str, object]:
    payload = message("")
    del payload["text"]
    return {**payload, "photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]}
