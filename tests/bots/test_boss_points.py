"""The boss looks up a member's credits in the chat, and gives or takes some with a reason, once."""

import pytest
from flask import Flask

from app.core.db import db
from app.models import Member
from tests.bots.boss_talk import data_of, demote, link, press_twice, records
from tests.bots.points_talk import credited, has
from tests.cast import Cast
from tests.sandbox_client import LIN, WANG
from tests.talking import Talk, give, make_bot, message, press

pytestmark = pytest.mark.usefixtures("in_a_hurry", "may_give")
CREDITS, GIVES, TAKES = "💰 Credits", "🎁 Give credits", "↩️ Take credits"


@pytest.fixture(autouse=True)
def boss(talk: Talk, cast: Cast) -> None:
    link(cast.owner)


def opens(talk: Talk, whom: str = "@wang_da") -> str:
    """The boss opens the page of a member."""
    talk.say("/admin")
    talk.press(CREDITS)
    return talk.say(whom)[0]


def asks(talk: Talk, deed: str, amount: str, reason: str = "For the delay") -> str:
    opens(talk)
    talk.press(deed)
    talk.say(amount)
    return talk.say(reason)[0]


def test_a_member_is_found_with_balance_and_latest_postings(talk: Talk):
    credited(talk, 40, WANG, reason="Welcome")
    for whom in ("@wang_da", str(WANG)):
        page = opens(talk, whom)
        assert page.startswith("👤 Wang\nhttps://t.me/wang_da\n\nBalance: 40 credits")
        assert "+40\n   Welcome · by the shop" in page
    assert "don't know this person" in opens(talk, "@nobody_here")


def test_credits_are_given_with_a_reason_and_recorded_without_it(talk: Talk):
    asked = asks(talk, GIVES, "1,000")
    assert "Credits: +1,000\nReason: For the delay\nBalance afterwards: 1,000" in asked
    assert "The balance is now 1,000" in talk.press("✅ Yes, give 1,000")
    assert "+1,000\n   For the delay · by the shop" in talk.say("/points", WANG)[0]
    (record,) = records("credits.given")
    assert (record.actor_name, record.changes["amount"]) == ("owner@a.example", 1000)
    assert "delay" not in str(record.changes)


def test_taking_goes_as_far_as_there_is(talk: Talk):
    credited(talk, 40, WANG)
    opens(talk)
    talk.press(TAKES)
    assert "40 can be taken" in talk.say("41")[0]
    talk.say("40")
    talk.say("A mistake")
    credited(talk, -10, WANG)
    assert "30 can be taken" in talk.press("✅ Yes, take 40")
    assert has(talk, WANG) == 30


def test_two_presses_at_once_and_one_later_count_once(talk: Talk, app: Flask):
    asks(talk, GIVES, "50")
    data = data_of(talk, "Yes, give")
    press_twice(app, talk, data)
    give(talk.config, callback_query=press(data))
    assert has(talk, WANG) == 50
    assert len(records("credits.given")) == 1


def test_going_back_ends_the_question(talk: Talk):
    asks(talk, GIVES, "50")
    data = data_of(talk, "Yes, give")
    talk.press("« Back")
    give(talk.config, callback_query=press(data))
    assert has(talk, WANG) == 0


def test_a_right_taken_away_meanwhile_gives_nothing(talk: Talk, cast: Cast):
    asks(talk, GIVES, "50")
    demote(cast.owner)
    talk.press("✅ Yes, give 50")
    assert has(talk, WANG) == 0


def test_support_is_not_offered_it(talk: Talk, cast: Cast):
    link(cast.owner, 1)
    link(cast.staff)
    talk.say("/admin")
    assert CREDITS not in talk.labels()


def test_a_member_of_another_tenant_is_nobody(talk: Talk, cast: Cast, telegram):
    _, theirs = make_bot(telegram, cast.other_tenant)
    give(theirs, message=message("hello", user=LIN))
    number = db.session.query(Member).filter_by(tenant_id=cast.other_tenant.id).one().id
    before = talk.texts()
    for word in (f"adptm:{number}", f"adptgo:{number}:give", "adptgo:1:burn"):
        assert give(talk.config, callback_query=press(f"1:{word}"))
    assert talk.texts() == before
