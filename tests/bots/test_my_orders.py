"""A buyer's own orders in the bot: the list, the card, paying another way, cancelling, asking; nobody else's."""

from datetime import timedelta

import pytest

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import Actor, OrderState
from app.domain.products import ProductKind
from app.models import Membership, Order, OrderEvent, OutgoingMessage, Payment, StockItem
from app.services.orders import lookup, moves
from app.services.payments.begin import begin
from tests.bots.lottery_talk import alert
from tests.bots.order_talk import orders, queued
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.shopping import a_product, an_order, codes
from tests.talking import Talk, give, make_bot, message, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")
BUTTONS = ("ord", "opay", "ocancel", "oagain", "oask", "oway")


@pytest.fixture
def card(talk: Talk, cast: Cast):
    return a_product(cast.tenant, codes(9), providers=["stars", "manual"], stars=150)


@pytest.fixture
def order(talk: Talk, card) -> Order:
    return by_stars(talk, card)


def by_stars(talk: Talk, card, **more) -> Order:
    stars = {"provider": "stars", "amount_minor": 150, "currency": "XTR"}
    made = an_order(card, LIN, bot_id=talk.config.id, **(stars | more))
    with transaction():
        moves.created(made, Actor.BUYER)
        begin(made)
    return made


def goes(order: Order, *states: OrderState, **columns: object) -> None:
    with transaction():
        for state in states:
            moves.move(lookup.get(order.id, lock=True), state, actor=Actor.WORKER, why="test", **columns)


@pytest.fixture
def transfers(monkeypatch):
    """The shop takes transfers."""
    account = type("Account", (), {"instructions": "Send it to 6222 0000", "picture_id": None})
    for place in ("app.services.service_accounts.manual",):
        monkeypatch.setattr(place, lambda _: account)


def test_the_list_says_what_when_for_how_much_and_how_it_stands(talk: Talk, order: Order):
    said = talk.say("/orders")[0]
    assert "Card · ⭐150" in said
    assert "Waits for your payment" in said
    card = talk.press(f"{order.code} · Card")
    assert f"Order {order.code}" in card
    assert "Please pay by" in card
    assert "ordered" in card


def test_who_has_ordered_nothing_is_led_to_the_shop(talk: Talk):
    assert "not ordered anything" in talk.say("/orders")[0]
    assert "🛒 Shop" in talk.labels()


def test_a_long_list_has_pages(talk: Talk, card):
    for _ in range(8):
        an_order(card, LIN, bot_id=talk.config.id)
    assert talk.say("/orders")[0].count("Card ·") == 6
    assert talk.press("Next ➡️").count("Card ·") == 2


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((OrderState.PAID,), "✅ Paid"),
        ((OrderState.PAID, OrderState.GENERATING), "being prepared"),
        ((OrderState.PAID, OrderState.GENERATING, OrderState.COMPLETED), "🎉 Delivered"),
        ((OrderState.PAID, OrderState.GENERATING, OrderState.FAILED), "the shop takes care"),
        ((OrderState.EXPIRED,), "Not paid, closed"),
        ((OrderState.REFUNDED,), "💰 Refunded"),
    ],
)
def test_every_state_has_words(talk: Talk, order: Order, states, said: str):
    goes(order, *states)
    assert said in talk.say(f"/start o_{order.code}")[0]
    assert said in talk.say("/orders")[0]
    assert not [label for label in talk.labels() if "Pay" in label]


def test_the_short_history_leaves_out_what_only_workers_care_about(talk: Talk, order: Order):
    goes(order, OrderState.PAID, OrderState.GENERATING, OrderState.PAID, OrderState.GENERATING)
    goes(order, OrderState.COMPLETED)
    said = talk.say(f"/start o_{order.code}")[0]
    told = [line.split(" ", 2)[2] for line in said.splitlines() if line[:2].isdecimal() and ":" in line]
    assert told == ["ordered", "paid", "delivered"]


def test_what_he_answered_stands_on_the_card(talk: Talk, cast: Cast):
    asked = [{"key": "who", "label": "For whom?", "kind": "text"}]
    mug = a_product(cast.tenant, kind=ProductKind.MANUAL, providers=["stars"], stars=5, fields=asked)
    made = by_stars(talk, mug, inputs={"who": "<Li>"})
    assert "For whom: <Li>" in talk.say(f"/start o_{made.code}")[0]


def test_in_a_group_nothing_is_said_of_orders(talk: Talk, order: Order):
    group = talk.telegram.create_chat("supergroup", "Fans", members={talk.bot["username"]: "member"})
    chat = {"id": group["id"], "type": "supergroup", "title": "Fans"}
    give(talk.config, message=message("/orders", chat=chat))
    assert "private chat" in talk.texts(group["id"])[-1]
    for word in BUTTONS:
        inside = press(f"1:{word}:{order.code}") | {"message": message("x", chat=chat)}
        give(talk.config, callback_query=inside)
    assert order.code not in "".join(talk.texts(group["id"]))


@pytest.mark.parametrize("word", BUTTONS)
def test_another_persons_press_has_expired_and_changes_nothing(talk: Talk, order: Order, word: str):
    before = len(queued())
    give(talk.config, callback_query=press(f"1:{word}:{order.code}:stars:150-XTR", user=WANG))
    assert orders()[0].state == "pending"
    assert order.code not in "".join(talk.texts(WANG))
    assert len(queued()) == before
    assert "have no such order" in talk.say(f"/start o_{order.code}", WANG)[0]


@pytest.mark.parametrize("word", BUTTONS)
def test_an_order_of_another_tenant_is_out_of_reach(talk: Talk, cast: Cast, telegram: Sandbox, word: str):
    _, foreign = make_bot(telegram, cast.other_tenant)
    theirs = an_order(a_product(cast.other_tenant, codes(1)), LIN, bot_id=foreign.id)
    give(talk.config, callback_query=press(f"1:{word}:{theirs.code}:stars:150-XTR"))
    assert theirs.code not in "".join(talk.texts())
    assert "have no such order" in talk.say(f"/start o_{theirs.code}")[0]


@pytest.mark.parametrize(
    "data", ["1:ord", "1:ord:NOSUCH2345", "1:opay:x", "1:orders:0", "1:paid:1", "1:oway:x:y:z"]
)
def test_a_press_that_names_nothing_does_no_harm(talk: Talk, order: Order, data: str):
    assert give(talk.config, callback_query=press(data))
    assert orders()[0].state == "pending"


def test_a_cancelled_order_frees_what_it_held_after_a_question(talk: Talk, card):
    made = by_stars(talk, card)
    db.session.query(StockItem).filter_by(id=db.session.query(StockItem).first().id).update(
        {"state": "reserved", "order_id": made.id}
    )
    db.session.commit()
    talk.say(f"/start o_{made.code}")
    assert "really want to cancel" in talk.press("🚫 Cancel the order")
    assert orders()[0].state == "pending"
    assert "🚫 Cancelled" in talk.press("🚫 Yes, cancel it")
    assert db.session.query(StockItem).filter_by(state="reserved").count() == 0
    give(talk.config, callback_query=press(f"1:ocancel:{made.code}:yes"))
    assert db.session.query(OrderEvent).filter_by(to_state="expired").count() == 1


def test_what_was_paid_meanwhile_is_not_cancelled(talk: Talk, order: Order):
    talk.say(f"/start o_{order.code}")
    talk.press("🚫 Cancel the order")
    goes(order, OrderState.PAID)
    assert "✅ Paid" in talk.press("🚫 Yes, cancel it")
    assert orders()[0].state == "paid"


def test_the_bill_in_stars_comes_once_more(talk: Talk, order: Order):
    talk.say(f"/start o_{order.code}")
    talk.telegram.press(talk.bot, LIN, "💳 Pay ⭐150")
    talk.feed()
    (call,) = talk.telegram.calls(talk.bot, "sendInvoice")
    payment = db.session.query(Payment).one()
    assert payment.reference in str(call)


def test_another_way_to_pay_closes_the_first_one(talk: Talk, order: Order, transfers):
    talk.say(f"/start o_{order.code}")
    said = talk.press("🔁 Rather pay $19.90 by transfer")
    assert "💰 $19.90" in said
    states = {one.provider: one.state for one in db.session.query(Payment).populate_existing()}
    assert states == {"stars": "closed", "manual": "open"}
    assert (orders()[0].amount_minor, orders()[0].currency) == (1990, "USD")
    talk.press("💳 Pay $19.90")
    assert "Send it to 6222 0000" in talk.texts()[-1]


def test_a_price_of_ones_own_making_is_not_taken(talk: Talk, order: Order, transfers):
    give(talk.config, callback_query=press(f"1:oway:{order.code}:manual:1-USD"))
    assert orders()[0].provider == "stars"


def test_who_has_transferred_the_money_says_so_once(talk: Talk, card, transfers):
    made = by_stars(talk, card, provider="manual", amount_minor=1990, currency="USD")
    talk.say(f"/start o_{made.code}")
    talk.telegram.press(talk.bot, LIN, "✅ I have paid")
    talk.feed()
    payment = db.session.query(Payment).populate_existing().one()
    assert payment.claimed_at is not None
    assert "already" in alert(talk, "✅ I have paid")["text"]
    assert "checks your transfer" in talk.say(f"/start o_{made.code}")[0]
    assert "checks your transfer" in talk.say("/orders")[0]
    assert not [label for label in talk.labels() if "Cancel" in label]


def test_nobody_claims_anothers_transfer(talk: Talk, card, transfers):
    by_stars(talk, card, provider="manual", amount_minor=1990, currency="USD")
    payment = db.session.query(Payment).one()
    give(talk.config, callback_query=press(f"1:paid:{payment.id}", user=WANG))
    assert db.session.query(Payment).populate_existing().one().claimed_at is None


def test_an_order_whose_time_is_over_cannot_be_paid_any_more(talk: Talk, order: Order, time: Clockwork):
    time.forward(minutes=31)
    talk.say(f"/start o_{order.code}")
    assert not [label for label in talk.labels() if "Pay" in label]
    give(talk.config, callback_query=press(f"1:opay:{order.code}"))
    give(talk.config, callback_query=press(f"1:oway:{order.code}:stars:150-XTR"))
    assert talk.telegram.calls(talk.bot, "sendInvoice") == []
    assert "Not paid, closed" in talk.texts()[-1]


def test_what_was_delivered_comes_again_once_for_each_press(talk: Talk, order: Order, monkeypatch):
    asked = []
    monkeypatch.setattr("bots.conversations.my_orders.send_again", lambda *what: asked.append(what))
    goes(order, OrderState.PAID, OrderState.GENERATING, OrderState.COMPLETED)
    talk.say(f"/start o_{order.code}")
    assert "comes in a moment" in alert(talk, "📨 Send it to me again")["text"]
    assert asked[0][0] == order.id
    assert asked[0][1]


def test_a_question_reaches_the_shop_once(talk: Talk, order: Order, cast: Cast):
    db.session.query(Membership).filter_by(user_id=cast.owner.id).update({"telegram_id": WANG})
    db.session.commit()
    talk.say("/start", WANG)
    talk.say(f"/start o_{order.code}")
    talk.press("💬 Ask the shop")
    before = len(queued())
    asked = message("Where is <it>?")
    for _ in range(2):
        give(talk.config, message=asked)
    assert "the shop has your message" in "".join(talk.texts())
    told = queued()[before:]
    assert [row.chat_id for row in told] == [WANG]
    assert "Where is &lt;it&gt;?" in str(told[0].payload["text"])
    assert db.session.query(OrderEvent).filter_by(why="message").one().details["text"] == "Where is <it>?"


def test_nobody_floods_the_shop_with_questions(talk: Talk, order: Order):
    for number in range(6):
        give(talk.config, callback_query=press(f"1:oask:{order.code}"))
        give(talk.config, message=message(f"Question {number}"))
    assert "already written several times" in talk.texts()[-1]
    assert db.session.query(OrderEvent).filter_by(why="message").count() == 5


def test_the_menu_leads_to_the_orders(talk: Talk, order: Order):
    talk.say("/start")
    assert "📦 Your orders" in talk.press("📦 My orders")


def test_an_order_is_old_when_its_day_is_shown(talk: Talk, card):
    made = by_stars(talk, card, created_at=clock.now() - timedelta(days=400))
    assert f"{made.created_at:%Y}" in talk.say("/orders")[0]
    assert db.session.query(OutgoingMessage).count() == 1
