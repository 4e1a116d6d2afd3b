"""kill -9 in the middle of closing, sealing, ordering, asking again, winning, paying, telling and drawing anew."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.models import Bot, CreditPosting, Lottery
from app.services.lotteries import lookup, winners
from tests.cast import Cast
from tests.drawing import FIRST, kinds, messages, verdict
from tests.drawing import winners as holding
from tests.faults.deaths import POINTS
from tests.lottery_tools import an_open, enter, members
from tests.sandbox_client import Sandbox
from tests.talking import make_bot

pytestmark = pytest.mark.timeout(240)
ROOT = Path(__file__).parents[2]
PEOPLE, LOTTERIES, MOST_LIVES = 12, 3, 30
CHANNEL = [{"type": "channel", "chat": "@teahouse"}]
PRIZES = [{"name": "Mug", "quantity": 2}, {"name": "Credits", "quantity": 2, "credits": 5}]


def lotteries(telegram: Sandbox, cast: Cast) -> list[Lottery]:
    """Ones that close in a moment, of a bot that sees who is in @teahouse; of twelve entrants every third has left it."""
    there, config = make_bot(telegram, cast.tenant)
    telegram.crowd([there["username"]], users=PEOPLE, text="hi", first_user=FIRST)
    inside = {str(FIRST + n): "member" if n % 3 else "left" for n in range(PEOPLE)}
    telegram.create_chat("channel", "Tea house", username="teahouse", members=inside)
    telegram.set_member("@teahouse", there["username"], "administrator")
    members(cast.tenant, *range(FIRST, FIRST + PEOPLE))
    bot = db.session.get_one(Bot, config.id)
    soon = (clock.now() + timedelta(seconds=3)).replace(microsecond=0)
    made = [an_open(bot, prizes=PRIZES, conditions=CHANNEL, closes_at=soon) for _ in range(LOTTERIES)]
    for one in made:
        enter(one, *range(FIRST, FIRST + PEOPLE))
    with transaction():
        db.session.execute(text("UPDATE lottery_entry SET conditions = '0:1:1795160000'"))
    return made


def start(deaths: Path, telegram: Sandbox, count: int) -> list[int]:
    """Runs so many workers at the same time; how they ended."""
    command = [sys.executable, "-m", "tests.faults.drawer", str(deaths)]
    env = os.environ | {"TELEGRAM_API_URL": telegram.url}
    crew = [subprocess.Popen(command, cwd=ROOT, env=env) for _ in range(count)]
    return [one.wait(150) for one in crew]


def live(deaths: Path, telegram: Sandbox) -> Counter[int]:
    """Two workers at a time, replaced when they die, until both found nothing more to do; how they ended."""
    ends = Counter[int]()
    while ends.total() < MOST_LIVES:
        statuses = start(deaths, telegram, 2)
        ends.update(statuses)
        if statuses == [0, 0]:
            break
    return ends


def test_six_processes_draw_one_result(telegram: Sandbox, cast: Cast, tmp_path: Path):
    made = lotteries(telegram, cast)
    assert start(tmp_path, telegram, 6) == [0] * 6
    for one in made:
        with transaction():
            winners.redraw(one.id, 1, "Did not answer")
    assert start(tmp_path, telegram, 2) == [0] * 2
    for one in made:
        one_result(one)


def test_killed_at_thirteen_points_each_lottery_is_drawn_once(telegram: Sandbox, cast: Cast, tmp_path: Path):
    made = lotteries(telegram, cast)
    for point in POINTS:
        (tmp_path / point).touch()
    ends = live(tmp_path, telegram)
    for one in made:
        with transaction():
            winners.redraw(one.id, 1, "Did not answer")
    ends += live(tmp_path, telegram)
    assert list(tmp_path.iterdir()) == []
    assert ends[-signal.SIGKILL] == len(POINTS)
    assert set(ends) == {0, -signal.SIGKILL}
    for one in made:
        one_result(one)


def one_result(lottery: Lottery) -> None:
    """The public record tells of one draw and one redraw, and the winners were told and paid accordingly."""
    held = holding(lottery)
    assert kinds(lottery) == ["opened", "closed", "sealed", "revealed", "drawn", "redrawn"]
    assert verdict(lottery).ok, verdict(lottery).mismatch
    assert [(one.slot, one.turn) for one in held] == [(1, 0), (1, 1), (2, 0), (3, 0), (4, 0)]
    assert all((one.telegram_id - FIRST) % 3 for one in held)
    told = [chat for chat, _ in messages(lottery)]
    assert sorted(told) == sorted(one.telegram_id for one in held)
    assert lookup.get(lottery.id).settled_at is not None
    query = db.session.query(CreditPosting).filter(
        CreditPosting.reference.startswith(f"lottery:{lottery.id}:")
    )
    assert [row.amount for row in query] == [5, 5]
