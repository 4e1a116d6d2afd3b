"""Ordering in the bot: question by question, back, changed, refused, half filled in, confirmed once."""

import pytest

from app.core.db import db
from app.domain.products import ProductKind
from app.models import ProductVisit, StockItem
from app.services.orders import forms
from tests.bots.order_talk import (
    a_mug,
    change,
    fill,
    form,
    lose_redis,
    orders,
    queued,
    start,
)
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.sandbox_client import LIN, WANG
from tests.shopping import a_product, codes
from tests.talking import Talk, give, message, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")
PAY = "✅ Pay ⭐150 by Telegram Stars"


@pytest.fixture
def mug(talk: Talk, cast: Cast):
    return a_mug(cast.tenant)


def test_one_question_at_a_time_then_the_summary_then_the_order(talk: Talk, mug):
    assert "Mug · 1/3" in start(talk, mug)
    assert "Who is it for?" in talk.texts()[-1]
    assert "2/3" in talk.say("Aunt Li")[0]
    assert talk.labels()[:2] == ["Small", "Large"]
    assert "3/3" in talk.press("Large")
    said = talk.press("⏭ Skip")
    assert "Who is it for?: Aunt Li" in said
    assert "Which size?: Large" in said
    assert "A wish?: no answer" in said
    made = talk.press(PAY)
    (order,) = orders()
    assert order.code in made
    assert order.inputs == {"who": "Aunt Li", "size": "Large", "note": None}
    assert (order.amount_minor, order.currency, order.telegram_id) == (150, "XTR", LIN)
    assert form() is None
    assert [row.method for row in queued()] == ["sendInvoice"]


def test_a_product_without_questions_goes_straight_to_the_summary(talk: Talk, cast: Cast):
    card = a_product(cast.tenant, codes(1), providers=["stars"], stars=5)
    assert "Your order: Card" in start(talk, card)
    talk.press("✅ Pay ⭐5 by Telegram Stars")
    assert len(orders()) == 1


def test_pressing_pay_twice_makes_one_order(talk: Talk, mug):
    fill(talk, mug)
    data = pay_data(talk)
    for _ in range(3):
        give(talk.config, callback_query=press(data))
    assert len(orders()) == 1
    assert len(queued()) == 1
    assert db.session.query(StockItem).filter_by(state="reserved").count() == 1


def pay_data(talk: Talk, label: str = PAY) -> str:
    last = next(m for m in reversed(talk.telegram.messages(talk.bot, LIN)) if m["from"]["is_bot"])
    rows = last["reply_markup"]["inline_keyboard"]
    return next(button["callback_data"] for row in rows for button in row if button["text"] == label)


@pytest.mark.parametrize("wrong", ["", "Middle", "3", "x" * 5000])
def test_a_wrong_answer_is_refused_kindly_and_the_question_stays(talk: Talk, mug, wrong: str):
    start(talk, mug)
    talk.say("Aunt Li")
    give(talk.config, message=message(wrong))
    assert "⚠️" in talk.texts()[-1]
    assert "2/3" in talk.texts()[-1]
    assert form().field == "size"


@pytest.mark.parametrize("typed", ["large", "2", "\uff2carge"])
def test_a_choice_may_be_typed(talk: Talk, mug, typed: str):
    start(talk, mug)
    talk.say("Aunt Li")
    talk.say(typed)
    assert form().answers["size"] == "Large"


def test_a_picture_is_no_answer(talk: Talk, mug):
    start(talk, mug)
    sent = message("", photo=[{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}])
    give(talk.config, message=sent)
    assert "1/3" in talk.texts()[-1]


def test_back_asks_the_question_before_and_its_answer_can_be_kept(talk: Talk, mug):
    start(talk, mug)
    assert "⬅️ Back" not in talk.labels()
    talk.say("Aunt Li")
    assert "1/3" in talk.press("⬅️ Back")
    assert "2/3" in talk.press("✔️ Keep: Aunt Li")


def test_an_answer_is_changed_from_the_summary(talk: Talk, mug):
    fill(talk, mug)
    assert "Which size?" in talk.press("✏️ Which size?")
    assert "Which size?: Small" in talk.press("Small")
    talk.press(PAY)
    assert orders()[0].inputs["size"] == "Small"


def test_an_older_questions_button_only_shows_where_he_is(talk: Talk, mug):
    start(talk, mug)
    talk.say("Aunt Li")
    mark = forms.mark(form())
    talk.press("Large")
    give(talk.config, callback_query=press(f"1:fa:{mark}:size:0"))
    assert form().answers["size"] == "Large"
    assert "3/3" in talk.texts()[-1]


def test_a_message_that_is_handled_again_does_not_answer_the_next_question(talk: Talk, cast: Cast):
    names = [{"key": key, "label": key, "kind": "text"} for key in ("one", "two")]
    start(talk, a_mug(cast.tenant, fields=names))
    sent = message("First")
    for _ in range(3):
        give(talk.config, message=sent)
    assert forms.answers(form()) == {"one": "First"}
    give(talk.config, message=message("Second"))
    assert forms.answers(form()) == {"one": "First", "two": "Second"}


def test_cancel_ends_it_at_any_point(talk: Talk, mug):
    start(talk, mug)
    assert "cancelled" in talk.say("/cancel")[0]
    assert form() is None
    assert "nothing to cancel" in talk.say("/cancel")[0]
    fill(talk, mug)
    assert "cancelled" in talk.press("✖️ Cancel")
    assert form() is None
    assert orders() == []


def test_nothing_is_lost_when_redis_forgets(talk: Talk, mug):
    start(talk, mug)
    lose_redis()
    assert "2/3" in talk.say("Aunt Li")[0]
    lose_redis()
    talk.press("Large")
    lose_redis()
    assert "Aunt Li" in talk.press("⏭ Skip")


def test_who_comes_back_goes_on_or_begins_anew(talk: Talk, mug):
    start(talk, mug)
    talk.say("Aunt Li")
    assert "answered so far: 1 of 3" in start(talk, mug)
    assert "2/3" in talk.press("▶️ Continue")
    start(talk, mug)
    assert "1/3" in talk.press("🔄 Begin anew")
    assert forms.answers(form()) == {}


def test_another_product_asks_which_one_it_shall_be(talk: Talk, cast: Cast, mug):
    other = a_mug(cast.tenant, name="Plate")
    start(talk, mug)
    talk.say("Aunt Li")
    assert "begun to order: Mug" in start(talk, other)
    assert "Plate · 1/3" in talk.press("🛒 Rather order: Plate")


def test_a_form_is_kept_for_a_day(talk: Talk, mug, time: Clockwork):
    start(talk, mug)
    talk.say("Aunt Li")
    time.forward(hours=23)
    talk.press("Large")
    time.forward(hours=25)
    assert "3/3" not in "".join(talk.say("hello"))
    assert "1/3" in start(talk, mug)


def test_the_price_in_the_summary_is_the_price_that_is_paid(talk: Talk, mug):
    fill(talk, mug)
    change(mug, stars=200)
    said = talk.press(PAY)
    assert "price has changed" in said
    assert orders() == []
    talk.press("✅ Pay ⭐200 by Telegram Stars")
    assert orders()[0].amount_minor == 200


def test_a_product_that_went_off_sale_is_said_at_the_next_step(talk: Talk, mug):
    start(talk, mug)
    change(mug, state="off_sale")
    assert "not on sale any more" in talk.say("Aunt Li")[0]
    assert form() is None


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


def test_questions_that_the_boss_changed_meanwhile_are_asked_as_they_are_now(talk: Talk, mug):
    start(talk, mug)
    talk.say("Aunt Li")
    change(mug, fields=[{"key": "who", "label": "Who?"}, {"key": "colour", "label": "Colour?"}])
    talk.press("Large")
    assert "Colour?" in talk.texts()[-1]
    talk.say("red")
    talk.press(PAY)
    assert orders()[0].inputs == {"who": "Aunt Li", "colour": "red"}


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


def test_beginning_is_counted(talk: Talk, mug):
    start(talk, mug)
    assert {visit.stage for visit in db.session.query(ProductVisit)} == {"viewed", "started"}


@pytest.mark.parametrize("word", ["fa", "fo", "fs", "fk", "fb", "fc", "fx", "fgo"])
def test_another_persons_form_is_out_of_reach(talk: Talk, mug, word: str):
    start(talk, mug)
    talk.say("Aunt Li")
    before = dict(form().answers)
    mark = before["?mark"]
    give(talk.config, callback_query=press(f"1:{word}:{mark}:size:0", user=WANG))
    assert dict(form().answers) == before
    assert "Aunt Li" not in "".join(talk.texts(WANG))


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


def test_nobodys_words_become_markup(talk: Talk, mug):
    start(talk, mug)
    talk.say("<b>&</b>")
    talk.press("Large")
    assert "<b>&</b>" in talk.press("⏭ Skip")


def birth(talk: Talk, cast: Cast) -> None:
    start(
        talk,
        a_product(cast.tenant, kind=ProductKind.BAZI_REPORT, providers=["stars"], stars=5, name="Report"),
    )


def test_a_birth_chart_asks_for_the_birth(talk: Talk, cast: Cast):
    birth(talk, cast)
    assert "1/6" in talk.texts()[-1]
    talk.say("林小姐")
    talk.press("Female")
    talk.press("Solar calendar")
    assert "⚠️" in talk.say("1990-02-30")[0]
    talk.say("1990-05-17")
    assert "5/6" in talk.texts()[-1]
    talk.say("08:30")
    talk.press("⏭ Skip")
    assert "Date of birth: 1990-05-17" in talk.texts()[-1]
    talk.press("✅ Pay ⭐5 by Telegram Stars")
    inputs = orders()[0].inputs
    assert inputs["birth_hour"] == {"hour": 8, "minute": 30, "exact": True}
    assert inputs["place"] is None


def test_changing_the_calendar_asks_for_the_date_again(talk: Talk, cast: Cast):
    birth(talk, cast)
    talk.say("Lin")
    talk.press("Female")
    talk.press("Solar calendar")
    talk.say("1990-05-17")
    talk.press("⬅️ Back")
    talk.press("⬅️ Back")
    talk.press("Lunar calendar")
    assert form().field == "birth_date"


def test_a_place_of_several_meanings_is_chosen_by_a_button(talk: Talk, cast: Cast, monkeypatch):
    birth(talk, cast)
    for answer in ("Lin", "Female", "Solar calendar", "1990-05-17", "12:00"):
        talk.say(answer)
    assert "several of that name" in talk.say("Suzhou")[0]
    lose_redis()
    chosen = talk.labels()[0]
    assert f"Place of birth: {chosen}" in talk.press(chosen)
    assert forms.answers(form())["place"]["name"] == chosen


def test_an_unknown_place_is_said_kindly_and_may_be_skipped(talk: Talk, cast: Cast):
    birth(talk, cast)
    for answer in ("Lin", "Female", "Solar calendar", "1990-05-17", "unknown"):
        talk.say(answer)
    assert "do not know this place" in talk.say("Atlantis")[0]
    assert "Hour of birth: not known" in talk.press("⏭ Skip")
