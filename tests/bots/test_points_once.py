"""A transfer of credits happens once or not at all: presses, deaths, forgeries, and what changes meanwhile."""

import pytest
from flask import Flask

from app.core.db import db
from app.core.queue import transaction
from app.core.redis import quick
from app.models import CreditPosting
from app.services.tenant_data import erase_member
from bots.conversations import points_transfer
from tests.bots.boss_talk import data_of, press_twice
from tests.bots.points_talk import GIVE, NO, YES, allow, asks, confirms, credited, has, sent, told
from tests.cast import Cast
from tests.sandbox_client import WANG, Sandbox
from tests.talking import Talk, give, make_bot, press

pytestmark = pytest.mark.usefixtures("in_a_hurry", "may_give")


def test_pressed_twice_at_once_it_moves_once(talk: Talk, app: Flask):
    asks(talk)
    press_twice(app, talk, data_of(talk, YES))
    assert (has(talk), has(talk, WANG), sent(talk), len(told(talk))) == (70, 30, 1, 1)


def test_pressed_again_later_it_shows_the_first(talk: Talk):
    asks(talk)
    data = confirms(talk)
    credited(talk, 500)
    give(talk.config, callback_query=press(data))
    assert "Your balance: 70" in talk.texts()[-1]
    assert sent(talk) == 1


def test_a_death_after_the_commit_changes_nothing(talk: Talk, monkeypatch: pytest.MonkeyPatch):
    """The worker dies before it could answer; Telegram's update is handled again."""
    asks(talk)
    pressed = {"update_id": 91, "callback_query": press(data_of(talk, YES))}
    with monkeypatch.context() as patched:
        patched.setattr(points_transfer.Context, "forget", _dies)
        with pytest.raises(RuntimeError):
            give(talk.config, **pressed)
    assert sent(talk) == 1
    give(talk.config, **pressed)
    assert "30 credits went to Wang" in talk.texts()[-1]
    assert (has(talk), sent(talk), len(told(talk))) == (70, 1, 1)


def test_a_death_before_the_commit_leaves_nothing_behind(talk: Talk, monkeypatch: pytest.MonkeyPatch):
    asks(talk)
    pressed = {"update_id": 92, "callback_query": press(data_of(talk, YES))}
    with monkeypatch.context() as patched:
        patched.setattr(points_transfer.giving, "tell", _dies)
        with pytest.raises(RuntimeError):
            give(talk.config, **pressed)
    assert (has(talk), sent(talk)) == (100, 0)
    give(talk.config, **pressed)
    assert (has(talk), sent(talk)) == (70, 1)


def _dies(*_: object) -> None:
    raise RuntimeError("the worker dies")


@pytest.mark.parametrize("ends", ["/cancel", "/start", NO, "redis"])
def test_what_was_ended_sends_nothing(talk: Talk, ends: str):
    asks(talk)
    data = data_of(talk, YES)
    if ends == "redis":
        quick().flushall()
    elif ends == NO:
        talk.press(NO)
    else:
        talk.say(ends)
    give(talk.config, callback_query=press(data))
    assert sent(talk) == 0


def test_the_button_of_an_older_page_sends_nothing(talk: Talk):
    asks(talk, amount="90")
    old = data_of(talk, YES)
    asks(talk, amount="5")
    give(talk.config, callback_query=press(old))
    assert sent(talk) == 0
    confirms(talk)
    assert has(talk) == 95


@pytest.mark.parametrize("word", ["ptok:{}", "ptnote:{}"])
def test_a_stranger_presses_his_button_in_vain(talk: Talk, word: str):
    asks(talk)
    nonce = data_of(talk, YES).rpartition(":")[2]
    for done in (False, True):
        if done:
            confirms(talk)
        before = len(talk.texts(WANG))
        give(talk.config, callback_query=press(f"1:{word.format(nonce)}", user=WANG))
        assert (has(talk, WANG), len(talk.texts(WANG))) == (30 * done, before)


@pytest.mark.parametrize(
    "word", ["ptok", "ptok:x", "ptok:" + "0" * 16, "ptok:" + "F" * 16, "ptnote:1", "ptok:1:2"]
)
def test_forged_buttons_do_nothing(talk: Talk, word: str):
    asks(talk)
    before = len(talk.texts())
    assert give(talk.config, callback_query=press(f"1:{word}"))
    assert (sent(talk), len(talk.texts())) == (0, before)


def test_the_button_of_one_bot_means_nothing_in_another(telegram: Sandbox, talk: Talk, cast: Cast):
    """Two bots of one tenant: what is open in one chat is not confirmed in the other."""
    second = Talk(telegram, *make_bot(telegram, cast.tenant))
    asks(talk)
    data = data_of(talk, YES)
    give(second.config, callback_query=press(data))
    assert sent(talk) == 0
    confirms(talk)
    give(second.config, callback_query=press(data))
    assert "Your balance: 70" in second.texts()[-1]
    assert sent(talk) == 1


# --- what changes meanwhile


def test_the_boss_turns_it_off_meanwhile(talk: Talk):
    asks(talk)
    allow(talk, transfers=False)
    confirms(talk)
    assert "turned off here.\n\nNothing was transferred." in talk.texts()[-1]
    assert has(talk) == 100


def test_it_is_turned_off_while_he_writes(talk: Talk):
    talk.say("/points")
    talk.press(GIVE)
    allow(talk, transfers=False)
    assert "turned off" in talk.say(str(WANG))[0]
    assert "did not understand" in talk.say(str(WANG))[0]


def test_the_credits_are_spent_meanwhile(talk: Talk):
    asks(talk)
    credited(talk, -80)
    confirms(talk)
    assert "20 can be taken.\n\nNothing was transferred." in talk.texts()[-1]
    assert (has(talk), has(talk, WANG)) == (20, 0)


def test_the_receiver_is_erased_meanwhile(talk: Talk):
    asks(talk)
    with transaction():
        erase_member(talk.config.tenant_id, WANG)
    confirms(talk)
    assert "Nothing was transferred." in talk.texts()[-1]
    assert has(talk) == 100


def test_who_was_erased_stands_in_nobodys_history(talk: Talk):
    asks(talk)
    confirms(talk)
    with transaction():
        erase_member(talk.config.tenant_id, WANG)
    assert "-30\n   Transfer to somebody" in talk.say("/points")[0]
    rows = db.session.query(CreditPosting.reference, CreditPosting.reason).all()
    assert not any(str(WANG) in " ".join(row) for row in rows)
