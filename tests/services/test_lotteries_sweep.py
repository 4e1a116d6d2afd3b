"""What is due is done: opening, closing, ringing again."""

from datetime import timedelta
from itertools import chain

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, transaction
from app.core.settings import get_settings
from app.domain.beacon import QUICKNET
from app.domain.lotteries import CloseReason, LotteryState
from app.models import Lottery
from app.services.lotteries import events, lookup, manage, sweep, templates
from tasks import lotteries as tasks
from tests.cast import Cast
from tests.lottery_tools import a_bot, an_open, enter
from tests.racing import at_once


def swept(beacon=None) -> None:
    """What the task does, without its slot."""
    due = sweep.find()
    for step in chain(sweep.closings(due), sweep.openings(due, beacon)):
        with transaction():
            step()
    db.session.expire_all()


def in_an_hour():
    return clock.now() + timedelta(hours=1)


def test_a_scheduled_lottery_opens_at_its_moment(cast: Cast, time):
    lottery = an_open(a_bot(cast.tenant), opens_at=in_an_hour())
    swept()
    assert lookup.get(lottery.id).state is LotteryState.SCHEDULED
    time.forward(hours=1)
    swept()
    assert lookup.get(lottery.id).state is LotteryState.OPEN


def test_an_open_one_is_closed_by_time(cast: Cast, time):
    lottery = an_open(a_bot(cast.tenant))
    swept()
    assert lookup.get(lottery.id).state is LotteryState.OPEN
    time.forward(days=1)
    swept()
    assert lookup.get(lottery.id).close_reason is CloseReason.TIME


def test_a_full_one_is_closed_where_the_boss_wants_it(cast: Cast):
    bot = a_bot(cast.tenant)
    ends = an_open(bot, max_entries=2, closes_when_full=True)
    stays = an_open(bot, max_entries=2)
    for lottery in (ends, stays):
        enter(lottery, 1, 2)
    swept()
    assert lookup.get(ends.id).close_reason is CloseReason.FULL
    assert lookup.get(stays.id).state is LotteryState.OPEN


def test_one_that_missed_its_whole_time_is_cancelled_in_public(cast: Cast, time):
    lottery = an_open(a_bot(cast.tenant), opens_at=in_an_hour())
    time.forward(days=3)
    swept()
    assert lookup.get(lottery.id).state is LotteryState.CANCELLED
    assert [event.kind for event in events.chain(lottery.id)] == ["cancelled"]


def test_an_opening_waits_a_minute_for_the_beacon(cast: Cast, time, monkeypatch: pytest.MonkeyPatch):
    lottery = an_open(a_bot(cast.tenant), opens_at=in_an_hour())
    monkeypatch.setattr(get_settings(), "drand_urls", ["https://relay.example"])
    time.forward(minutes=60.5)
    swept()
    assert lookup.get(lottery.id).state is LotteryState.SCHEDULED
    swept(QUICKNET)
    assert lookup.get(lottery.id).announced_round is not None


def test_without_the_beacon_it_opens_and_says_so(cast: Cast, time, monkeypatch: pytest.MonkeyPatch):
    lottery = an_open(a_bot(cast.tenant), opens_at=in_an_hour())
    monkeypatch.setattr(get_settings(), "drand_urls", ["https://relay.example"])
    time.forward(minutes=61.5)
    swept()
    assert lookup.get(lottery.id).state is LotteryState.OPEN
    assert '"beacon":null' in events.chain(lottery.id)[0].body


def test_three_sweeps_at_once_open_and_close_once(app: Flask, cast: Cast, time):
    bot = a_bot(cast.tenant)
    opening = an_open(bot, opens_at=in_an_hour(), closes_at=clock.now() + timedelta(days=5)).id
    closing = an_open(bot, closes_at=in_an_hour()).id
    time.forward(hours=2)
    due = sweep.find()
    assert (due.opening, due.closing) == ([opening], [(closing, CloseReason.TIME)])
    at_once(*[lambda: [step() for step in sweep.closings(due)] for _ in range(3)])
    at_once(*[lambda: [step() for step in sweep.openings(due, None)] for _ in range(3)])
    assert [event.kind for event in events.chain(opening)] == ["opened"]
    assert [event.kind for event in events.chain(closing)] == ["opened", "closed"]


def test_the_oldest_come_first_and_in_batches(cast: Cast, time, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweep, "BATCH", 2)
    bot = a_bot(cast.tenant)
    late, middle, early = (an_open(bot, closes_at=clock.now() + timedelta(hours=h)).id for h in (3, 2, 1))
    time.forward(hours=4)
    assert [one for one, _ in sweep.find().closing] == [early, middle]
    swept()
    assert [one for one, _ in sweep.find().closing] == [late]


def test_draws_and_what_follows_are_asked_for_again(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    bot = a_bot(cast.tenant)
    drawing, cancelled = an_open(bot), an_open(bot)
    with transaction():
        manage.close(drawing.id)
        manage.cancel(cancelled.id, "Sorry")
    sent = []
    monkeypatch.setattr("app.core.queue.send", lambda name, *args: sent.append((name, *args)))
    with transaction():
        sweep.ring()
    assert sent == [(TaskName.LOTTERIES_DRAW, drawing.id), (TaskName.LOTTERIES_SETTLE, cancelled.id)]


def test_the_task_does_it_all(app: Flask, cast: Cast, time):
    lottery = an_open(a_bot(cast.tenant))
    time.forward(days=1)
    tasks.sweep()
    db.session.expire_all()
    assert lookup.get(lottery.id).state is LotteryState.DRAWING


def test_one_that_is_held_stops_no_other(app: Flask, cast: Cast, time, monkeypatch: pytest.MonkeyPatch):
    def impatient(lottery_id: int, reason: CloseReason, close=sweep.close_one) -> bool:
        db.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        return close(lottery_id, reason)

    monkeypatch.setattr(sweep, "close_one", impatient)
    bot = a_bot(cast.tenant)
    held, free = an_open(bot, closes_at=in_an_hour()).id, an_open(bot).id
    time.forward(days=1)
    with db.engine.begin() as holder:
        holder.execute(text("SELECT set_config('laoban.tenant', '*', true)"))
        holder.execute(text("SELECT id FROM lottery WHERE id = :id FOR SHARE"), {"id": held})
        tasks.sweep()
    db.session.expire_all()
    assert lookup.get(held).state is LotteryState.OPEN
    assert lookup.get(free).state is LotteryState.DRAWING


def test_one_that_breaks_stops_no_other(app: Flask, cast: Cast, time, monkeypatch: pytest.MonkeyPatch):
    bot = a_bot(cast.tenant)
    broken, sound = an_open(bot, closes_at=in_an_hour()).id, an_open(bot).id
    opening = an_open(bot, opens_at=in_an_hour(), closes_at=clock.now() + timedelta(days=5)).id

    def fragile(lottery_id: int, reason: CloseReason, close=sweep.close_one) -> bool:
        return close(lottery_id, reason) if lottery_id != broken else 1 / 0 > 0

    monkeypatch.setattr(sweep, "close_one", fragile)
    time.forward(days=1)
    with pytest.raises(ExceptionGroup) as caught:
        tasks.sweep()
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]
    db.session.expire_all()
    states = [lookup.get(one).state for one in (broken, sound, opening)]
    assert states == [LotteryState.OPEN, LotteryState.DRAWING, LotteryState.OPEN]


def test_a_template_that_breaks_stops_no_other(app: Flask, monkeypatch: pytest.MonkeyPatch):
    turned = []
    monkeypatch.setattr(templates, "list_due", lambda: [0, 7])
    monkeypatch.setattr(templates, "run_turn", lambda number, beacon: turned.append(7 // number))
    with pytest.raises(ExceptionGroup):
        tasks.repeat()
    assert turned == [1]


def test_a_suspended_tenants_opening_waits_and_his_closing_does_not(cast: Cast, time):
    bot = a_bot(cast.tenant)
    opening = an_open(bot, opens_at=in_an_hour(), closes_at=clock.now() + timedelta(days=5)).id
    closing = an_open(bot, closes_at=in_an_hour()).id
    cast.tenant.suspended_at = clock.now()
    db.session.commit()
    time.forward(hours=2)
    swept()
    assert lookup.get(opening).state is LotteryState.SCHEDULED
    assert lookup.get(closing).state is LotteryState.DRAWING
    cast.tenant.suspended_at = None
    db.session.commit()
    swept()
    assert lookup.get(opening).state is LotteryState.OPEN


MANY = text("""
INSERT INTO lottery (tenant_id, bot_id, code, title, state, opens_at, closes_at, closes_when_full, seed, salt, commitment)
SELECT tenant_id, id, 'C' || n, 'Draw',
       (ARRAY['open', 'scheduled', 'drawing', 'drawn', 'cancelled', 'draft', 'open'])[n % 7 + 1],
       now() + make_interval(mins => n), now() + make_interval(mins => n), n % 7 = 6, '', '', ''
FROM bot CROSS JOIN generate_series(1, 3000) AS n
""")
QUESTIONS = (
    "tenant_id = {tenant} AND state = 'open' AND closes_at > now() ORDER BY closes_at, id",
    "state = 'open' AND closes_at <= now() ORDER BY closes_at",
    "state = 'scheduled' AND opens_at <= now() ORDER BY opens_at",
    "state = 'drawing' ORDER BY closes_at",
    "settled_at IS NULL AND (state = 'drawn' OR state = 'cancelled') ORDER BY id",
    "state = 'open' AND closes_when_full ORDER BY id",
)


@pytest.fixture
def tidy(app: Flask) -> None:
    """Without the rows that other tests took back, which make every index look dear."""
    owner = create_engine(get_settings().migration_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.exec_driver_sql("VACUUM FULL lottery")
    owner.dispose()


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize("condition", QUESTIONS)
def test_no_question_reads_the_whole_table(cast: Cast, condition: str):
    a_bot(cast.tenant)
    db.session.execute(MANY)
    db.session.execute(text("ANALYZE lottery"))
    question = f"EXPLAIN SELECT id FROM lottery WHERE {condition} LIMIT 6"
    plan = "\n".join(db.session.execute(text(question.format(tenant=cast.tenant.id))).scalars())
    assert "Index" in plan
    assert "Seq Scan" not in plan
    db.session.rollback()


def test_nothing_is_due_in_an_empty_house(cast: Cast):
    assert sweep.find() == sweep.Due([], [])
    assert db.session.query(Lottery).count() == 0
