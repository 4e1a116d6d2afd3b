"""A member reads his credits in the chat: balance, what is held, history; nobody else's, and never in a group."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.core.db import db
from app.core.queue import transaction
from app.models import CreditPosting, Lottery, Tenant
from app.services import credit_clients
from app.services.credits import holds
from tests.bots.lottery_talk import urls
from tests.bots.points_talk import GIVE, allow, credited, has
from tests.cast import Cast
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.talking import Talk, give, make_bot, message, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")


def project(tenant: Tenant, source: str, name: str) -> None:
    with transaction():
        credit_clients.create_client(tenant.id, source, name)


def test_balance_and_history_with_sign_reason_and_project(talk: Talk, cast: Cast):
    project(cast.tenant, "mall", "The Mall")
    credited(talk, 1500, source="mall", reason="Purchase 7")
    credited(talk, -200, source="order", reference="order:3:back", reason="Credits 200")
    credited(talk, 5, source="lottery", reference="lottery:1:prize:1:1", reason="Anniversary")
    page = talk.say("/points")[0]
    assert "Balance: 1,305 credits" in page
    assert "+1,500\n   Purchase 7 · The Mall" in page
    assert "-200\n   Credits 200 · taken back, the order was refunded" in page
    assert "+5\n   Anniversary · lottery prize" in page
    assert page.index("Anniversary") < page.index("Purchase 7")


def test_a_reason_disturbs_nothing_around_it(talk: Talk):
    credited(
        talk, 5, source="mall", reference="r1", reason="\u202e<b>&\n\u2066Balance: 9\u2028\x07\U0001f600"
    )
    assert "+5\n   <b>& Balance: 9 \U0001f600 · mall" in talk.say("/points")[0]


def test_what_is_held_is_named_with_its_purpose(talk: Talk, cast: Cast):
    credited(talk, 100)
    project(cast.tenant, "cafe", "The Cafe")
    with transaction():
        held = {"source": "cafe", "reference": "t1", "reason": "Table for two", "lasts": timedelta(hours=1)}
        holds.reserve(cast.tenant.id, LIN, 30, **held)
    page = talk.say("/points")[0]
    assert "Held: 30, free to use: 70" in page
    assert "30 · Table for two · The Cafe · until" in page


def test_what_a_dispute_holds_and_takes_is_told_as_such(talk: Talk, cast: Cast):
    credited(talk, 100)
    with transaction():
        held = {"source": "order", "reason": "Credits 100", "lasts": timedelta(hours=1)}
        first = holds.reserve(cast.tenant.id, LIN, 30, reference="order:3:dispute:1", **held)
        holds.reserve(cast.tenant.id, LIN, 20, reference="order:4:dispute:1", **held)
        holds.capture(cast.tenant.id, first.id)
    page = talk.say("/points")[0]
    assert "20 · Credits 100 · while the payment is disputed\n" in page
    assert "-30\n   Credits 100 · taken back, the payment was disputed" in page


def test_dates_are_those_of_the_tenants_zone(talk: Talk, cast: Cast):
    credited(talk)
    made = db.session.query(CreditPosting).one().created_at
    give(replace(talk.config, timezone="Asia/Tokyo"), message=message("/points"))
    assert f"{made.astimezone(ZoneInfo('Asia/Tokyo')):%m-%d %H:%M}  +100" in talk.texts()[-1]


def test_nobody_has_nothing(talk: Talk):
    assert "Balance: 0 credits" in talk.say("/points")[0]


def test_pages_go_back_and_forth(talk: Talk):
    for _ in range(20):
        credited(talk, 1)
    talk.say("/points")
    assert "Reason 13 " in talk.texts()[-1]
    assert "Reason 12 " in talk.press("Older ➡️")
    assert "Balance" not in talk.texts()[-1]
    assert "Reason 4 " in talk.press("Older ➡️")
    assert talk.labels()[0] == "⬅️ Newer"
    assert "Older ➡️" not in talk.labels()
    assert "Reason 12 " in talk.press("⬅️ Newer")
    assert "Balance: 20 credits" in talk.press("⬅️ Newer")
    assert "⬅️ Newer" not in talk.labels()


@pytest.mark.parametrize("word", ["points:b:1", "points:a:999999", "points:b:999999"])
def test_forged_pages_show_his_own(talk: Talk, word: str):
    credited(talk, 7)
    credited(talk, 1234, WANG)
    talk.say("/points")
    give(talk.config, callback_query=press(f"1:{word}"))
    assert "+7" in talk.texts()[-1]
    assert "1,234" not in talk.texts()[-1]


@pytest.mark.parametrize("word", ["points:b", "points:x:1", "points:b:x", "points:b:0"])
def test_pages_that_nobody_drew_have_expired(talk: Talk, word: str):
    before = len(talk.texts())
    assert give(talk.config, callback_query=press(f"1:{word}"))
    assert len(talk.texts()) == before


def test_a_group_sees_the_way_and_no_balance(talk: Talk):
    credited(talk, 4321)
    group = talk.telegram.create_chat("supergroup", "Friends", members={talk.bot["username"]: "member"})
    give(talk.config, message=message("/points", chat={"id": group["id"], "type": "supergroup"}))
    said = talk.telegram.messages(talk.bot, group["id"])[-1]
    assert "4,321" not in said["text"]
    (button,) = said["reply_markup"]["inline_keyboard"][0]
    assert button["url"] == f"https://t.me/{talk.bot['username']}?start=points"


def test_a_button_pressed_in_a_group_shows_nothing(talk: Talk):
    credited(talk, 4321)
    group = talk.telegram.create_chat("supergroup", "Friends", members={talk.bot["username"]: "member"})
    where = {"message": message("", chat={"id": group["id"], "type": "supergroup"})}
    assert give(talk.config, callback_query=press("1:points") | where)
    assert not talk.telegram.texts(talk.bot, group["id"])


def test_the_link_opens_it(talk: Talk):
    credited(talk, 12)
    assert "Balance: 12 credits" in talk.say("/start points")[0]


def test_the_menu_has_it_once_somebody_has_credits(telegram: Sandbox, talk: Talk, cast: Cast):
    talk.say("/start")
    assert "💰 My credits" not in talk.labels()
    credited(talk, 3, WANG)
    fresh = Talk(telegram, *make_bot(telegram, cast.tenant))
    fresh.say("/start")
    assert "Balance: 0 credits" in fresh.press("💰 My credits")


def test_chinese_speaks_chinese(talk: Talk):
    credited(talk, 3)
    talk.telegram.post("users", id=LIN, first_name="Lin", language_code="zh-hans")
    assert "我的积分" in talk.say("/points")[0]


def test_another_bot_of_the_tenant_shows_the_same_and_anothers_tenant_nothing(
    telegram: Sandbox, talk: Talk, cast: Cast
):
    credited(talk, 12)
    same = Talk(telegram, *make_bot(telegram, cast.tenant))
    other = Talk(telegram, *make_bot(telegram, cast.other_tenant))
    assert "Balance: 12 credits" in same.say("/points")[0]
    assert "Balance: 0 credits" in other.say("/points")[0]
    assert has(talk) == 12


def test_transfers_are_offered_where_the_boss_allows_them(talk: Talk):
    credited(talk)
    talk.say("/points")
    assert GIVE not in talk.labels()
    allow(talk)
    talk.say("/points")
    assert GIVE in talk.labels()


def test_a_lottery_that_costs_more_than_he_has_leads_there(talk: Talk, opened: Callable[..., Lottery]):
    lottery = opened(conditions=[{"type": "credits", "amount": 50}])
    talk.say(f"/start l_{lottery.code}")
    assert "Balance: 0 credits" in talk.press("💰 My credits")
    credited(talk, 50)
    talk.say(f"/start l_{lottery.code}")
    assert "💰 My credits" not in talk.labels()
    assert not urls(talk)
