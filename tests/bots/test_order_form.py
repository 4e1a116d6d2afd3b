"""Ordering in the bot: question by question, back, changed, refused, half filled in, confirmed once."""

import pytest

from app.core.db import db
from app.domain.sending import utf16_length
from app.models import ProductVisit
from app.services.orders import forms
from tests.bots.order_talk import (
    PAY,
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
    assert "Who is it for: Aunt Li" in said
    assert "Which size: Large" in said
    assert "A wish: no answer" in said
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


@pytest.mark.parametrize("wrong", ["", "Middle", "3", "x" * 5000])
def test_a_wrong_answer_is_refused_kindly_and_the_question_stays(talk: Talk, mug, wrong: str):
    start(talk, mug)
    talk.say("Aunt Li")
    give(talk.config, message=message(wrong, message_id=10**8))
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
    assert "Which size: Small" in talk.press("Small")
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


def test_a_product_that_went_off_sale_is_said_at_the_next_step(talk: Talk, mug):
    start(talk, mug)
    change(mug, state="off_sale")
    assert "not on sale any more" in talk.say("Aunt Li")[0]
    assert form() is None


def test_questions_that_the_boss_changed_meanwhile_are_asked_as_they_are_now(talk: Talk, mug):
    start(talk, mug)
    talk.say("Aunt Li")
    change(mug, fields=[{"key": "who", "label": "Who?"}, {"key": "colour", "label": "Colour?"}])
    talk.press("Large")
    assert "Colour?" in talk.texts()[-1]
    talk.say("red")
    talk.press(PAY)
    assert orders()[0].inputs == {"who": "Aunt Li", "colour": "red"}


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


def test_long_answers_give_way_so_that_the_summary_fits(talk: Talk, cast: Cast):
    asked = [
        {"key": f"k{number}", "label": f"{number}" * 60, "kind": "text", "max_length": 1000}
        for number in range(9)
    ]
    start(talk, a_mug(cast.tenant, fields=asked))
    for _ in asked:
        said = talk.say("\U0001f375" * 400)[0]
    assert "Is everything right?" in said
    assert utf16_length(said) <= 4096
    talk.press(PAY)
    assert len(orders()[0].inputs["k8"]) == 400
    assert "…" in talk.press("📦 Show the order")


def test_nobodys_words_become_markup(talk: Talk, mug):
    start(talk, mug)
    talk.say("<b>&</b>")
    talk.press("Large")
    assert "<b>&</b>" in talk.press("⏭ Skip")
