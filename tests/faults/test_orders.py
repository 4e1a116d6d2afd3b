"""Workers that are killed at every point of an order, and one that sleeps through the end of its lease.

Without ORDER_DEATHS=all each point is one death; with it, five.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.settings import get_settings
from app.domain.orders import OrderState
from tests.cast import Cast
from tests.faults.order_deaths import PAID_TWICE, POINTS
from tests.fulfilling import a_report, paid, reread
from tests.sandbox_client import LIN, Json, Sandbox
from tests.talking import make_bot

ROUNDS = 5 if os.environ.get("ORDER_DEATHS") == "all" else 1
KEY = "sk-test"


@pytest.fixture
def shop(telegram: Sandbox, cast: Cast) -> Json:
    """Tenant A's bot at Telegram, which Lin has started."""
    there, _ = make_bot(telegram, cast.tenant)
    telegram.say(there, LIN, "hi")
    telegram.yuanfenju_key(KEY)
    telegram.deepseek_key(KEY)
    return there


def work(telegram: Sandbox, folder: Path) -> int:
    """Real processes until every order is done; how many of them were killed."""
    services = {
        "TELEGRAM_API_URL": telegram.url,
        "YUANFENJU_API_URL": telegram.yuanfenju_url,
        "YUANFENJU_API_KEY": KEY,
        "DEEPSEEK_API_URL": telegram.deepseek_url,
        "DEEPSEEK_API_KEY": KEY,
    }
    command = [sys.executable, "-m", "tests.faults.fulfiller", str(folder)]
    done = subprocess.run(
        command, env=os.environ | services, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return int(done.stdout.split()[-1])


def answered(telegram: Sandbox) -> tuple[int, int]:
    """(charts, texts) that were paid for."""
    return telegram.yuanfenju_calls().get("answered", 0), telegram.deepseek_counters().get("answered", 0)


@pytest.mark.timeout(120 * ROUNDS)
@pytest.mark.parametrize("point", POINTS)
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


def test_the_sandbox_and_the_settings_are_ours(app: Flask):
    assert get_settings().telegram_api_url.startswith("http://127.0.0.1")
