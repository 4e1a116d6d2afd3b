"""Lotteries in figures: entries by the clock of the tenant, people found by what somebody typed, chats as a bot sees them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.models import Bot, Lottery, Member
from app.services.lotteries import figures
from app.services.lotteries.chats import Sight, look
from tests.cast import Cast
from tests.lottery_tools import a_bot, an_open, enter
from tests.sandbox_client import Sandbox

ZONE = "Asia/Shanghai"


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


def opened(bot: Bot, ago: timedelta, *joined: timedelta) -> Lottery:
    """A lottery that opened some time ago, with entries after the opening."""
    lottery = an_open(bot)
    enter(lottery, *range(1, len(joined) + 1))
    lottery.opened_at = clock.now() - ago
    with transaction():
        for person, later in enumerate(joined, 1):
            db.session.execute(
                text(
                    "UPDATE lottery_entry SET created_at = :at WHERE lottery_id = :lottery AND telegram_id = :who"
                ),
                {"at": lottery.opened_at + later, "lottery": lottery.id, "who": person},
            )
    return lottery


def test_a_young_lottery_is_counted_by_the_hour(bot: Bot):
    lottery = opened(bot, timedelta(hours=5), timedelta(0), timedelta(0), timedelta(hours=2))
    series = figures.over_time(lottery, ZONE, 3)
    assert series.hourly
    assert [count for _, count in series.points] == [2, 0, 1, 0, 0, 0]
    assert series.points[0][0].tzinfo is None


def test_an_old_one_by_the_day_of_the_tenants_zone(bot: Bot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clock, "now", lambda: datetime.fromisoformat("2026-12-10T03:00:00+00:00"))
    lottery = an_open(bot, closes_at="2026-12-20T00:00:00+00:00")
    lottery.opened_at = datetime.fromisoformat("2026-12-05T03:00:00+00:00")
    enter(lottery, 1)
    with transaction():
        # One o'clock in the morning of the 7th in Shanghai, the 6th in Greenwich.
        db.session.execute(text("UPDATE lottery_entry SET created_at = '2026-12-06T17:00:00+00:00'"))
    series = figures.over_time(lottery, ZONE, 1)
    assert not series.hourly
    assert [at.day for at, count in series.points if count] == [7]


def test_a_long_one_shows_its_newest_days(bot: Bot):
    lottery = opened(bot, timedelta(days=300))
    assert len(figures.over_time(lottery, ZONE, 0).points) == figures.MOST_POINTS


def test_people_are_found_by_number_and_name_of_this_tenant_alone(cast: Cast):
    for home, number, name in (
        (cast.tenant, 11, "Lin"),
        (cast.tenant, 12, None),
        (cast.other_tenant, 13, "Far"),
    ):
        db.session.add(Member(tenant_id=home.id, telegram_id=number, username=name))
    db.session.commit()
    words = ["@lin", "12", "13", "@far", "nobody", "https://t.me/LIN"]
    assert set(figures.find_people(cast.tenant.id, words)) == {11, 12}


def test_a_bot_sees_what_it_may_do_in_a_chat(telegram: Sandbox):
    token = telegram.create_bot("shop_bot", "Shop")["token"]
    channel = telegram.create_chat("channel", "Tea house", username="teahouse")
    group = telegram.create_chat("supergroup", "Tea drinkers", username="teadrinkers")
    assert look(token, "@nobodyknows").sight is Sight.UNKNOWN
    for status, there in (("administrator", Sight.READY), ("left", Sight.OUTSIDE)):
        telegram.set_member(channel["id"], "shop_bot", status)
        assert look(token, "@teahouse").sight is there, status
    telegram.set_member(group["id"], "shop_bot", "member")
    seen = look(token, "@teadrinkers")
    assert (seen.sight, seen.title, seen.url) == (Sight.MEMBER, "Tea drinkers", "https://t.me/teadrinkers")


def test_a_telegram_that_is_away_says_nothing_about_the_chat():
    assert look(f"1000001:{'A' * 35}", "@teahouse").sight is Sight.AWAY
