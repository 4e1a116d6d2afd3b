"""Alerts, reconciliation, callbacks and sales: what the pages tell, and who may do what."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db
from app.core.queue import transaction
from app.domain.payments import Difference, Provider, Verdict
from app.models import (
    Order,
    PaymentEvent,
)
from app.services import shop_alerts
from tests.cast import Cast, sign_in
from tests.fulfilling import paid
from tests.order_pages import a_line, actions, an_alert
from tests.paying import a_payment, order_of
from tests.shopping import a_product

ALERTS = "/admin/alerts/"
RECONCILIATION = "/admin/reconciliation/"
SALES = "/admin/sales/"


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


# --- alerts
def test_an_alert_stands_in_the_menu_on_the_home_page_and_on_its_own(boss: FlaskClient, cast: Cast):
    alert = an_alert(cast)
    for path in ("/admin/", ALERTS):
        page = boss.get(path).text
        assert "Gold card" in page
        assert f"/admin/product-stock/?id={alert.product_id}" in page
        assert 'class="count alarm"' in page


def test_a_settled_alert_is_no_longer_counted(boss: FlaskClient, cast: Cast):
    alert = an_alert(cast)
    boss.post(f"{ALERTS}settle/", data={"id": alert.id})
    page = boss.get(ALERTS).text
    assert 'class="count alarm"' not in page
    assert "Owner" in page
    assert actions()[-1] == "shop_alert.settled"


def test_all_are_settled_but_those_that_came_meanwhile(boss: FlaskClient, cast: Cast):
    newest = [an_alert(cast, key=str(n)) for n in range(3)][-1]
    an_alert(cast, key="late")
    boss.post(f"{ALERTS}settle-all/", data={"newest": newest.id})
    db.session.rollback()
    assert shop_alerts.count_open(cast.tenant.id) == 1


def test_another_tenants_alert_is_not_there(app: Flask, cast: Cast):
    alert = an_alert(cast)
    answer = sign_in(app, cast.stranger).post(f"{ALERTS}settle/", data={"id": alert.id})
    assert answer.status_code == 404
    assert shop_alerts.count_open(cast.tenant.id) == 1


def test_whoever_may_only_look_settles_nothing(app: Flask, cast: Cast):
    alert = an_alert(cast)
    client = sign_in(app, cast.reader)
    assert client.get(ALERTS).status_code == 200
    assert client.post(f"{ALERTS}settle/", data={"id": alert.id}).status_code == 403


# --- reconciliation
def test_a_difference_has_its_buttons(boss: FlaskClient, cast: Cast):
    line = a_line(cast)
    page = boss.get(RECONCILIATION).text
    for how in ("mark_paid", "refund", "accept"):
        assert f'value="{how}"' in page
    assert str(line.day) in page


def test_money_that_is_there_is_marked_by_one_press(boss: FlaskClient, cast: Cast):
    line = a_line(cast)
    boss.post(f"{RECONCILIATION}settle/", data={"id": line.id, "how": "mark_paid", "day": ""})
    db.session.rollback()
    db.session.refresh(line)
    assert line.settled_by == "Owner"
    assert db.session.get_one(Order, line.order_id, populate_existing=True).state == "paid"


def test_a_difference_is_not_settled_in_a_way_that_makes_no_sense(boss: FlaskClient, cast: Cast):
    line = a_line(cast, Difference.AMOUNT)
    boss.post(f"{RECONCILIATION}settle/", data={"id": line.id, "how": "mark_paid", "day": ""})
    db.session.rollback()
    db.session.refresh(line)
    assert line.settled_at is None


def test_support_settles_no_money(app: Flask, cast: Cast):
    line = a_line(cast)
    data = {"id": line.id, "how": "accept", "day": ""}
    assert sign_in(app, cast.staff).post(f"{RECONCILIATION}settle/", data=data).status_code == 403
    assert sign_in(app, cast.stranger).post(f"{RECONCILIATION}settle/", data=data).status_code == 404


@pytest.mark.parametrize("day", ["2026-11-19", "x", "9999-12-31", ""])
def test_any_day_may_be_asked_for(boss: FlaskClient, cast: Cast, day: str):
    a_line(cast)
    assert boss.get(RECONCILIATION, query_string={"day": day}).status_code == 200


# --- callbacks
def test_callbacks_are_told_with_what_became_of_them(boss: FlaskClient, cast: Cast):
    payment = a_payment(cast.tenant, Provider.PINGPONG)
    event = PaymentEvent(
        tenant_id=cast.tenant.id,
        payment_id=payment.id,
        provider=Provider.PINGPONG,
        kind="RECHARGE SUCCESS",
        sha256="a" * 64,
        raw=b"x",
        verdict=Verdict.AMOUNT_MISMATCH,
    )
    with transaction():
        db.session.add(event)
    page = boss.get("/admin/callbacks/").text
    assert "RECHARGE SUCCESS" in page
    assert order_of(payment).code in page
    assert "RECHARGE SUCCESS" not in boss.get("/admin/callbacks/?verdict=accepted").text


# --- sales
def test_sales_begin_empty(boss: FlaskClient):
    assert "/admin/products/" in boss.get(SALES).text


@pytest.mark.parametrize("query", ["", "?days=7", "?days=90", "?days=x"])
def test_sales_are_told_for_a_week_a_month_and_a_quarter(boss: FlaskClient, cast: Cast, query: str):
    paid(a_product(cast.tenant, name="Gold card"))
    page = boss.get(f"{SALES}{query}").text
    assert "Gold card" in page
    assert "funnel-row" in page


def test_files_of_sales_hold_no_formula(boss: FlaskClient, cast: Cast):
    paid(a_product(cast.tenant, name="=1+1"))
    with boss.get(f"{SALES}export/?what=funnel") as file:
        assert '"\'=1+1"' in file.data.decode("utf-8-sig")
    with boss.get(f"{SALES}export/?what=days") as file:
        assert file.status_code == 200
    assert boss.get(f"{SALES}export/?what=x").status_code == 404


def test_the_home_page_begins_with_the_shop(boss: FlaskClient, cast: Cast):
    paid(a_product(cast.tenant), state="failed")
    page = boss.get("/admin/").text
    assert "/admin/orders/?tab=todo" in page
