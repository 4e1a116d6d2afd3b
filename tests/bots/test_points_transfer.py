"""A member gives credits to another in the chat: found, confirmed, moved once, and told."""

from threading import Event

import pytest
from sqlalchemy import update

from app.core.db import db
from app.core.queue import transaction
from app.models import CreditAccount, Member
from app.services import members
from bots import giving
from bots.telegram.outbox import flush
from tests.bots.lottery_talk import alert
from tests.bots.points_talk import GIVE, NOTE, allow, asks, confirms, credited, has, sent, told
from tests.cast import Cast
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.talking import Talk, give, make_bot, message

pytestmark = pytest.mark.usefixtures("in_a_hurry", "may_give")
MEI = 7300


def known(talk: Talk, **values: object) -> None:
    with transaction():
        db.session.execute(update(Member).where(Member.telegram_id == WANG).values(values))
    members.forget()


# --- from the button to the word


def test_from_the_button_to_both_histories(talk: Talk):
    assert "Receiver: Wang\nCredits: 30\nYour balance afterwards: 70" in asks(talk, "@wang_da")
    confirms(talk)
    assert "30 credits went to Wang.\n\nYour balance: 70" in talk.texts()[-1]
    assert (has(talk), has(talk, WANG)) == (70, 30)
    assert "-30\n   Transfer to Wang" in talk.press("💰 My credits")
    assert "+30\n   Transfer from Lin" in talk.say("/points", WANG)[0]


def test_the_receiver_is_told_in_his_language_with_the_note(talk: Talk):
    known(talk, locale="zh_Hans_CN")
    asks(talk)
    talk.press(NOTE)
    assert "Note: For the tea" in talk.say(" For the\ntea ")[0]
    confirms(talk)
    flush(talk.config, Event())
    word = talk.texts(WANG)[-1]
    assert "For the tea" in word
    assert "积分" in word
    assert "Transfer to Wang · “For the tea”" in talk.say("/points")[0]


def test_who_blocks_the_bot_gets_the_credits_and_no_word(talk: Talk):
    with transaction():
        members.mark_blocked(talk.config.tenant_id, talk.config.id, WANG)
    asks(talk)
    confirms(talk)
    assert has(talk, WANG) == 30
    assert told(talk) == []


def test_the_word_comes_by_the_bot_he_talks_with(telegram: Sandbox, talk: Talk, cast: Cast):
    second = Talk(telegram, *make_bot(telegram, cast.tenant))
    asks(second)
    confirms(second)
    assert [one.bot_id for one in told(talk)] == [talk.config.id]


# --- to whom


@pytest.mark.parametrize(
    "words", ["@WANG_DA", "wang_da", "https://t.me/wang_da", "t.me/wang_da?start=x", str(WANG), f" {WANG} "]
)
def test_whom_he_may_write(talk: Talk, words: str):
    talk.say("/points")
    talk.press(GIVE)
    assert talk.say(words)[0].startswith("Receiver: Wang\n")


@pytest.mark.parametrize(
    "shown",
    [
        {"contact": {"phone_number": "1", "first_name": "W", "user_id": WANG}},
        {
            "forward_origin": {
                "type": "user",
                "date": 1,
                "sender_user": {"id": WANG, "is_bot": False, "first_name": "W"},
            }
        },
    ],
)
def test_a_contact_or_a_forwarded_message_names_him(talk: Talk, shown: dict):
    talk.say("/points")
    talk.press(GIVE)
    give(talk.config, message=message("12345", **shown))
    assert talk.texts()[-1].startswith("Receiver: Wang\n")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("@nobody_here", "don't know this person"),
        ("999999999", "don't know this person"),
        ("999999999999999999", "don't know this person"),
        (str(LIN), "yourself"),
        ("@shop_bot", "This is a bot"),
        ("my friend Wang", "can't tell whom"),
        ("0", "can't tell whom"),
        ("-5", "can't tell whom"),
        ("https://example.com/wang_da", "can't tell whom"),
    ],
)
def test_whom_he_may_not_write_and_may_then_write_anew(talk: Talk, words: str, answer: str):
    talk.say("/points")
    talk.press(GIVE)
    assert answer in talk.say(words)[0]
    assert talk.say(str(WANG))[0].startswith("Receiver: Wang")


def test_a_forwarded_bot_and_a_hidden_person_are_refused(talk: Talk):
    talk.say("/points")
    talk.press(GIVE)
    bot = {"type": "user", "date": 1, "sender_user": {"id": 5, "is_bot": True, "first_name": "B"}}
    hidden = {"type": "hidden_user", "date": 1, "sender_user_name": "Wang"}
    for origin, answer in ((bot, "This is a bot"), (hidden, "hides in forwarded")):
        give(talk.config, message=message("x", forward_origin=origin))
        assert answer in talk.texts()[-1]


def test_a_username_that_two_have_had_is_nobodys(talk: Talk):
    talk.telegram.post("users", id=MEI, first_name="Mei", username="Wang_da", language_code="en")
    talk.say("hello", MEI)
    talk.say("/points")
    talk.press(GIVE)
    assert "Several people" in talk.say("@wang_da")[0]


def test_members_of_another_tenant_are_unknown(telegram: Sandbox, talk: Talk, cast: Cast):
    theirs = Talk(telegram, *make_bot(telegram, cast.other_tenant))
    telegram.post("users", id=MEI, first_name="Mei", username="mei_mei", language_code="en")
    theirs.say("hello", MEI)
    talk.say("/points")
    talk.press(GIVE)
    for words in ("@mei_mei", str(MEI)):
        assert "don't know this person" in talk.say(words)[0]


def test_nothing_but_the_shown_name_is_told(talk: Talk):
    known(talk, first_name="\u2800", last_name="")
    credited(talk, 5555, WANG)
    said = asks(talk)
    assert "Receiver: somebody\n" in said
    assert not any(secret in said for secret in (str(WANG), "wang_da", "5,555"))


def test_nobody_tries_numbers_to_see_who_is_there(talk: Talk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(giving, "LOOKUPS", 2)
    talk.say("/points")
    talk.press(GIVE)
    talk.say("999999991")
    talk.say("999999992")
    assert "looked for many people" in talk.say(str(WANG))[0]


# --- how many


@pytest.mark.parametrize(
    "amount", ["50", "\N{FULLWIDTH DIGIT FIVE}0", " 50 ", "50积分", "50 个积分", "50 credits", "0050"]
)
def test_an_amount_may_be_written_as_people_do(talk: Talk, amount: str):
    assert "Credits: 50\n" in asks(talk, amount=amount)


@pytest.mark.parametrize(
    ("amount", "answer"),
    [
        ("101", "100 can be taken"),
        ("1,000", "100 can be taken"),
        ("9" * 30, "whole number"),
        ("0", "whole number"),
        ("-5", "whole number"),
        ("1.5", "whole number"),
        ("1e2", "whole number"),
        ("all", "whole number"),
        ("", "whole number"),
    ],
)
def test_a_refused_amount_can_be_written_anew(talk: Talk, amount: str, answer: str):
    assert answer in asks(talk, amount=amount or "\u2800")
    assert "Credits: 30\n" in talk.say("30")[0]


def test_todays_limit_is_told_and_kept(talk: Talk):
    allow(talk, daily=40)
    asks(talk)
    confirms(talk)
    assert "10 are left for today" in asks(talk, amount="11")
    assert "Today you may give another 10." in talk.texts()[-2]
    assert "Credits: 10" in talk.say("10")[0]


def test_an_overdraft_is_not_given_away(talk: Talk):
    with transaction():
        db.session.execute(update(CreditAccount).values(floor=-500))
    assert "100 can be taken" in asks(talk, amount="101")


def test_who_has_nothing_is_asked_nothing(talk: Talk):
    talk.say("/points", WANG)
    assert "0 can be taken" in alert(talk, GIVE, WANG)["text"]
    assert "did not understand" in talk.say("@lin", WANG)[0]


# --- the note


def test_text_instead_of_a_press_is_answered(talk: Talk):
    asks(talk)
    assert "press one of the buttons" in talk.say("yes")[0]
    confirms(talk)
    assert sent(talk) == 1


def test_a_long_note_is_refused_and_an_empty_one_too(talk: Talk):
    asks(talk)
    talk.press(NOTE)
    assert "up to 100 characters; yours has 101" in talk.say("x" * 101)[0]
    give(talk.config, message=message("\u200e"))
    assert "Note: fine" in talk.say("fine")[0]
