"""The open lotteries, the card of one, and somebody's own, as people see them in their chat with the bot."""

import re
from datetime import timedelta

import pytest

from app.core.clock import now
from app.core.db import db
from app.core.i18n import EN
from app.core.queue import transaction
from app.domain.lotteries import LotteryState
from app.models import Bot, LotteryPrize, LotteryWinner
from app.services import bot_texts, pictures
from tests.bots.lottery_talk import JOIN, alert, entries, urls
from tests.joining import join, make_lottery
from tests.painting import painted
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.talking import Talk, config_of, give, make_bot, press


def test_the_menu_leads_to_the_open_lotteries_and_back(talk: Talk, opened):
    opened()
    talk.say("/start")
    assert "Anniversary" in talk.press("🎁 Lotteries")
    assert talk.labels() == ["Anniversary", "« Main menu"]
    assert "Phone" in talk.press("Anniversary")
    assert JOIN in talk.labels()
    talk.press("« Lotteries")
    assert talk.press("« Main menu").startswith("Hello")


def test_without_an_open_lottery_the_list_says_so(talk: Talk, opened):
    opened(state="drawn")
    assert talk.say("/lottery") == ["No lottery is open at the moment. Have a look again later!"]


def test_five_lotteries_stand_on_a_page_and_the_next_to_close_comes_first(talk: Talk, opened):
    for number in range(7):
        opened(code=f"CODE234{number}", title=f"Draw {number}", closes_at=now() + timedelta(hours=9 - number))
    talk.say("/lottery")
    assert talk.labels() == [*(f"Draw {number}" for number in (6, 5, 4, 3, 2)), "Next ➡️", "« Main menu"]
    talk.press("Next ➡️")
    assert talk.labels() == ["Draw 1", "Draw 0", "⬅️ Previous", "« Main menu"]
    talk.press("⬅️ Previous")
    assert "Draw 6" in talk.labels()


def test_nobody_sees_a_lottery_of_another_tenant(talk: Talk, cast, telegram: Sandbox):
    _, foreign = make_bot(telegram, cast.other_tenant)
    make_lottery(foreign.tenant_id, foreign.id, code="THEIRS23")
    assert "No lottery is open" in talk.say("/lottery")[0]
    assert "no such lottery" in talk.say("/start l_THEIRS23")[0]
    give(talk.config, callback_query=press("1:lj:THEIRS23"))
    assert entries() == 0


def test_a_link_opens_the_card(talk: Talk, opened):
    opened(description="Thank you all", max_entries=50)
    card = talk.say("/start l_lucky234")[0]
    assert "Anniversary" in card
    assert "Thank you all" in card
    assert "0 / 50" in card


def test_a_lottery_with_a_picture_shows_it_with_the_card_under_it(talk: Talk, opened):
    with transaction():
        picture_id = pictures.store(talk.config.tenant_id, painted())
    opened(picture_id=picture_id)
    assert "Phone" in talk.say("/start l_LUCKY234")[0]
    assert talk.telegram.messages(talk.bot, LIN)[-1]["photo"]
    assert "You are in" in alert(talk, JOIN)["text"]
    assert "✅ You are in" in talk.labels()
    assert "You are in, with tickets: 1" in talk.say("/start l_LUCKY234")[0]


@pytest.mark.parametrize(
    "payload",
    ["l_", "l_NOSUCH23", "l_'; drop table", "l_{{7*7}}", "l_${x}", "l_=1+1", "l_x\u0000y", "l_LUCKY234_'--"],
)
def test_a_link_that_nobody_made_gets_kind_words_and_no_error(talk: Talk, payload: str):
    answer = talk.say(f"/start {payload}")[0]
    assert "no such lottery" in answer
    assert "49" not in answer


def test_what_the_boss_wrote_is_shown_as_he_wrote_it(talk: Talk, opened):
    opened(title="<b>{{7*7}}</b> & ${x}")
    assert "<b>{{7*7}}</b> & ${x}" in talk.say("/start l_LUCKY234")[0]


def test_in_a_group_the_list_leads_everybody_to_his_own_chat(talk: Talk, opened):
    opened()
    group = talk.telegram.create_chat("group", "Friends", members={str(LIN): "member"})
    talk.telegram.set_member(group["id"], talk.bot["username"])
    talk.telegram.post("say", bot=talk.bot["username"], user=LIN, chat=group["id"], text="/lottery")
    talk.feed()
    assert urls(talk, group["id"]) == {"Anniversary": f"https://t.me/{talk.config.username}?start=l_LUCKY234"}


def test_without_entries_it_says_so(talk: Talk):
    talk.say("/start")
    assert talk.press("🎊 My lotteries") == "You have not joined a lottery yet."


def won(lottery, telegram_id: int, **more) -> None:
    entry = join(lottery, telegram_id)
    prize = db.session.query(LotteryPrize).filter_by(lottery_id=lottery.id).one()
    owned = {"tenant_id": lottery.tenant_id, "lottery_id": lottery.id}
    held = {"prize_id": prize.id, "entry_id": entry.entry_id, "telegram_id": telegram_id}
    db.session.add(LotteryWinner(**owned, **held, slot=1, turn=0, rank=1, won_at=now(), **more))
    lottery.state = LotteryState.DRAWN
    db.session.commit()


def test_my_lotteries_say_how_each_one_stands(talk: Talk, opened):
    join(opened(code="CODE2345", title="Running"), LIN)
    over = opened(code="CODE3456", title="Lost")
    join(over, LIN)
    over.state = LotteryState.DRAWN
    db.session.commit()
    won(opened(title="Lucky"), LIN)
    talk.say("/start")
    text = talk.press("🎊 My lotteries")
    assert re.search(r"1\. Lucky\n.*🏆 You won: Phone", text)
    assert re.search(r"2\. Lost\n.*No luck this time", text)
    assert re.search(r"3\. Running\n.*You are in", text)
    assert talk.labels()[0] == "🏆 Claim: Phone"


def test_the_winner_claims_his_prize_and_nobody_else_does(talk: Talk, opened):
    won(opened(), LIN)
    talk.say("/start")
    talk.press("🎊 My lotteries")
    assert "Claimed" in alert(talk, "🏆 Claim: Phone")["text"]
    give(talk.config, callback_query=press("1:lc:LUCKY234", user=WANG))
    db.session.rollback()
    winner = db.session.query(LotteryWinner).populate_existing().one()
    assert (winner.state, winner.telegram_id) == ("claimed", LIN)


def test_a_prize_that_was_not_claimed_in_time_is_gone(talk: Talk, opened):
    won(opened(), LIN, claim_until=now() - timedelta(minutes=1))
    talk.say("/start")
    talk.press("🎊 My lotteries")
    assert "🏆 Claim: Phone" not in talk.labels()
    give(talk.config, callback_query=press("1:lc:LUCKY234"))
    assert db.session.query(LotteryWinner).populate_existing().one().state == "won"


def test_a_receipt_comes_when_the_list_is_sealed(talk: Talk, opened):
    won(opened(), LIN)
    talk.say("/start")
    talk.press("🎊 My lotteries")
    assert "not sealed yet" in alert(talk, "🔍 Receipt 1. Anniversary")["text"]


def test_the_boss_may_rewrite_the_labels(talk: Talk):
    bot = db.session.get_one(Bot, talk.config.id)
    with transaction():
        bot_texts.save_text(bot, "menu_lotteries", EN, "Win something!")
    talk.config = config_of(bot.id)
    talk.say("/start")
    assert "Win something!" in talk.labels()
