"""Workers that are killed at every point of an order, and one that sleeps through the end of its lease.

Without ORDER_DEATHS=all there is one death at each of a few points; with it, five at every one.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.db import db
from app.domain.orders import OrderState
from tests.cast import Cast
from tests.faults.order_deaths import PAID_TWICE, POINTS
from tests.fulfilling import a_report, paid, reread, story
from tests.sandbox_client import LIN, Json, Sandbox
from tests.talking import make_bot
from tests.waiting import wait_for

ALL = os.environ.get("ORDER_DEATHS") == "all"
ROUNDS = int(os.environ.get("ORDER_ROUNDS", "5" if ALL else "1"))
DEADLY = list(POINTS) if ALL else ["claimed", "written", "sent"]
KEY = "sk-test"


@pytest.fixture
def shop(telegram: Sandbox, cast: Cast) -> Json:
    """Tenant A's bot at Telegram, which Lin has started."""
    there, _ = make_bot(telegram, cast.tenant)
    telegram.say(there, LIN, "hi")
    telegram.yuanfenju_key(KEY)
    telegram.deepseek_key(KEY)
    return there


def start(telegram: Sandbox, folder: Path) -> "subprocess.Popen[str]":
    """Real processes that work until every order is done."""
    services = {
        "TELEGRAM_API_URL": telegram.url,
        "YUANFENJU_API_URL": telegram.yuanfenju_url,
        "YUANFENJU_API_KEY": KEY,
        "DEEPSEEK_API_URL": telegram.deepseek_url,
        "DEEPSEEK_API_KEY": KEY,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.fulfiller", str(folder)],
        env=os.environ | services,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def work(telegram: Sandbox, folder: Path) -> int:
    """Lets them work to the end; how many were killed on the way."""
    with start(telegram, folder) as process:
        said, broken = process.communicate(timeout=120)
    assert process.returncode == 0, broken[-3000:]
    return int(said.split()[-1])


def answered(telegram: Sandbox) -> tuple[int, int]:
    """(charts, texts) that were paid for."""
    return telegram.yuanfenju_calls().get("answered", 0), telegram.deepseek_counters().get("answered", 0)


@pytest.mark.timeout(120 * ROUNDS)
@pytest.mark.parametrize("point", DEADLY)
def test_killed_anywhere_an_order_is_delivered_once(
    point: str, telegram: Sandbox, shop: Json, cast: Cast, tmp_path: Path
):
    product = a_report(cast.tenant)
    for number in range(ROUNDS):
        before = answered(telegram)
        order = paid(product, LIN)
        (tmp_path / point).touch()
        assert work(telegram, tmp_path) == 1
        assert reread(order).state is OrderState.COMPLETED, order.error
        charts, texts = (after - was for after, was in zip(answered(telegram), before, strict=True))
        extra = charts + texts - 2
        assert 0 <= extra <= (1 if point in PAID_TWICE else 0)
        books = [one for one in telegram.messages(shop, LIN) if "document" in one]
        assert len(books) == number + 1
        told = text("SELECT count(*) FROM outbox WHERE dedupe_key LIKE :key AND method = 'sendMessage'")
        parts = db.session.execute(told, {"key": f"order:{order.id}:text:%"}).scalar()
        assert parts


def test_a_worker_that_slept_through_its_lease_writes_nothing(
    telegram: Sandbox, shop: Json, cast: Cast, tmp_path: Path
):
    order = paid(a_report(cast.tenant), LIN)
    sleepy, quick = tmp_path / "sleepy", tmp_path / "quick"
    sleepy.mkdir()
    quick.mkdir()
    (sleepy / "printing.hold").touch()
    with start(telegram, sleepy) as sleeper:
        wait_for((sleepy / "printing.here").exists, seconds=60, what="somebody to print")
        os.killpg(sleeper.pid, signal.SIGSTOP)
        assert work(telegram, quick) == 0
        done = lines(order.id)
        (sleepy / "printing.hold").unlink()
        os.killpg(sleeper.pid, signal.SIGCONT)
        _, said = sleeper.communicate(timeout=60)
    assert sleeper.returncode == 0, said[-3000:]
    assert "taken over" in said
    assert lines(order.id) == done
    assert reread(order).state is OrderState.COMPLETED
    assert sum("document" in one for one in telegram.messages(shop, LIN)) == 1


def lines(order_id: int) -> list[str]:
    found = story(order_id)
    db.session.rollback()
    return found
