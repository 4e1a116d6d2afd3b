"""What may be done with an order, and by whom."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.domain.orders import OrderState
from app.domain.payments import Provider, RefundState
from app.domain.products import ProductKind
from app.models import OutgoingMessage, Payment, Refund
from app.services.payments import lookup
from tests.cast import Cast, sign_in
from tests.fulfilling import a_credit_product, paid, reread, story
from tests.order_pages import actions, by_hand, failed, refunds, transferred
from tests.paying import a_payment, order_of
from tests.shopping import a_product, an_order

DETAILS = "/admin/orders/details/"
ACTS = "/admin/order-acts/"
REFUND = "/admin/order-refund/"


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


def test_a_failed_order_is_tried_again(boss: FlaskClient, cast: Cast):
    order = failed(cast)
    boss.post(f"{ACTS}retry/", data={"id": order.id})
    assert (reread(order).state, order.turn) == (OrderState.PAID, 2)
    assert actions()[-1] == "order.retried"


def test_an_order_that_did_not_fail_is_not_tried_again(boss: FlaskClient, cast: Cast):
    order = paid(a_credit_product(cast.tenant))
    answer = boss.post(f"{ACTS}retry/", data={"id": order.id}, follow_redirects=True)
    assert answer.status_code == 200
    assert reread(order).turn == 1
    assert "order.retried" not in actions()


def test_staff_marks_as_delivered_and_the_buyer_reads_why(app: Flask, cast: Cast):
    order = by_hand(cast)
    sign_in(app, cast.staff).post(f"{ACTS}deliver/", data={"id": order.id, "note": "Call me <b>now</b>"})
    assert reread(order).state is OrderState.COMPLETED
    said = db.session.scalars(select(OutgoingMessage.payload)).one()["text"]
    assert "Call me &lt;b&gt;now" in said


def test_an_unpaid_order_is_cancelled_by_name(boss: FlaskClient, cast: Cast):
    order = an_order(a_product(cast.tenant))
    boss.post(f"{ACTS}cancel/", data={"id": order.id})
    assert reread(order).state is OrderState.EXPIRED
    assert story(order.id) == ["cancelled"]
    assert "Owner" in boss.get(DETAILS, query_string={"id": order.id}).text


def test_what_was_bought_is_sent_again_once_for_each_press(boss: FlaskClient, cast: Cast):
    order = paid(a_product(cast.tenant, kind=ProductKind.MANUAL), state=OrderState.COMPLETED)
    for _ in range(2):
        boss.post(f"{ACTS}resend/", data={"id": order.id, "key": "ABCDEFGH"})
    db.session.rollback()
    assert len(db.session.scalars(select(OutgoingMessage.id)).all()) == 1
    assert boss.post(f"{ACTS}resend/", data={"id": order.id, "key": "../x"}).status_code == 400


def test_a_transfer_is_confirmed_with_its_amount_in_sight(boss: FlaskClient, cast: Cast):
    payment = a_payment(cast.tenant, Provider.MANUAL)
    order = order_of(payment)
    assert "19.90" in boss.get(f"{ACTS}mark-paid/", query_string={"id": order.id}).text
    assert reread(order).state is OrderState.PENDING
    boss.post(f"{ACTS}mark-paid/", data={"id": order.id})
    assert reread(order).state is OrderState.PAID
    assert "payment.confirmed" in actions()


def test_cards_are_not_confirmed_by_hand(boss: FlaskClient, cast: Cast):
    order = order_of(a_payment(cast.tenant, Provider.PINGPONG))
    assert boss.post(f"{ACTS}mark-paid/", data={"id": order.id}).status_code == 404


# --- refunds
def refund(client: FlaskClient, payment: Payment, **fields: object):
    receipt = lookup.receipts_of(payment.order_id)[0].id
    typed = {
        "id": payment.order_id,
        "receipt": receipt,
        "amount": "19.90",
        "how": "by_hand",
        "reason": "sorry",
    }
    return client.post(REFUND, data=typed | fields)


def test_the_form_offers_all_that_is_left(boss: FlaskClient, cast: Cast):
    payment = transferred(cast)
    refund(boss, payment, amount="9.90")
    page = boss.get(REFUND, query_string={"id": payment.order_id}).text
    assert re.search(r'name="amount"[^>]*value="10.00"', page)


def test_a_part_leaves_the_order_as_it_is(boss: FlaskClient, cast: Cast):
    payment = transferred(cast)
    refund(boss, payment, amount="9.90")
    assert refunds() == [(990, RefundState.BY_HAND)]
    assert order_of(payment).state is OrderState.PAID
    assert actions()[-1] == "order.refund_asked"


def test_all_of_it_ends_the_order_and_is_marked_when_it_is_back(boss: FlaskClient, cast: Cast):
    payment = transferred(cast)
    refund(boss, payment)
    assert order_of(payment).state is OrderState.REFUNDED
    made = db.session.scalars(select(Refund)).one()
    boss.post(f"{ACTS}refund-done/", data={"id": payment.order_id, "refund": made.id})
    assert refunds() == [(1990, RefundState.DONE)]


@pytest.mark.parametrize("amount", ["20.00", "0", "-1", "1.999", "x", "1e3", ""])
def test_wrong_amounts_are_refused_in_the_form(boss: FlaskClient, cast: Cast, amount: str):
    payment = transferred(cast)
    assert refund(boss, payment, amount=amount).status_code == 200
    assert refunds() == []


def test_never_more_than_came_in(boss: FlaskClient, cast: Cast):
    payment = transferred(cast)
    for _ in range(3):
        refund(boss, payment, amount="9.90")
    assert sum(amount for amount, _ in refunds()) == 1980


def test_without_money_there_is_nothing_to_pay_back(boss: FlaskClient, cast: Cast):
    order = an_order(a_product(cast.tenant))
    assert boss.get(REFUND, query_string={"id": order.id}).location.endswith(f"id={order.id}")


def test_money_asks_for_the_password_again(boss: FlaskClient, cast: Cast, time):
    payment = transferred(cast)
    time.forward(days=1)
    for path in (REFUND, f"{ACTS}mark-paid/"):
        answer = boss.get(path, query_string={"id": payment.order_id})
        assert answer.status_code in {302, 303}
    assert refunds() == []


def test_a_refund_by_hand_may_be_called_off(boss: FlaskClient, cast: Cast):
    payment = transferred(cast)
    refund(boss, payment, amount="9.90")
    made = db.session.scalars(select(Refund)).one()
    boss.post(f"{ACTS}call-off-refund/", data={"id": payment.order_id, "refund": made.id})
    assert refunds() == [(990, RefundState.FAILED)]
    assert re.search(r'value="19.90"', boss.get(REFUND, query_string={"id": payment.order_id}).text)


# --- who may
@pytest.mark.parametrize("path", [f"{ACTS}mark-paid/", f"{ACTS}refund-done/", REFUND])
def test_support_moves_no_money(app: Flask, cast: Cast, path: str):
    payment = transferred(cast)
    client = sign_in(app, cast.staff)
    assert client.post(path, data={"id": payment.order_id}).status_code == 403


def test_whoever_may_only_look_does_nothing(app: Flask, cast: Cast):
    order = failed(cast)
    client = sign_in(app, cast.reader)
    assert client.post(f"{ACTS}retry/", data={"id": order.id}).status_code == 403
    page = client.get(DETAILS, query_string={"id": order.id}).text
    assert "/admin/order-acts/retry/" not in page
    assert "/admin/order-refund/" not in page


def test_another_tenants_order_is_not_there(app: Flask, cast: Cast):
    order = failed(cast)
    client = sign_in(app, cast.stranger)
    for act in ("retry", "cancel", "deliver", "resend"):
        data = {"id": order.id, "note": "x", "key": "ABCDEFGH"}
        assert client.post(f"{ACTS}{act}/", data=data).status_code == 404
    assert reread(order).state is OrderState.FAILED


def test_a_refund_of_another_order_is_not_settled(boss: FlaskClient, cast: Cast):
    first, second = transferred(cast), failed(cast)
    refund(boss, first)
    made = db.session.scalars(select(Refund)).one()
    assert boss.post(f"{ACTS}refund-done/", data={"id": second.id, "refund": made.id}).status_code == 404
    assert refunds()[0][1] is RefundState.BY_HAND
