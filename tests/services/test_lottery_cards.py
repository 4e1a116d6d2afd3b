"""A lottery in words: escaped, short enough, in two languages, telling nobody's whole name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.i18n import EN, LOCALES, ZH
from app.domain.lotteries import (
    Condition,
    ConditionKind,
    LotterySpec,
    LotteryState,
    PrizeSpec,
    TicketRules,
)
from app.domain.sending import visible_length
from app.domain.wording import Place
from app.services.lotteries.cards import Facts, Won, caption, card, masked, result

CLOSES = datetime(2026, 12, 1, 12, tzinfo=UTC)
BEIJING = Place(EN, "Asia/Shanghai")
SPEC = LotterySpec(
    "Ten <phones>", [PrizeSpec("Phone & case", 10), PrizeSpec("Points", 5, credits=100)], CLOSES
)
EVERYTHING = LotterySpec(
    "🎁" * 60,
    [PrizeSpec("🏆" * 40, 500, 10**12) for _ in range(20)],
    CLOSES,
    description="&<>🎉" * 500,
    conditions=[
        *(Condition(ConditionKind.CHANNEL, chat=f"@channel_{n}", title="<频道>" * 20) for n in range(5)),
        Condition(ConditionKind.INVITES, 3),
        Condition(ConditionKind.CREDITS, 10),
        Condition(ConditionKind.ACCOUNT_AGE, 7),
    ],
    tickets=TicketRules(1, 2, "@channel_1", 5, 100),
    max_entries=1000,
    closes_when_full=True,
    claim_hours=48,
)
FACTS = Facts(entries=123, commitment="ab" * 32, link="https://shop.example/l/ABCDEF")


def test_a_card_escapes_what_the_boss_wrote():
    text = card(SPEC, FACTS, BEIJING)
    assert "<b>Ten &lt;phones&gt;</b>" in text
    assert "🥇 Phone &amp; case \u00d7 10" in text
    assert "🥈 Points \u00d7 5 (100 credits each)" in text


def test_a_card_names_the_time_in_the_boss_s_zone_and_what_is_left_of_it():
    facts = Facts(now=CLOSES - timedelta(days=2, hours=3, minutes=4))
    assert "2026-12-01 20:00 Beijing time (2 d 3 h left)" in card(SPEC, facts, BEIJING)
    assert "2026-12-01 17:30 (UTC+5:30)" in card(SPEC, FACTS, Place(EN, "Asia/Kolkata"))
    assert "left" not in card(SPEC, FACTS, BEIJING)


@pytest.mark.parametrize("locale", LOCALES)
def test_whatever_the_boss_enters_fits_into_a_message_and_under_a_picture(locale):
    place = Place(locale, "Asia/Shanghai")
    assert visible_length(card(EVERYTHING, FACTS, place)) <= 4096
    assert visible_length(caption(EVERYTHING, FACTS, place)) <= 1024


def test_a_long_description_gives_way_before_anything_else():
    long = LotterySpec("Phones", SPEC.prizes, CLOSES, description="x" * 2000)
    text = caption(long, FACTS, BEIJING)
    assert visible_length(text) == 1024
    assert "x…\n" in text
    assert "Points \u00d7 5" in text
    assert "https://shop.example/l/ABCDEF" in text


def test_the_channel_keeps_enough_of_the_commitment_to_hold_the_boss_to_it():
    assert "<code>" + "ab" * 16 + "</code>" in card(SPEC, FACTS, BEIJING)


def test_a_sealed_list_leaves_its_root_in_the_channel():
    assert "<code>" + "cd" * 16 + "</code>" in card(SPEC, replace(FACTS, root="cd" * 32), BEIJING)


@pytest.mark.parametrize(
    ("state", "words"),
    [(LotteryState.DRAWING, "the draw is running"), (LotteryState.DRAWN, "Drawn"), (LotteryState.OPEN, "")],
)
def test_a_card_says_where_the_lottery_is(state, words):
    assert words in card(SPEC, Facts(state=state), BEIJING)


def test_a_cancelled_one_says_why():
    facts = Facts(state=LotteryState.CANCELLED, cancel_reason="<sold out>")
    assert "Cancelled: &lt;sold out&gt;" in card(SPEC, facts, BEIJING)


def test_a_condition_leads_to_its_channel():
    spec = LotterySpec(
        "x", SPEC.prizes, CLOSES, conditions=[Condition(ConditionKind.CHANNEL, chat="@news_1")]
    )
    assert '<a href="https://t.me/news_1">@news_1</a>' in card(spec, FACTS, BEIJING)


def test_a_result_shows_first_letters_only():
    text = result("Phones", [Won(SPEC.prizes[0], ["王小明", "Lin"])], 99, BEIJING, "https://shop.example/l/A")
    assert "王***" in text
    assert "L***" in text
    assert "小明" not in text
    assert "https://shop.example/l/A" in text


def test_a_result_with_many_winners_says_how_many():
    text = result("Phones", [Won(SPEC.prizes[0], ["Lin"] * 31)], 99, BEIJING)
    assert "31 winners" in text
    assert "L***" not in text


def test_a_name_of_nothing_is_masked_too():
    assert masked("  ") == "***"


def test_chinese_readers_get_no_english():
    assert Place(ZH, "Asia/Shanghai").t("Draw: %(time)s", time=1)
