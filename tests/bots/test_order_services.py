"""Services that refuse our key, and what they learn about buyers; real HTTP to the sandbox."""

import re

import pytest
from flask import Flask

from app.core.db import db
from app.domain.bazi import ChartSource
from app.domain.orders import OrderState
from app.models import Order, ShopAlert
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
