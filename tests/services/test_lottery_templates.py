"""Templates, and lotteries that come by themselves."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.lotteries import LotteryState
from app.domain.repeats import Repeat, Rhythm
from app.models import Lottery, LotteryTemplate
from app.services import bots
from app.services.lotteries import lookup, posts, templates
from app.services.lotteries.errors import BadSpec
from tasks import lotteries as tasks
from tests.cast import Cast
from tests.lottery_tools import a_bot, an_open
from tests.racing import at_once

BODY = {"title": "Evening draw", "prizes": [{"name": "Mug"}]}
ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


def a_template(cast: Cast, **body: object) -> LotteryTemplate:
    with transaction():
        return templates.create(cast.tenant.id, a_bot(cast.tenant).id, "Evening", BODY | body, 60)


def repeating(cast: Cast, **body: object) -> LotteryTemplate:
    template = a_template(cast, **body)
    with transaction():
        return templates.set_repeat(template.id, Repeat.DAILY, 20 * 60)


def made(template: LotteryTemplate) -> list[Lottery]:
    query = select(Lottery).where(Lottery.template_id == template.id).order_by(Lottery.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def turn(time, template: LotteryTemplate) -> None:
    """The clock reaches the template's next turn, and the task runs."""
    db.session.refresh(template)
    time.forward(seconds=(template.next_at - clock.now()).total_seconds() + 1)
    for one in templates.list_due():
        tasks._repeat(one, None)
    db.session.refresh(template)


def test_a_lottery_is_made_from_a_template(cast: Cast):
    template = a_template(cast, description="Every evening")
    with transaction():
        lottery = templates.create_from(template.id)
    assert (lottery.title, lottery.description, lottery.state) == (
        "Evening draw",
        "Every evening",
        LotteryState.DRAFT,
    )
    assert timedelta(minutes=59) < lottery.closes_at - clock.now() <= timedelta(hours=1)


def test_a_lottery_is_saved_as_a_template(cast: Cast):
    lottery = an_open(a_bot(cast.tenant), conditions=[{"type": "invites", "count": 3}])
    with transaction():
        template = templates.save_lottery(lottery.id, "Again")
    assert template.body["conditions"] == [{"type": "invites", "count": 3}]
    assert "closes_at" not in template.body
    assert template.duration_minutes == 24 * 60


@pytest.mark.parametrize(
    ("name", "body", "minutes", "field"),
    [
        ("", BODY, 60, "name"),
        ("x" * 81, BODY, 60, "name"),
        ("Evening", BODY, 0, "duration_minutes"),
        ("Evening", BODY | {"closes_at": "2030-01-01T00:00"}, 60, "closes_at"),
        ("Evening", {"title": "No prize"}, 60, "prizes"),
    ],
)
def test_what_is_wrong_with_a_template_is_named(cast: Cast, name, body, minutes, field):
    with pytest.raises(BadSpec) as caught, transaction():
        templates.create(cast.tenant.id, a_bot(cast.tenant).id, name, body, minutes)
    assert caught.value.field == field


def test_each_turn_makes_one_open_lottery(cast: Cast, time):
    template = repeating(cast)
    turn(time, template)
    turn(time, template)
    first, second = made(template)
    assert (first.state, second.state) == (LotteryState.OPEN, LotteryState.OPEN)
    assert second.run_at - first.run_at == timedelta(days=1)
    assert first.closes_at == first.run_at + timedelta(hours=1)
    assert first.run_at.astimezone(ZoneInfo("Asia/Shanghai")).hour == 20


def test_a_turn_is_made_once_however_many_run_it(app: Flask, cast: Cast, time):
    template = repeating(cast)
    template_id = template.id
    time.forward(seconds=(template.next_at - clock.now()).total_seconds() + 1)
    ends = at_once(*[lambda: templates.run_turn(template_id, None) is not None for _ in range(4)])
    assert Counter(ends) == {True: 1, False: 3}
    assert db.session.scalar(select(func.count()).select_from(Lottery)) == 1


def test_after_a_standstill_only_the_latest_turn_is_made(cast: Cast, time):
    template = a_template(cast)
    with transaction():
        templates.change(template.id, "Evening", BODY, 24 * 60)
        templates.set_repeat(template.id, Repeat.DAILY, 20 * 60)
    time.forward(days=10)
    for one in templates.list_due():
        tasks._repeat(one, None)
    [lottery] = made(template)
    assert clock.now() - lottery.run_at < timedelta(days=1)
    assert template.next_at > clock.now()


def test_a_turn_that_is_over_already_is_left_out(cast: Cast, time):
    template = repeating(cast)
    time.forward(seconds=(template.next_at - clock.now()).total_seconds() + 2 * 3600)
    with transaction():
        assert templates.run_turn(template.id, None) is None
    assert template.next_at > clock.now()
    assert made(template) == []


def test_it_pauses_itself_when_its_bot_is_gone(cast: Cast, time):
    template = repeating(cast)
    with transaction():
        bots.remove(template.bot_id)
    turn(time, template)
    assert template.paused_at is not None
    assert template.next_at is None
    assert template.error
    assert made(template) == []


def test_it_pauses_itself_when_its_bot_is_stopped(cast: Cast, time):
    template = repeating(cast)
    with transaction():
        bots.set_enabled(template.bot_id, enabled=False)
    turn(time, template)
    assert "@bot1" in template.error
    assert made(template) == []


def test_a_suspended_tenants_turns_wait(cast: Cast, time):
    template = repeating(cast)
    cast.tenant.suspended_at = clock.now()
    db.session.commit()
    turn(time, template)
    assert made(template) == []
    assert template.paused_at is None


def test_it_pauses_itself_when_no_chat_takes_its_post(cast: Cast, time):
    template = repeating(cast, publish_to=["@gone_channel"])
    turn(time, template)
    [post] = posts.list_posts(made(template)[0].id)
    post.error = "Bad Request: chat not found"
    db.session.commit()
    turn(time, template)
    assert template.error.startswith("@gone_channel")
    assert len(made(template)) == 1


def test_it_goes_on_when_the_boss_says_so(cast: Cast, time):
    template = repeating(cast)
    with transaction():
        templates.pause(template.id)
    assert template.next_at is None
    time.forward(days=3)
    with transaction():
        templates.resume(template.id)
    assert clock.now() < template.next_at <= clock.now() + timedelta(days=1)
    assert template.error is None


def test_a_removed_template_leaves_its_lotteries(cast: Cast, time):
    template = repeating(cast)
    turn(time, template)
    [lottery] = made(template)
    with transaction():
        templates.remove(template.id)
    with pytest.raises(NotFound):
        templates.get(template.id)
    db.session.expire_all()
    assert lookup.get(lottery.id).template_id is None


def test_the_task_runs_due_templates(app: Flask, cast: Cast, time):
    template = repeating(cast)
    time.forward(seconds=(template.next_at - clock.now()).total_seconds() + 1)
    tasks.repeat()
    assert len(made(template)) == 1


@given(zone=ZONES, minute=st.integers(0, 1439), after=MOMENTS)
def test_there_is_one_turn_on_each_day_of_the_wall_clock(zone: str, minute: int, after: datetime):
    tz = ZoneInfo(zone)
    rhythm = Rhythm(Repeat.DAILY, minute, 0, tz)
    moment, days = after, []
    for _ in range(4):
        following = rhythm.next(moment)
        assert following > moment
        wall = following.astimezone(tz)
        # Where the clocks jump over the time, it comes up to an hour later.
        assert 0 <= wall.hour * 60 + wall.minute - minute <= 60
        days.append(wall.date())
        moment = following
    assert [(late - early).days for early, late in pairwise(days)] == [1, 1, 1]


@given(zone=ZONES, minute=st.integers(0, 1380), weekday=st.integers(0, 6), after=MOMENTS)
def test_weekly_turns_keep_their_day(zone: str, minute: int, weekday: int, after: datetime):
    tz = ZoneInfo(zone)
    rhythm = Rhythm(Repeat.WEEKLY, minute, weekday, tz)
    first = rhythm.next(after)
    assert first.astimezone(tz).weekday() == weekday
    assert first - after <= timedelta(days=7, hours=1)
    later = first + timedelta(days=100)
    latest = rhythm.latest(first, later)
    assert latest <= later < rhythm.next(latest)
