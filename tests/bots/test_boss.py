"""/admin: today's figures and the open alerts, for linked staff alone, with the role of this very moment."""

import pytest

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.orders import OrderState
from app.domain.shop_alerts import AlertKind
from app.models import OutgoingMessage
from app.services import people, shop_alerts
from tests.bots.boss_talk import change, data_of, demote, full, link, records
from tests.bots.lottery_talk import alert, urls
from tests.cast import Cast
from tests.lottery_tools import a_bot
from tests.sandbox_client import LIN, WANG
from tests.shopping import a_product, an_order
from tests.talking import Talk, give, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")
BUTTONS = (
    "adm", "adorders:all:1", "adord:1", "adretry:1", "addone:1", "addone:1:yes", "adrefund:1", "adrefund:1:1:1:0",
    "adback:1:1", "adpaid:1", "adpaid:1:1", "adalerts", "adalert:1", "adsettle:1", "adlots", "adlot:pquick",
    "adlotday:pquick:1", "adlotgo:pquick:1:ab", "adnews", "adnewsto:1:all", "adnewswho:1", "adnewsgo:1:all",
    "adnewsat:1", "adnewsdo:1:pause", "adbots", "adpause:1", "adpause:1:yes", "adresume:1",
    "adpt", "adptm:1", "adptgo:1:give", "adptok:0123456789abcdef",
)  # fmt: skip


def raised(cast: Cast, kind: AlertKind, **more: object) -> None:
    with transaction():
        shop_alerts.raise_alert(cast.tenant.id, kind, f"test:{kind}", **more)


def pressed(talk: Talk, data: str, user: int = LIN) -> str:
    """Presses a button that nobody drew; what pops up."""
    payload = press(f"1:{data}", user=user)
    give(talk.config, callback_query=payload)
    calls = [one for one in talk.telegram.calls(talk.bot) if one["method"] == "answerCallbackQuery"]
    found = [one["params"] for one in calls if one["params"]["callback_query_id"] == payload["id"]]
    return str(found[-1].get("text", "")) if found else ""


def test_the_first_page_tells_the_day_in_figures(talk: Talk, cast: Cast):
    product = a_product(cast.tenant)
    an_order(product, state=OrderState.FAILED)
    raised(cast, AlertKind.DISPUTE, order_id=an_order(product).id)
    link(cast.owner)
    said = talk.say("/admin")[0]
    for line in (f"@{talk.config.username}", "Orders paid: 0", "Revenue: -", "Failed: 1", "Open alerts: 1"):
        assert line in said
    assert {"📦 Orders", "🔔 Alerts (1)", "🎁 New lottery", "📣 Broadcast"} < set(talk.labels())


def test_who_sells_nothing_sees_nothing_of_orders(talk: Talk, cast: Cast):
    link(cast.owner)
    said = talk.say("/admin")[0]
    assert "Orders paid" not in said
    assert "State: running" in said


def test_the_page_is_one_press_away_where_it_has_an_address(talk: Talk, cast: Cast, monkeypatch):
    monkeypatch.setattr(get_settings(), "public_url", "https://shop.example")
    link(cast.owner)
    talk.say("/admin")
    assert urls(talk)["🌐 Open the page"] == "https://shop.example/admin/"


def test_support_gets_what_its_pages_allow(talk: Talk, cast: Cast):
    link(cast.staff)
    talk.say("/admin")
    assert not {"🎁 New lottery", "📣 Broadcast"} & set(talk.labels())
    assert "does not allow" in pressed(talk, "adnews")
    assert "does not allow" in pressed(talk, "adpause:1:yes")


def test_no_button_works_for_a_stranger_or_for_who_may_only_look(talk: Talk, cast: Cast):
    link(cast.reader, WANG)
    assert [data for data in BUTTONS if "expired" not in pressed(talk, data)] == []
    assert [data for data in BUTTONS if "expired" not in pressed(talk, data, WANG)] == []


def test_a_role_that_was_taken_away_counts_at_once(talk: Talk, cast: Cast):
    link(cast.owner)
    talk.say("/admin")
    change(cast.owner, role="support")
    assert "does not allow" in alert(talk, "🎁 New lottery")["text"]
    demote(cast.owner)
    assert "expired" in alert(talk, "📦 Orders")["text"]


def test_a_closed_account_and_an_untied_one_mean_nothing(talk: Talk, cast: Cast):
    link(cast.owner)
    with transaction():
        cast.owner.active = False
    assert "people who run this bot" in talk.say("/admin")[0]
    with transaction():
        cast.owner.active = True
        people.unlink(
            cast.tenant.id, db.session.query(people.links.Membership).filter_by(telegram_id=LIN).one().id
        )
    assert "people who run this bot" in talk.say("/admin")[0]


def test_in_a_group_no_button_of_the_boss_works(talk: Talk, cast: Cast):
    link(cast.owner)
    group = talk.telegram.create_chat("supergroup", "Fans", members={talk.bot["username"]: "member"})
    payload = press("1:adm")
    payload["message"]["chat"] = {"id": group["id"], "type": "supergroup", "title": "Fans"}
    give(talk.config, callback_query=payload)
    assert talk.texts(group["id"]) == []


def test_alerts_are_read_and_settled_under_the_persons_name(talk: Talk, cast: Cast):
    order = an_order(a_product(cast.tenant))
    raised(cast, AlertKind.ORDER_FAILED, order_id=order.id)
    link(cast.staff)
    talk.say("/admin")
    assert order.code in talk.press("🔔 Alerts (1)")
    assert order.code in talk.press(full(talk, "1. "))
    data = data_of(talk, "✅ Settled")
    assert "Nothing needs you" in talk.press("✅ Settled")
    pressed(talk, data.removeprefix("1:"))
    (record,) = records("shop_alert.settled")
    assert (record.actor_kind, record.actor_name) == ("user", "staff@a.example")


def test_the_news_about_an_order_carry_a_button_that_opens_it(talk: Talk, cast: Cast):
    link(cast.owner)
    talk.say("/start")
    order = an_order(a_product(cast.tenant))
    raised(cast, AlertKind.TRANSFER_CLAIMED, order_id=order.id)
    with transaction():
        shop_alerts.tell()
    payload = db.session.query(OutgoingMessage).one().payload
    ((button,),) = payload["reply_markup"]["inline_keyboard"]
    give(talk.config, callback_query=press(button["callback_data"]))
    assert f"Order {order.code}" in talk.texts()[-1]


def test_rows_of_another_tenant_are_no_rows(talk: Talk, cast: Cast):
    a_bot(cast.other_tenant, 7)
    theirs = an_order(a_product(cast.other_tenant))
    with transaction():
        shop_alerts.raise_alert(cast.other_tenant.id, AlertKind.DISPUTE, "theirs", order_id=theirs.id)
        shop_alert = shop_alerts.list_open(cast.other_tenant.id)[0].id
    link(cast.owner)
    for data in ("adord", "adretry", "addone", "adrefund", "adpaid"):
        assert "expired" in pressed(talk, f"{data}:{theirs.id}"), data
    assert "expired" in pressed(talk, f"adsettle:{shop_alert}")
    assert "expired" in pressed(talk, f"adpause:{theirs.bot_id}:yes")
    assert "State" in talk.say(f"/admin {theirs.code}")[0]


def test_an_orders_code_behind_the_command_opens_it(talk: Talk, cast: Cast):
    order = an_order(a_product(cast.tenant))
    link(cast.owner)
    assert f"Order {order.code}" in talk.say(f"/admin {order.code.lower()}")[0]
    link(cast.stranger, WANG)
    assert "people who run this bot" in talk.say(f"/admin {order.code}", WANG)[0]


def test_it_speaks_the_language_that_the_boss_chose(talk: Talk, cast: Cast):
    link(cast.owner)
    talk.say("/language")
    talk.press("中文")
    talk.say("/admin")
    assert {"📦 订单", "🎁 发起抽奖", "📣 群发"} < set(talk.labels())
