"""Stealing through the pages: hostile words on every page of the shop, a refund sent twice, what low roles may take along."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from admin import report_prompts
from app.core.db import db
from app.core.ids import one_time_code
from app.core.queue import transaction
from app.domain.members import Person
from app.domain.orders import Actor
from app.domain.payments import Service
from app.domain.people import Role
from app.domain.shop_alerts import AlertKind
from app.models import Member, Membership, Order, Refund
from app.services import breakers, service_accounts
from app.services.orders import contact, lookup, moves
from app.services.payments import refunds
from app.services.shop_alerts import raise_alert
from tests.cast import Cast, sign_in
from tests.paying import a_payment, call_back, envelope, order_of, tell, told
from tests.shopping import BUYER

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}'
SALT = "VERY0SECRET0SALT"
PAGES = (
    "/admin/",
    "/admin/orders/",
    "/admin/orders/details/?id={order}",
    "/admin/orders/details/live/?id={order}",
    "/admin/order-refund/?id={order}",
    "/admin/callbacks/",
    "/admin/reconciliation/",
    "/admin/alerts/",
    "/admin/products/",
    "/admin/products/details/?id={product}",
    "/admin/product-stock/?id={product}",
    "/admin/service-accounts/",
    "/admin/service-accounts/edit/?service=pingpong",
    "/admin/withdrawals/",
    "/admin/promoters/",
    "/admin/audit/",
)


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def hostile(cast: Cast, client: FlaskClient) -> Order:
    """Paid, and everybody outside has written what he likes into it."""
    payment = a_payment(cast.tenant)
    with transaction():
        service_accounts.save(
            cast.tenant.id, Service.PINGPONG, {"client_id": "2018", "acc_id": "2018001"}, secret=SALT
        )
        db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=BUYER, first_name=EVIL, username="x"))
        order = lookup.get(payment.order_id, lock=True)
        order.product = {**order.product, "name": EVIL, "fields": [{"key": "q", "label": EVIL}]}
        order.inputs = {"q": EVIL, EVIL: EVIL}
    tell(payment, transaction=EVIL)
    with transaction():
        order = lookup.get(payment.order_id, lock=True)
        contact.pass_on(order, Person(BUYER, EVIL, EVIL, None, "en"), EVIL, 1)
        moves.note(order, EVIL, Actor.WORKER, name=EVIL, details={"reason": EVIL, "wanted": EVIL})
        refund = refunds.ask(order.id, amount_minor=1, reason=EVIL, name=EVIL)
        refunds.give_up(order, refund, EVIL, refused=False)
        breakers.failed(cast.tenant.id, "pingpong", EVIL)
        about: dict[str, object] = {"service": EVIL, "reason": EVIL}
        raise_alert(cast.tenant.id, AlertKind.SERVICE_DOWN, "evil", details=about)
    return order_of(payment)


def reader(app: Flask, cast: Cast, role: Role) -> FlaskClient:
    place = db.session.scalars(select(Membership).where(Membership.user_id == cast.reader.id)).one()
    place.role = role
    db.session.commit()
    return sign_in(app, cast.reader)


@pytest.mark.parametrize("page", PAGES)
def test_no_words_of_strangers_become_part_of_a_page(boss: FlaskClient, hostile: Order, page: str):
    answer = boss.get(page.format(order=hostile.id, product=hostile.product_id))
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert SALT not in answer.text


def test_a_refund_that_is_sent_twice_is_one(boss: FlaskClient, cast: Cast):
    payment = a_payment(cast.tenant)
    tell(payment)
    page = boss.get(f"/admin/order-refund/?id={payment.order_id}").text
    key = re.search(r'name="key" value="([A-Z0-9]+)"', page)
    assert key is not None
    fields = {"id": payment.order_id, "key": key[1], "amount": "5.00", "how": "by_hand", "reason": "broken"}
    receipt = re.search(r'name="receipt" value="(\d+)"', page)
    for _ in range(2):
        boss.post("/admin/order-refund/", data={**fields, "receipt": receipt and receipt[1]})
    db.session.rollback()
    assert [one.amount_minor for one in db.session.scalars(select(Refund))] == [500]


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.SUPPORT])
@pytest.mark.parametrize(
    "path",
    [
        "/admin/orders/export/?kind=csv",
        "/admin/withdrawals/export/csv/",
        "/admin/promoters/export/csv/",
        "/admin/callbacks/",
        "/admin/service-accounts/edit/?service=pingpong",
    ],
)
def test_low_roles_take_nothing_along(app: Flask, cast: Cast, role: Role, path: str):
    answer = reader(app, cast, role).get(path)
    assert answer.status_code in {302, 303, 403, 404}
    assert "text/csv" not in answer.content_type


def test_looking_at_the_sample_again_and_again_costs_one_book(app: Flask, cast: Cast, monkeypatch):
    report_prompts._book.cache_clear()
    made: list[str] = []
    monkeypatch.setattr(report_prompts.pdf, "render", lambda head, *_: made.append(head.shop) or b"%PDF")
    browser = reader(app, cast, Role.READ_ONLY)
    for _ in range(5):
        assert browser.get("/admin/report-prompts/sample.pdf?lang=en").data == b"%PDF"
    report_prompts._book.cache_clear()
    assert made == [cast.tenant.name]


def test_another_tenants_callback_stands_on_nobody_elses_page(app: Flask, cast: Cast, client: FlaskClient):
    payment = a_payment(cast.tenant)
    call_back(client, envelope(told(payment, transactionId=(mark := one_time_code()))))
    assert mark in sign_in(app, cast.owner).get("/admin/callbacks/").text
    assert mark not in sign_in(app, cast.stranger).get("/admin/callbacks/").text
