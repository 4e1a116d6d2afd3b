"""Workers of paid orders: services that fail, caps, signs for the buyer, and processes that end; real HTTP to the sandbox."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain.orders import OrderState, Phase, Step
from app.models import Order, Tenant
from app.services import leases
from app.services.fulfilment import steps, sweep, telling
from bots import order_worker
from bots.telegram.outbox import flush
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.fulfilling import (
    a_credit_product,
    a_report,
    deliver,
    fulfil,
    fulfil_until_told,
    paid,
    reread,
    send,
    sources,
    story,
)
from tests.sandbox_client import LIN, Sandbox
from tests.talking import Talk
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("in_a_hurry")

FIRST_DELIVERY = text("SELECT min(id) FROM order_event WHERE order_id = :id AND why = 'delivering'")


def test_a_report_with_keys_pays_for_one_chart_and_one_text(
    app: Flask, shop: Talk, cast: Cast, keys: Sandbox
):
    order = paid(a_report(cast.tenant), LIN)
    deliver(app, shop)
    assert reread(order).state is OrderState.COMPLETED
    assert sources(order)["text"] == "deepseek"
    assert keys.deepseek_counters()["answered"] == 1
    cost = sum(step.cost_micro for step in steps.list_all(order.id))
    spent = db.session.execute(text("SELECT cost_micro FROM spending ORDER BY telegram_id")).scalars().all()
    assert steps.find(order.id, Step.TEXT).cost_micro > 0
    assert spent == [cost, cost]


def test_a_worker_that_comes_after_a_failure_pays_for_nothing_twice(
    app: Flask, report: Order, keys: Sandbox, time: Clockwork, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> bytes:
        raise RuntimeError("no printer")

    with monkeypatch.context() as patch:
        patch.setattr("app.services.fulfilment.bazi.render", broken)
        fulfil(app)
    assert (reread(report).state, report.error) == (OrderState.PAID, "broken")
    time.forward(minutes=2)
    fulfil(app)
    assert reread(report).phase is Phase.DELIVERING
    assert keys.deepseek_counters()["answered"] == 1
    assert keys.yuanfenju_calls()["answered"] == 1


@pytest.mark.parametrize(("service", "mode"), [("deepseek", "503"), ("yuanfenju", "500")])
def test_an_outage_of_an_hour_costs_few_calls_and_everybody_is_served_after_it(  # noqa: PLR0917 - fixtures
    app: Flask, shop: Talk, time: Clockwork, keys: Sandbox, service: str, mode: str
):
    most = 6
    product = a_report(db.session.get_one(Tenant, shop.config.tenant_id))
    orders = [paid(product, LIN + number, ago=100 - number) for number in range(most)]
    for number in range(most):
        shop.telegram.say(shop.bot, LIN + number, "hi")
    getattr(keys, f"{service}_knobs")(mode)
    hours_pass(app, time, 60)
    assert calls(service) < 100
    assert [reread(one).state for one in orders] == [OrderState.PAID] * most
    assert max(one.attempts for one in orders) <= 5
    getattr(keys, f"{service}_knobs")("ok")
    hours_pass(app, time, 3)
    send(shop.config)
    assert [reread(one).state for one in orders] == [OrderState.COMPLETED] * most
    first = [db.session.scalar(FIRST_DELIVERY, {"id": one.id}) for one in orders]
    # Whoever found out that it is back may be before his turn, all others come in theirs.
    others = [one for one in first if one != min(first)]
    assert others == sorted(others)
    assert db.session.execute(text("SELECT kind FROM shop_alert")).scalars().all() == ["service_down"]
    notes = text("SELECT count(*) FROM outbox WHERE dedupe_key LIKE :key")
    assert db.session.execute(notes, {"key": "order:%:late"}).scalar() == most


def hours_pass(app: Flask, time: Clockwork, minutes: int) -> None:
    """Minute by minute everything is done that can be done."""
    for _ in range(minutes):
        time.forward(minutes=1)
        while fulfil(app):
            pass
        with transaction():
            telling.late_some()


def calls(service: str) -> int:
    """How often our orders asked it, by our own books."""
    step = {"deepseek": "text", "yuanfenju": "chart"}[service]
    query = text("SELECT coalesce(sum(calls), 0) FROM order_step WHERE step = :step")
    return int(db.session.execute(query, {"step": step}).scalar_one())


def test_an_outage_of_telegram_leaves_no_order_behind(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_credit_product(cast.tenant), LIN)
    fulfil(app)
    shop.telegram.order_error(502, "Bad Gateway", bot=shop.bot, count=30)
    for _ in range(10):
        with transaction():
            db.session.execute(text("UPDATE outbox SET not_before = now()"))
        flush(shop.config, threading.Event())
    assert max(db.session.execute(text("SELECT attempts FROM outbox")).scalars()) > 8
    shop.telegram.clear_orders()
    with transaction():
        db.session.execute(text("UPDATE outbox SET not_before = now()"))
    send(shop.config)
    assert reread(order).state is OrderState.COMPLETED


def test_the_days_limit_makes_reports_wait_for_the_next_day(
    app: Flask, report: Order, keys: Sandbox, time: Clockwork, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "ai_buyer_daily_usd", 0.0)
    fulfil(app)
    assert (reread(report).error, report.attempts) == ("spending_cap", 0)
    assert fulfil(app) == 0
    assert db.session.execute(text("SELECT kind FROM shop_alert")).scalars().all() == ["spending_cap"]
    monkeypatch.setattr(get_settings(), "ai_buyer_daily_usd", 2.0)
    time.forward(days=1)
    fulfil(app)
    assert reread(report).phase is Phase.DELIVERING


def test_a_key_that_is_refused_makes_orders_wait_and_the_boss_hear_of_it_once(
    app: Flask, shop: Talk, cast: Cast, keys: Sandbox, time: Clockwork
):
    orders = [paid(a_report(cast.tenant), LIN, ago=number) for number in range(6)]
    keys.deepseek_knobs("401")
    for _ in range(30):
        time.forward(minutes=1)
        fulfil(app)
    assert keys.deepseek_counters()["asked"] < 20
    assert all(reread(one).attempts == 0 for one in orders)
    assert db.session.execute(text("SELECT kind FROM shop_alert")).scalars().all() == ["service_key_bad"]


def test_the_buyer_sees_how_far_it_is(app: Flask, shop: Talk, cast: Cast, keys: Sandbox):
    paid(a_report(cast.tenant), LIN)
    keys.deepseek_knobs("ok", wait=0.5)
    fulfil_until_told(app, shop)
    edits = [call["params"].get("text", "") for call in shop.telegram.calls(shop.bot, "editMessageText")]
    assert any("▰" in one for one in edits)
    assert shop.telegram.calls(shop.bot, "sendChatAction")


def test_a_worker_ends_when_there_is_nothing_to_do(
    app: Flask, shop: Talk, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order_worker, "LINGER_SECONDS", 0.3)
    orders = [paid(a_credit_product(cast.tenant), LIN + number) for number in range(10)]
    order_worker.run(app, threading.Event())
    assert all(reread(one).phase is Phase.DELIVERING for one in orders)
    assert order_worker_is_gone()


def test_a_process_that_ends_lets_go_of_what_takes_too_long(
    app: Flask, report: Order, keys: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order_worker, "LEAVE_SECONDS", 0.2)
    keys.deepseek_knobs("ok", wait=3.0)
    stopping = threading.Event()
    worker = threading.Thread(target=in_scope, args=(app, lambda: order_worker.run(app, stopping)))
    worker.start()
    wait_for(lambda: keys.deepseek_counters().get("asked") == 1, what="a text to be written")
    stopping.set()
    worker.join(10)
    assert (reread(report).state, report.attempts, report.deaths) == (OrderState.PAID, 0, 0)
    wait_for(
        lambda: not [one for one in threading.enumerate() if one.name.startswith("order_")], what="threads"
    )
    assert story(report.id)[-1] == "handed_over"


def in_scope(app: Flask, act: Callable[[], object]) -> None:
    with app.app_context(), system_scope():
        act()


def order_worker_is_gone() -> bool:
    with transaction():
        return leases.held(sweep.KIND, sweep.SLICES)[0] == 0
