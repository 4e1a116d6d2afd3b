"""The boss's orders: the list, its files, and one order's way."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.money import Money
from app.domain.orders import Actor
from app.domain.payments import MoneyStatus, Provider, Receipt
from app.services.payments import marking, transfers
from tests.cast import Cast, sign_in
from tests.fulfilling import BIRTH, a_report, paid, story
from tests.order_pages import a_member, actions, by_hand, failed, transferred
from tests.paying import a_payment, order_of
from tests.shopping import BUYER, a_product, an_order

LIST = "/admin/orders/"
DETAILS = "/admin/orders/details/"


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


# --- the list
def test_an_empty_shop_is_told_what_will_be_here(boss: FlaskClient):
    assert "/admin/products/" in boss.get(LIST).text


def test_the_list_tells_who_bought_what_for_how_much(boss: FlaskClient, cast: Cast):
    a_member(cast)
    order = paid(a_product(cast.tenant, name="Gold card"))
    page = boss.get(LIST).text
    for words in ("Gold card", order.code, "Chen", "@chen", "19.90"):
        assert words in page


@pytest.mark.parametrize(
    "query", ["search=chen", "search={code}", "search=42", "buyer=42", "provider=manual"]
)
def test_orders_are_found_by_code_buyer_and_way(boss: FlaskClient, cast: Cast, query: str):
    a_member(cast)
    order = paid(a_product(cast.tenant))
    other = paid(a_product(cast.tenant), 77, provider=Provider.STARS)
    page = boss.get(f"{LIST}live/?{query.format(code=order.code[:6].lower())}").text
    assert order.code in page
    assert other.code not in page


def test_orders_are_found_by_product_and_state(boss: FlaskClient, cast: Cast):
    order, other = paid(a_product(cast.tenant)), an_order(a_product(cast.tenant))
    for query in (f"product={order.product_id}", "tab=working"):
        page = boss.get(f"{LIST}live/?{query}").text
        assert order.code in page
        assert other.code not in page


def test_days_are_the_tenants_own(boss: FlaskClient, cast: Cast):
    order = paid(a_product(cast.tenant))
    order.created_at = clock.now().replace(
        year=2026, month=3, day=1, hour=17, minute=0
    )  # the second, in Shanghai
    db.session.commit()
    assert order.code in boss.get(f"{LIST}live/?since=2026-03-02&until=2026-03-02").text
    assert order.code not in boss.get(f"{LIST}live/?until=2026-03-01").text


@pytest.mark.parametrize(
    "query", ["product=x", "since=31-12", "until=9999-12-31", "page=99999999", "search=%00", "tab=x"]
)
def test_nonsense_in_the_address_is_no_error(boss: FlaskClient, cast: Cast, query: str):
    paid(a_product(cast.tenant))
    assert boss.get(f"{LIST}?{query}").status_code == 200


def test_what_waits_for_the_boss_is_counted(boss: FlaskClient, cast: Cast):
    for order in (failed(cast), by_hand(cast)):
        assert order.code in boss.get(f"{LIST}live/?tab=todo").text
    payment = a_payment(cast.tenant, Provider.MANUAL)
    with transaction():
        transfers.claim_transfer(payment.id, BUYER)
    done = paid(a_product(cast.tenant))
    page = boss.get(f"{LIST}?tab=todo").text
    assert order_of(payment).code in page
    assert done.code not in page
    assert '<span class="count">3</span>' in page


# --- files
def test_files_hold_what_the_list_shows_and_no_formula(boss: FlaskClient, cast: Cast):
    a_member(cast, "=HYPERLINK(1)")
    order, other = paid(a_product(cast.tenant, name="=1+1")), paid(a_product(cast.tenant), 77)
    with boss.get(f"{LIST}export/?kind=csv&buyer=42") as file:
        text = file.data.decode("utf-8-sig")
    assert order.code in text
    assert other.code not in text
    assert '"\'=1+1"' in text
    assert '"\'=HYPERLINK(1)"' in text
    assert actions()[-1] == "orders.exported"


def test_excel_gets_them_as_text(boss: FlaskClient, cast: Cast):
    order = paid(a_product(cast.tenant, name="=1+1"))
    with boss.get(f"{LIST}export/?kind=xlsx") as file:
        book = zipfile.ZipFile(io.BytesIO(file.data))
    sheet = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    assert order.code in sheet
    assert "<f>" not in sheet


@pytest.mark.parametrize(("who", "status"), [("owner", 200), ("staff", 403), ("reader", 403)])
def test_only_managers_take_the_list_along(app: Flask, cast: Cast, who: str, status: int):
    with sign_in(app, getattr(cast, who)).get(f"{LIST}export/?kind=csv") as answer:
        assert answer.status_code == status


# --- one order
def test_an_orders_page_tells_its_way_in_words(boss: FlaskClient, cast: Cast):
    order = order_of(transferred(cast))
    page = boss.get(DETAILS, query_string={"id": order.id}).text
    for words in (order.code, "Owner", "19.90"):
        assert words in page
    assert len(re.findall(r'<li class="\w*"><b>', page)) == len(story(order.id))


def test_markup_of_buyers_stays_text(boss: FlaskClient, cast: Cast):
    a_member(cast, "<script>alert(1)</script>")
    order = paid(a_report(cast.tenant), inputs=BIRTH | {"name": "<script>alert(2)</script>"})
    assert "<script>alert" not in boss.get(DETAILS, query_string={"id": order.id}).text


@pytest.mark.parametrize(("who", "shown"), [("owner", True), ("staff", True), ("reader", False)])
def test_whoever_may_only_look_does_not_read_what_buyers_entered(
    app: Flask, cast: Cast, who: str, shown: bool
):
    order = paid(a_report(cast.tenant))
    client = sign_in(app, getattr(cast, who))
    for path in (DETAILS, f"{DETAILS}live/"):
        assert (BIRTH["name"] in client.get(path, query_string={"id": order.id}).text) is shown


def test_a_page_of_an_order_at_work_looks_often(boss: FlaskClient, cast: Cast):
    order = paid(a_product(cast.tenant))
    assert boss.get(f"{DETAILS}live/", query_string={"id": order.id}).headers["Live-Every"] == "2"


def test_old_orders_are_found_pages_later(boss: FlaskClient, cast: Cast):
    product = a_product(cast.tenant)
    codes = [paid(product, ago=timedelta(hours=n).total_seconds()).code for n in range(26)]
    assert codes[0] not in boss.get(f"{LIST}live/").text
    assert codes[0] in boss.get(f"{LIST}live/?page=1").text


def test_a_wrong_amount_is_something_to_be_done(boss, cast):
    payment = a_payment(cast.tenant, Provider.PINGPONG)
    receipt = Receipt(payment.reference, MoneyStatus.SUCCESS, "t1", Money(1, payment.currency))
    with transaction():
        marking.mark_paid(payment.id, receipt, told_by=Actor.CALLBACK)
    page = boss.get(f"{DETAILS}?id={payment.order_id}").get_data(as_text=True)
    assert "金额不符" in page
    assert "无需操作" not in page
