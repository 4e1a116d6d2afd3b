"""Ordering a birth report: its questions in the bot."""

import pytest

from app.domain.products import ProductKind
from app.services.orders import forms
from tests.bots.order_talk import form, lose_redis, orders, start
from tests.cast import Cast
from tests.shopping import a_product
from tests.talking import Talk

pytestmark = pytest.mark.usefixtures("in_a_hurry")


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
