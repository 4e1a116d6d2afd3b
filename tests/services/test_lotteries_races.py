"""Several at the same moment: of each move one wins, and nobody slips in while a lottery closes."""

import threading
from collections import Counter
from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select, text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.lotteries import CloseReason, LotteryState
from app.models import LotteryDraw, LotteryEntry, LotteryEvent
from app.services.lotteries import events, lookup, manage
from tests.cast import Cast
from tests.lottery_tools import a_bot, a_draft, an_open, members
from tests.racing import at_once
from tests.waiting import wait_for

# What joining does first; the rest of it is tested with entries.
HOLD = text("SELECT state FROM lottery WHERE id = :id FOR SHARE")
ENTER = text("""
INSERT INTO lottery_entry (tenant_id, lottery_id, telegram_id, bot_id)
SELECT tenant_id, id, :person, bot_id FROM lottery WHERE id = :id
""")


def kinds(lottery_id: int) -> list[str]:
    return [event.kind for event in events.chain(lottery_id)]


def test_it_is_published_once(app: Flask, cast: Cast):
    lottery_id = a_draft(a_bot(cast.tenant)).id
    ends = at_once(*[lambda: manage.publish(lottery_id).state for _ in range(4)])
    assert Counter(ends) == {LotteryState.OPEN: 1, "illegal_move": 3}
    assert kinds(lottery_id) == ["opened"]


def test_six_closers_close_it_once(app: Flask, cast: Cast):
    lottery_id = an_open(a_bot(cast.tenant)).id
    ends = at_once(*[lambda: manage.close(lottery_id, CloseReason.TIME) for _ in range(6)])
    assert Counter(ends) == {True: 1, False: 5}
    assert kinds(lottery_id) == ["opened", "closed"]
    assert db.session.scalar(select(func.count()).select_from(LotteryDraw)) == 1


def test_either_cancelled_or_closed(app: Flask, cast: Cast):
    lottery_id = an_open(a_bot(cast.tenant)).id
    ends = at_once(lambda: manage.cancel(lottery_id, "Sorry").state, lambda: manage.close(lottery_id))
    assert "illegal_move" in ends
    assert kinds(lottery_id) in (["opened", "cancelled"], ["opened", "closed"])


def test_back_to_draft_or_open(app: Flask, cast: Cast):
    lottery_id = an_open(a_bot(cast.tenant), opens_at=clock.now() + timedelta(hours=1)).id
    waiting = lookup.get(lottery_id)
    at_once(lambda: manage.back_to_draft(lottery_id), lambda: manage.open_now(lookup.get(lottery_id), None))
    db.session.refresh(waiting)
    # A draft that the boss took back is not opened behind his back.
    assert (waiting.state, kinds(lottery_id)) in [
        (LotteryState.OPEN, ["opened"]),
        (LotteryState.DRAFT, []),
    ]


def test_two_writers_never_make_the_same_event(app: Flask, cast: Cast):
    lottery_id = an_open(a_bot(cast.tenant)).id
    members(cast.tenant, *range(1, 13))
    at_once(*[lambda one=one: manage.add_by_staff(lottery_id, [one]) for one in range(1, 13)])
    chain = events.chain(lottery_id)
    assert [event.number for event in chain] == list(range(1, 14))
    assert events.verify(chain) is None


def test_a_broken_link_is_found(cast: Cast):
    lottery = an_open(a_bot(cast.tenant))
    with transaction():
        manage.close(lottery.id)
    chain = events.chain(lottery.id)
    forged = LotteryEvent(
        number=1, kind="opened", at=chain[0].at, body="{}", previous=chain[0].previous, hash=chain[0].hash
    )
    assert events.verify([forged, chain[1]]) == 1
    assert events.verify(chain[1:]) == 1


class Crowd:
    """Threads that join without a pause until `stop`."""

    def __init__(self, app: Flask, lottery_id: int, people: int) -> None:
        self.app, self.lottery_id, self.stopped = app, lottery_id, threading.Event()
        self.joined = self.refused = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(one,)) for one in range(people)]
        for thread in self.threads:
            thread.start()

    def _run(self, number: int) -> None:
        person = number * 1_000_000
        with self.app.app_context(), system_scope():
            while not self.stopped.is_set():
                person += 1
                with transaction():
                    state = db.session.scalar(HOLD, {"id": self.lottery_id})
                    if state == "open":
                        db.session.execute(ENTER, {"id": self.lottery_id, "person": person})
                with self.lock:
                    self.joined += state == "open"
                    self.refused += state != "open"
            db.session.remove()

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(20)


def test_closing_gets_through_a_crowd_and_nobody_slips_in(app: Flask, cast: Cast):
    lottery_id = an_open(a_bot(cast.tenant)).id
    count = select(func.count()).select_from(LotteryEntry)
    crowd = Crowd(app, lottery_id, 8)
    wait_for(lambda: crowd.joined > 50)
    with transaction():
        manage.close(lottery_id)
        sealed = db.session.scalar(count)
    wait_for(lambda: crowd.refused > 20)
    crowd.stop()
    assert db.session.scalar(count) == sealed == crowd.joined
