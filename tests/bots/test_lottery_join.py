"""Joining a lottery and getting more tickets, by the buttons of its card or of its post in a channel."""

import re

import pytest

from app.core.clock import now
from app.core.db import db
from app.models import Lottery, LotteryInvite, LotteryPost, Member, Membership, OutgoingMessage
from app.services.credits import balance
from app.services.lotteries import blind_chats
from app.services.lotteries.settling import CLAIM
from tests.bots.lottery_talk import JOIN, NEWS, alert, entries, give_credits, urls
from tests.cast import Cast
from tests.joining import join, make_lottery
from tests.sandbox_client import LIN, WANG, Json, Sandbox
from tests.statements import Statements
from tests.talking import Talk, give, make_bot, press

MEMBERS = [{"type": "channel", "chat": NEWS, "title": "News"}]


def test_joining_is_answered_in_an_alert_once_and_for_all(talk: Talk, opened):
    opened()
    talk.say("/start l_LUCKY234")
    answer = alert(talk, JOIN)
    assert "You are in" in answer["text"]
    assert answer["show_alert"]
    assert JOIN not in talk.labels()
    for _ in range(2):
        pressed = press("1:lj:LUCKY234")
        give(talk.config, callback_query=pressed)
    assert entries() == 1
    assert "You are in, with tickets: 1" in talk.say("/start l_LUCKY234")[0]


def test_the_same_press_handled_again_changes_nothing(talk: Talk, opened):
    opened(conditions=[{"type": "credits", "amount": 10}])
    give_credits(talk, 25)
    again = {"update_id": 5, "callback_query": press("1:lj:LUCKY234")}
    for _ in range(3):
        give(talk.config, **again)
    assert entries() == 1
    assert balance(talk.config.tenant_id, LIN) == 15


@pytest.mark.parametrize("word", ["lot", "lj", "ln", "lt", "lb", "lo", "lrec", CLAIM])
def test_no_press_reaches_a_lottery_of_another_tenant(
    talk: Talk, cast: Cast, telegram: Sandbox, opened, word: str
):
    opened(conditions=[{"type": "credits", "amount": 1}])
    give_credits(talk, 25)
    _, foreign = make_bot(telegram, cast.other_tenant)
    make_lottery(foreign.tenant_id, foreign.id, code="THEIRS23", title="Their secret")
    assert give(talk.config, callback_query=press(f"1:{word}:THEIRS23:0:1"))
    assert entries() == 0
    assert balance(talk.config.tenant_id, LIN) == 25
    assert "Their secret" not in str([one.payload for one in db.session.query(OutgoingMessage)])


@pytest.mark.parametrize("data", ["1:lj", f"1:lj:{'A' * 40}", "1:lj:NOSUCH23", "1:lj:'--", "x" * 64])
def test_a_press_that_names_no_lottery_has_expired(talk: Talk, opened, data: str):
    opened()
    assert give(talk.config, callback_query=press(data))
    assert entries() == 0


def test_a_press_from_before_a_restart_still_counts_though_its_answer_comes_too_late(talk: Talk, opened):
    opened()
    too_old = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    talk.telegram.order_error(400, too_old, method="answerCallbackQuery")
    for _ in range(2):
        assert give(talk.config, callback_query=press("1:lj:LUCKY234"))
    assert entries() == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"state": "drawing"}, "takes no more entries"),
        ({"closes_at": now()}, "takes no more entries"),
        ({"state": "cancelled"}, "takes no more entries"),
    ],
)
def test_a_closed_lottery_says_so(talk: Talk, opened, more, said: str):
    lottery = opened()
    talk.say("/start l_LUCKY234")
    for name, value in more.items():
        setattr(lottery, name, value)
    db.session.commit()
    assert said in alert(talk, JOIN)["text"]
    assert entries() == 0


def test_who_is_in_hears_so_also_when_it_has_closed(talk: Talk, opened):
    lottery = opened()
    talk.say("/start l_LUCKY234")
    alert(talk, JOIN)
    lottery.closes_at = now()
    db.session.commit()
    assert alert(talk, "✅ You are in")["text"] == "You have already joined."


def test_a_full_lottery_says_so(talk: Talk, opened):
    lottery = opened(max_entries=1)
    talk.say("/start l_LUCKY234")
    join(lottery, WANG)
    assert alert(talk, JOIN)["text"] == "This lottery is full."


def test_the_missing_channel_is_named_and_the_button_leads_there(talk: Talk, opened, channel: Json):
    opened(conditions=MEMBERS)
    talk.say("/start l_LUCKY234")
    assert urls(talk)["👉 Join the channel News"] == "https://t.me/news_of_a"
    assert alert(talk, JOIN)["text"] == "Please join the channel News first."
    assert "❌ Join the channel News" in talk.labels()
    talk.telegram.set_member(NEWS, LIN)
    assert "You are in" in alert(talk, JOIN)["text"]


def test_by_another_bot_of_the_tenant_the_lotterys_own_looks_into_the_channel(
    talk: Talk, cast: Cast, opened, channel: Json
):
    opened(conditions=MEMBERS)
    other = Talk(talk.telegram, *make_bot(talk.telegram, cast.tenant))
    other.say("/start l_LUCKY234")
    assert alert(other, JOIN)["text"] == "Please join the channel News first."
    talk.telegram.set_member(NEWS, LIN)
    assert "You are in" in alert(other, JOIN)["text"]


@pytest.mark.parametrize("status", ["left", "kicked"])
def test_who_is_not_in_the_channel_any_more_does_not_join(talk: Talk, opened, channel: Json, status: str):
    opened(conditions=MEMBERS)
    talk.telegram.set_member(NEWS, LIN, status)
    talk.say("/start l_LUCKY234")
    assert "first" in alert(talk, JOIN)["text"]
    assert entries() == 0


def test_where_the_bot_cannot_look_the_boss_has_a_problem_and_the_person_hears_kind_words(talk: Talk, opened):
    lottery = opened(conditions=MEMBERS)
    talk.say("/start l_LUCKY234")
    assert "cannot check" in alert(talk, JOIN)["text"]
    assert list(blind_chats.find(lottery.id)) == [NEWS]
    assert entries() == 0


def test_the_boss_is_told_once_that_the_bot_cannot_look(talk: Talk, opened, cast):
    opened(conditions=MEMBERS)
    owner = db.session.query(Membership).filter_by(user_id=cast.owner.id).one()
    owner.telegram_id = WANG
    db.session.commit()
    talk.say("/start", WANG)
    for _ in range(2):
        give(talk.config, callback_query=press("1:lj:LUCKY234"))
    told = db.session.query(OutgoingMessage).one()
    assert told.chat_id == WANG
    assert NEWS in str(told.payload["text"])


def test_a_member_is_asked_for_once_within_thirty_seconds(talk: Talk, opened, channel: Json):
    opened(conditions=MEMBERS)
    opened(code="SECOND23", conditions=MEMBERS)
    talk.telegram.set_member(NEWS, LIN)
    for code in ("LUCKY234", "SECOND23"):
        give(talk.config, callback_query=press(f"1:lj:{code}"))
    assert entries() == 2
    assert len(talk.telegram.calls(talk.bot, "getChatMember")) == 1


def test_friends_come_by_a_link_and_are_counted(talk: Talk, opened):
    opened(conditions=[{"type": "invites", "count": 1}])
    card = talk.say("/start l_LUCKY234")[0]
    assert "❌ Invite friends (0/1 so far)" in talk.labels()
    assert "0 of 1 so far" in alert(talk, JOIN)["text"]
    link = re.search(r"start=(l_LUCKY234_[0-9a-z]+)", card)
    assert "https%3A%2F%2Ft.me%2F" in urls(talk)["❌ Invite friends (0/1 so far)"]
    talk.say(f"/start {link[1]}")
    for _ in range(2):
        talk.say(f"/start {link[1]}", WANG)
    assert db.session.query(LotteryInvite).count() == 1
    talk.say("/start l_LUCKY234")
    assert "✅ Invite friends (1/1 so far)" in talk.labels()
    assert "You are in" in alert(talk, JOIN)["text"]


def test_credits_that_are_missing_are_named(talk: Talk, opened):
    opened(conditions=[{"type": "credits", "amount": 10}])
    talk.say("/start l_LUCKY234")
    assert alert(talk, "❌ 10 credits (you have 0)")["text"] == "Joining costs 10 credits, you have 0."
    give_credits(talk, 25)
    talk.say("/start l_LUCKY234")
    assert alert(talk, "✅ 10 credits (you have 25)")["text"] == "✅ You meet this condition."
    assert "You are in" in alert(talk, JOIN)["text"]


def test_tickets_are_bought_after_a_question_and_once(talk: Talk, opened):
    opened(tickets={"price": 5, "max": 7})
    give_credits(talk, 40)
    give(talk.config, callback_query=press("1:lj:LUCKY234"))
    talk.say("/start l_LUCKY234")
    assert "hold 1 of at most 7" in talk.press("🎟 One more ticket for 5 credits")
    assert talk.labels() == ["Buy 1 for 5 credits", "Buy 5 for 25 credits", "« Back"]
    assert "You hold 6 tickets now and have 15 credits left" in alert(talk, "Buy 5 for 25 credits")["text"]
    give(talk.config, callback_query=press("1:lb:LUCKY234:0:5"))
    assert balance(talk.config.tenant_id, LIN) == 15


@pytest.mark.parametrize(
    "data", ["1:lb:LUCKY234:0:3", "1:lb:LUCKY234:x:1", "1:lb:LUCKY234", "1:lo:LUCKY234", "1:ln:LUCKY234:9"]
)
def test_forged_buttons_have_expired(talk: Talk, opened, data: str):
    opened(tickets={"price": 5, "max": 7})
    give_credits(talk, 40)
    give(talk.config, callback_query=press("1:lj:LUCKY234"))
    give(talk.config, callback_query=press(data))
    assert balance(talk.config.tenant_id, LIN) == 40


def test_boosts_are_counted_again_by_a_button(talk: Talk, opened, channel: Json):
    opened(tickets={"per_boost": 2, "boost_chat": NEWS, "max": 10})
    give(talk.config, callback_query=press("1:lj:LUCKY234"))
    talk.telegram.give_boosts(NEWS, LIN, 3)
    talk.say("/start l_LUCKY234")
    assert alert(talk, "🚀 Count my boosts again")["text"] == "🚀 Your boosts: 3. You hold 7 tickets now."


@pytest.fixture
def posted(talk: Talk, opened, channel: Json):
    """A lottery that stands in the channel."""
    return _post(talk, opened())


def _post(talk: Talk, lottery: Lottery) -> Lottery:
    """Puts it into the channel as its outbox row would have done."""
    db.session.add(LotteryPost(tenant_id=lottery.tenant_id, lottery_id=lottery.id, chat=NEWS))
    db.session.commit()
    button = {"inline_keyboard": [[{"text": "🎁 Join (0)", "callback_data": "1:lj:LUCKY234"}]]}
    talk.telegram.api(talk.bot, "sendMessage", chat_id=NEWS, text="Anniversary", reply_markup=button)
    return lottery


def test_whom_the_bot_knows_joins_with_one_press_in_the_channel(talk: Talk, posted):
    talk.say("/start")
    answer = alert(talk, "🎁 Join (0)", chat=NEWS)
    assert "You are in" in answer["text"]
    assert answer["show_alert"]
    assert entries() == 1


def test_whom_the_bot_cannot_write_to_is_led_to_it(talk: Talk, posted):
    answer = alert(talk, "🎁 Join (0)", chat=NEWS)
    assert answer["url"] == f"https://t.me/{talk.config.username}?start=l_LUCKY234"
    assert entries() == 0


def test_who_lacks_a_condition_is_led_from_the_channel_to_its_button(talk: Talk, opened, channel: Json):
    talk.say("/start")
    _post(talk, opened(conditions=[{"type": "invites", "count": 1}]))
    answer = alert(talk, "🎁 Join (0)", chat=NEWS)
    assert answer["url"] == f"https://t.me/{talk.config.username}?start=l_LUCKY234"
    assert entries() == 0


def test_a_press_forged_in_another_chat_joins_nobody(talk: Talk, posted):
    talk.say("/start")
    other = {"id": -1001234567890, "type": "supergroup", "title": "Elsewhere"}
    forged = press("1:lj:LUCKY234")
    forged["message"]["chat"] = other
    give(talk.config, callback_query=forged)
    assert entries() == 0


def test_bots_and_accounts_that_stand_for_chats_do_not_join(talk: Talk, posted):
    for person in ({"id": 1087968824, "is_bot": True}, {"id": 777000, "is_bot": False}):
        forged = press("1:lj:LUCKY234")
        forged["from"] |= person
        forged["message"]["chat"]["id"] = person["id"]
        assert give(talk.config, callback_query=forged) is False
    assert entries() == 0


def test_somebody_new_joins_by_one_press_in_one_transaction(talk: Talk, opened):
    opened()
    give(talk.config, callback_query=press("1:lj:LUCKY234"))
    with Statements() as said:
        give(talk.config, callback_query=press("1:lj:LUCKY234", user=WANG))
    assert entries() == 2
    assert said.transactions == 1


def test_somebody_new_who_cannot_join_is_known_all_the_same(talk: Talk, opened):
    opened(conditions=[{"type": "credits", "amount": 10}])
    give(talk.config, callback_query=press("1:lj:LUCKY234", user=WANG))
    assert entries() == 0
    assert db.session.query(Member).filter_by(telegram_id=WANG).count() == 1
