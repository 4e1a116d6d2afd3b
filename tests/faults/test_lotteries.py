"""Draws by real workers that are killed on the way, without a beat, without what was in Redis, and after hours of nobody.

Without DRAW_DEATHS=all the workers die at five of the points only (and twice anywhere), since each needs seconds to come back.
"""

import os
import random
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.faults.conftest import Keeper
from tests.faults.deaths import POINTS, SENDING
from tests.faults.drawing import House
from tests.faults.test_updates import flush, restart
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]
WORKERS = ("worker", "worker2")
SOME = ["closing", "revealed", "asking", "winning", "sent"]
ALL = [point for point in (*POINTS, *SENDING) if point != "redrawing"]
DEADLY = ALL if os.environ.get("DRAW_DEATHS") == "all" else SOME


@pytest.fixture(scope="module")
def house(faulty: Stack, tmp_path_factory: pytest.TempPathFactory) -> House:
    return House.build(faulty, tmp_path_factory.mktemp("house"))


def test_workers_killed_on_the_way_draw_once_and_tell_everybody(stack: Stack, house: House, deaths: Path):
    lottery = house.open("Killed", seconds=20)
    for point in DEADLY:
        (deaths / point).touch()
    too_many = "Too Many Requests: retry after 2"
    stack.sandbox.order_error(
        429, too_many, bot=house.telegram, method="getChatMember", retry_after=2, count=2
    )
    began = time.monotonic()
    with Keeper(stack, *WORKERS) as keeper:
        lottery.reach("EXISTS (SELECT FROM lottery_candidate c WHERE c.lottery_id = l.id)", seconds=120)
        kill_one(stack)
        lottery.reach("l.state = 'drawn'", seconds=120)
        kill_one(stack)
        lottery.settle(seconds=120)
    assert list(deaths.iterdir()) == []
    assert keeper.restarts >= len(DEADLY) + 2
    again = lottery.check()
    lottery.verify()
    figures = (
        f"{keeper.restarts} deaths, settled after {time.monotonic() - began:.0f} s, {again} sent once more\n"
    )
    sys.stdout.write(figures)


def kill_one(stack: Stack) -> None:
    """One of the workers, whichever is at work."""
    alive = wait_for(lambda: [one for one in WORKERS if stack.lives(one)], what="a worker")
    stack.kill9(random.choice(alive))


def test_without_a_beat_workers_close_and_draw_it(stack: Stack, house: House):
    stack.kill9("beat")
    lottery = house.open("Beatless", seconds=15)
    lottery.settle(seconds=60)
    assert not stack.lives("beat")
    assert lottery.check() == 0
    lottery.verify()


def test_a_flushed_redis_does_not_end_a_draw(stack: Stack, house: House):
    lottery = house.open("Flushed")
    stack.sandbox.order_latency(300, bot=house.telegram, method="getChatMember")
    lottery.close()
    lottery.reach("EXISTS (SELECT FROM lottery_candidate c WHERE c.lottery_id = l.id AND c.state = 'passed')")
    flush(stack)
    lottery.settle(seconds=60)
    assert lottery.check() == 0
    lottery.verify()


def test_a_postgresql_that_restarts_while_a_list_is_sealed(stack: Stack, house: House, deaths: Path):
    lottery = house.open("Sealed")
    hold, here = deaths / "sealing.hold", deaths / "sealing.here"
    hold.touch()
    lottery.close()
    wait_for(here.exists, seconds=20, what="a worker to seal")
    restart(stack.postgres)
    hold.unlink()
    here.unlink()
    lottery.settle(seconds=60)
    assert lottery.check() == 0
    lottery.verify()


def test_after_hours_without_workers_it_is_drawn(stack: Stack, house: House):
    lottery = house.open("Nobody")
    for name in WORKERS:
        stack.kill9(name)
    # The record tells another closing time then, so nothing is verified here.
    stack.sql(
        "UPDATE lottery SET closes_at = now() - interval '5 hours', opened_at = now() - interval '9 hours' WHERE id = %s",
        lottery.id,
    )
    stack.up(*WORKERS)
    lottery.settle(seconds=60)
    assert lottery.check() == 0
