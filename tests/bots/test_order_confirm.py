"""Confirming the summary: one order, for the price that was seen, and clear words where that is not possible."""

import pytest

from app.core.db import db
from app.models import StockItem
from app.services.orders import forms
from tests.bots.order_talk import PAY, a_mug, change, fill, form, orders, pay_data, queued, start
from tests.cast import Cast
from tests.sandbox_client import LIN, WANG
from tests.shopping import a_product, codes
from tests.talking import Talk, give, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")


@pytest.fixture
def mug(talk: Talk, cast: Cast):
    return a_mug(cast.tenant)


def test_pressing_pay_twice_makes_one_order(talk: Talk, mug):
    fill(talk, mug)
    data = pay_data(talk)
    for _ in range(3):
        give(talk.config, callback_query=press(data))
    assert len(orders()) == 1
    assert len(queued()) == 1
    assert db.session.query(StockItem).filter_by(state="reserved").count() == 1


def test_the_price_in_the_summary_is_the_price_that_is_paid(talk: Talk, mug):
    fill(talk, mug)
    change(mug, stars=200)
    said = talk.press(PAY)
    assert "price has changed" in said
    assert orders() == []
    talk.press("✅ Pay ⭐200 by Telegram Stars")
    assert orders()[0].amount_minor == 200


@pytest.mark.parametrize("state", ["off_sale", "archived"])
def test_a_product_that_went_off_sale_is_not_sold(talk: Talk, mug, state: str):
    fill(talk, mug)
    change(mug, state=state)
    assert "not on sale any more" in talk.press(PAY)
    assert orders() == []


def test_the_last_one_went_to_somebody_else_meanwhile(talk: Talk, cast: Cast):
    card = a_product(cast.tenant, codes(1), providers=["stars"], stars=5)
    label = "✅ Pay ⭐5 by Telegram Stars"
    start(talk, card)
    start(talk, card, user=WANG)
    talk.press(label, user=WANG)
    assert "sold out" in talk.press(label)
    assert len(orders()) == 1
    assert form() is not None


def test_too_many_open_orders_are_said_clearly(talk: Talk, cast: Cast):
    card = a_product(cast.tenant, codes(9), providers=["stars"], stars=5)
    for _ in range(6):
        start(talk, card)
        said = talk.press("✅ Pay ⭐5 by Telegram Stars")
    assert "orders that wait for payment" in said
    assert len(orders()) == 5


def test_the_way_to_pay_is_chosen_where_there_are_several(talk: Talk, cast: Cast, monkeypatch):
    monkeypatch.setattr(
        "app.services.service_accounts.operators_pingpong",
        type("Account", (), {"acc_id": "1", "own": False}),
    )
    card = a_product(cast.tenant, codes(9), providers=["pingpong", "stars"], stars=150)
    assert "$19.90 / ⭐150" in start(talk, card)
    assert talk.labels()[:2] == ["✅ Pay $19.90", PAY]
    talk.press("✅ Pay $19.90")
    assert (orders()[0].provider, orders()[0].currency) == ("pingpong", "USD")


def test_the_promoter_of_a_buyer_is_noted(talk: Talk, cast: Cast, monkeypatch):
    asked = []
    monkeypatch.setattr("app.services.affiliates.promoter_of", lambda *who: asked.append(who))
    start(talk, a_product(cast.tenant, codes(1), providers=["stars"], stars=5))
    talk.press("✅ Pay ⭐5 by Telegram Stars")
    assert asked == [(cast.tenant.id, LIN)]


def test_another_person_cannot_confirm_it(talk: Talk, mug):
    fill(talk, mug)
    give(talk.config, callback_query=press(pay_data(talk), user=WANG))
    assert orders() == []


@pytest.mark.parametrize(
    "data",
    [
        "1:fp",
        "1:fp:x:stars:0-XTR",
        "1:fp:x:gold:1-XTR",
        "1:fp:x:stars:150-XTR",
        "1:fa:x:y:z",
        "1:fo:x",
        "1:fnew:x",
    ],
)
def test_a_forged_press_does_nothing(talk: Talk, mug, data: str):
    fill(talk, mug)
    before = form().answers
    assert give(talk.config, callback_query=press(data))
    assert form().answers == before
    assert orders() == []


def test_a_price_of_ones_own_making_is_not_taken(talk: Talk, mug):
    fill(talk, mug)
    mark = forms.mark(form())
    give(talk.config, callback_query=press(f"1:fp:{mark}:stars:1-XTR"))
    assert "price has changed" in talk.texts()[-1]
    assert orders() == []


def test_the_summary_is_not_reached_with_a_question_open(talk: Talk, mug):
    start(talk, mug)
    mark = forms.mark(form())
    give(talk.config, callback_query=press(f"1:fp:{mark}:stars:150-XTR"))
    assert "1/3" in talk.texts()[-1]
    assert orders() == []
