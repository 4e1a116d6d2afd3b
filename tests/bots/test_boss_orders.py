"""The shop's orders in the boss's chat: the list, the card, trying again, delivering by hand."""

import pytest

from app.core.queue import transaction
from app.domain.orders import OrderState, Phase
from app.domain.products import ProductKind
from app.domain.shop_alerts import AlertKind
from app.models import Order
from app.services import shop_alerts
from tests.bots.boss_talk import data_of, demote, full, link, records
from tests.bots.order_talk import queued
from tests.cast import Cast
from tests.fulfilling import reread, story
from tests.sandbox_client import LIN, WANG
from tests.shopping import a_product, an_order
from tests.talking import Talk, give, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")
ASKED = [{"key": "who", "label": "For whom?", "kind": "text"}]


@pytest.fixture(autouse=True)
def boss(cast: Cast) -> None:
    link(cast.owner)


def failed(cast: Cast, **more: object) -> Order:
    return an_order(
        a_product(cast.tenant), WANG, **({"state": OrderState.FAILED, "error": "sold_out"} | more)
    )


def by_hand(cast: Cast) -> Order:
    mug = a_product(cast.tenant, kind=ProductKind.MANUAL, name="Mug", fields=ASKED)
    more = {"state": OrderState.GENERATING, "phase": Phase.BY_HAND, "inputs": {"who": "Aunt Li"}}
    return an_order(mug, WANG, **more)


def test_the_list_has_filters_and_pages(talk: Talk, cast: Cast):
    product = a_product(cast.tenant)
    for _ in range(7):
        an_order(product)
    wrong = failed(cast)
    talk.say("/admin")
    assert talk.press("📦 Orders").count("Card · $19.90") == 6
    assert "(page 2)" in talk.press("Next ➡️")
    said = talk.press("Failed")
    assert said.count("Card ·") == 1
    assert wrong.code in said
    assert wrong.code in talk.press("Waits for you")
    assert "nothing here" in talk.press("In work")
    assert f"@{talk.config.username}" in talk.press("« Back")


def test_the_card_hides_what_the_buyer_answered(talk: Talk, cast: Cast):
    order = by_hand(cast)
    said = talk.say(f"/admin {order.code}")[0]
    assert "For whom: ••••" in said
    assert "Aunt Li" not in said
    assert "👉 Waits for you" in said


def test_a_failed_order_is_tried_again_once(talk: Talk, cast: Cast):
    order = failed(cast)
    with transaction():
        shop_alerts.raise_alert(cast.tenant.id, AlertKind.ORDER_FAILED, "x", order_id=order.id)
    assert "It was sold out." in talk.say(f"/admin {order.code}")[0]
    data = data_of(talk, "🔁 Try again")
    assert "Paid, in line" in talk.press("🔁 Try again")
    give(talk.config, callback_query=press(data))
    assert story(order.id) == ["retry"]
    assert [one.actor_name for one in records("order.retried")] == ["owner@a.example"]
    assert shop_alerts.count_open(cast.tenant.id) == 0


def test_who_lost_his_role_between_two_presses_changes_nothing(talk: Talk, cast: Cast):
    order = failed(cast)
    talk.say(f"/admin {order.code}")
    demote(cast.owner)
    talk.press("🔁 Try again")
    assert reread(order).state is OrderState.FAILED


def test_the_buyer_reads_the_bosss_words_with_what_was_delivered(talk: Talk, cast: Cast):
    order = by_hand(cast)
    talk.say(f"/admin {order.code}")
    assert "Write a few words" in talk.press("🤝 Mark as delivered")
    assert "✅ Completed" in talk.say("Parcel 123")[-1]
    assert "Parcel 123" in queued()[-1].payload["text"]
    assert [one.target_name for one in records("order.delivered")] == [order.code]
    assert talk.say("And this is nothing to anybody")[0] != queued()[-1].payload["text"]


def test_support_delivers_without_words_and_twice_is_once(talk: Talk, cast: Cast):
    order = by_hand(cast)
    link(cast.staff, WANG)
    talk.say(f"/admin {order.code}", WANG)
    talk.press("🤝 Mark as delivered", WANG)
    data = data_of(talk, "without words", WANG)
    assert "✅ Completed" in talk.press(full(talk, "without words", WANG), WANG)
    give(talk.config, callback_query=press(data, user=WANG))
    assert story(order.id) == ["done_by_hand"]
    assert len(records("order.delivered")) == 1


def test_a_note_of_somebody_who_lost_his_role_goes_nowhere(talk: Talk, cast: Cast):
    order = by_hand(cast)
    talk.say(f"/admin {order.code}")
    talk.press("🤝 Mark as delivered")
    demote(cast.owner)
    assert "does not allow" in talk.say("Parcel 123")[0]
    assert reread(order).state is OrderState.GENERATING
    assert "does not allow" not in talk.say("Parcel 123")[0]


def test_back_ends_the_question(talk: Talk, cast: Cast):
    order = by_hand(cast)
    talk.say(f"/admin {order.code}")
    talk.press("🤝 Mark as delivered")
    assert f"Order {order.code}" in talk.press("« Back")
    talk.say("hello?")
    assert reread(order).state is OrderState.GENERATING


def test_an_old_button_shows_how_it_stands_now(talk: Talk, cast: Cast):
    order = failed(cast)
    give(talk.config, callback_query=press(f"1:addone:{order.id}", user=LIN))
    assert f"Order {order.code}" in talk.texts()[-1]
