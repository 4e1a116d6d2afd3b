"""Services that refuse our key, and what they learn about buyers; real HTTP to the sandbox."""

import re

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.bazi import ChartSource
from app.domain.orders import OrderState, Step
from app.domain.payments import Service
from app.models import Order, ShopAlert
from app.services import service_accounts
from app.services.fulfilment import steps
from app.services.fulfilment.kept import chart_of
from app.services.reports.chart import INSTEAD
from tests.cast import Cast
from tests.fulfilling import a_report, deliver, fulfil, paid, reread
from tests.sandbox_client import LIN, Sandbox
from tests.talking import Talk

pytestmark = pytest.mark.usefixtures("in_a_hurry")


@pytest.mark.parametrize("mode", ["bad_key", "quota"])
def test_a_refused_key_for_charts_holds_up_no_report(
    app: Flask, shop: Talk, report: Order, keys: Sandbox, mode: str
):
    keys.yuanfenju_knobs(mode)
    deliver(app, shop)
    assert reread(report).state is OrderState.COMPLETED
    chart = chart_of(report.id)
    assert (chart.source, chart.notes[-1]) == (ChartSource.BUILT_IN, INSTEAD)
    alert = db.session.query(ShopAlert).one()
    assert (alert.kind, alert.details["service"]) == ("service_key_bad", "yuanfenju")


def test_a_chart_by_the_operators_key_counts_for_both_caps(app: Flask, report: Order, keys: Sandbox):
    fulfil(app)
    assert chart_of(report.id).source is ChartSource.YUANFENJU
    costs = {step.step: step.cost_micro for step in steps.list_all(report.id)}
    assert costs[Step.CHART] == 20_000
    spent = db.session.execute(text("SELECT cost_micro FROM spending")).scalars().all()
    assert spent == [costs[Step.CHART] + costs[Step.TEXT]] * 2


def test_over_the_cap_the_chart_is_our_own_and_the_boss_hears_once(
    app: Flask, shop: Talk, cast: Cast, keys: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(get_settings(), "yuanfenju_usd", 20.01)
    monkeypatch.setattr(get_settings(), "ai_buyer_daily_usd", 50.0)
    product = a_report(cast.tenant)
    reports = [paid(product, buyer) for buyer in (LIN, LIN + 1)]
    fulfil(app)
    for order in reports:
        chart = chart_of(order.id)
        assert (chart.source, chart.notes[-1]) == (ChartSource.BUILT_IN, INSTEAD)
    assert not keys.yuanfenju_calls()
    assert [alert.kind for alert in db.session.query(ShopAlert)] == ["spending_cap"]


def test_a_tenants_own_key_for_charts_is_not_capped(
    app: Flask, report: Order, cast: Cast, keys: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    keys.yuanfenju_key("own-key")
    with transaction():
        service_accounts.save(cast.tenant.id, Service.YUANFENJU, {}, secret="own-key")
    monkeypatch.setattr(get_settings(), "yuanfenju_usd", 99.0)
    fulfil(app)
    assert chart_of(report.id).source is ChartSource.YUANFENJU


@pytest.mark.parametrize("mode", ["bad_key", "500"])
def test_a_chart_that_was_not_made_costs_nothing(app: Flask, report: Order, keys: Sandbox, mode: str):
    keys.yuanfenju_knobs(mode)
    keys.deepseek_knobs("503")
    fulfil(app)
    assert set(db.session.execute(text("SELECT cost_micro FROM spending")).scalars()) == {0}


def test_an_outage_of_the_chart_service_is_waited_out(app: Flask, report: Order, keys: Sandbox):
    keys.yuanfenju_knobs("500")
    fulfil(app)
    assert (reread(report).state, report.error) == (OrderState.PAID, "service_down")


def test_a_service_learns_a_pseudonym_and_no_number_of_a_buyer(
    app: Flask, shop: Talk, cast: Cast, keys: Sandbox
):
    product = a_report(cast.tenant)
    for buyer in (LIN, LIN, LIN + 1):
        paid(product, buyer)
    fulfil(app)
    first, second, other = (one["user_id"] for one in asked(keys))
    assert first == second != other
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", first)


def asked(keys: Sandbox) -> list[dict]:
    return [one.get("body", one) for one in keys.deepseek_requests()]
