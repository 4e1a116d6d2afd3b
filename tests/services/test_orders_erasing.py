"""Erasing a buyer: the books keep the sum, nothing else of him stays, and nothing is sent to nobody."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.errors import AppError
from app.core.queue import transaction
from app.domain.orders import Actor, OrderState, Step
from app.domain.products import ProductKind, VisitStage
from app.models import (
    Member,
    Order,
    OrderEvent,
    OrderForm,
    OrderStep,
    Product,
    ProductVisit,
    ShopAlert,
    StockItem,
    StoredFile,
)
from app.services import files, retention, tenant_data
from app.services.orders import contact, forms, lookup, moves, retry
from app.services.products import visits
from tests.cast import Cast
from tests.lottery_tools import a_bot
from tests.services.test_tenant_data import traces_of
from tests.shopping import a_product, an_order

HE = 4_242_424_242


@pytest.fixture
def product(cast: Cast) -> Product:
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=HE, first_name="Wang"))
    return a_product(cast.tenant, kind=ProductKind.BAZI_REPORT)


def erase(cast: Cast) -> None:
    with transaction():
        tenant_data.erase_member(cast.tenant.id, HE)
    db.session.expire_all()


def ordered(product: Product, *states: OrderState) -> Order:
    order = an_order(product, HE, inputs={"name": "Wang-Xiaoming"})
    with transaction():
        for state in states:
            moves.move(lookup.get(order.id, lock=True), state, actor=Actor.WORKER, why="test")
    return order


def test_of_a_buyer_only_the_sums_stay(cast: Cast, product: Product):
    order = ordered(product, OrderState.PAID, OrderState.GENERATING, OrderState.COMPLETED)
    with transaction():
        kept = files.keep(cast.tenant.id, "report.pdf", "application/pdf", b"%PDF Wang-Xiaoming")
        db.session.add(
            OrderStep(
                tenant_id=cast.tenant.id,
                order_id=order.id,
                step=Step.TEXT,
                state="done",
                result={"about": "Wang-Xiaoming"},
                file_id=kept.id,
                started_at=clock.now(),
                cost_micro=5,
            )
        )
        moves.note(order, contact.MESSAGE, Actor.BUYER, details={"text": "I am Wang-Xiaoming"})
        bot = db.session.get_one(Order, order.id).bot_id
        forms.begin(product, (), bot, HE)
        visits.record(product, HE, VisitStage.VIEWED, "UTC")
    erase(cast)
    found = lookup.get(order.id)
    assert (found.state, found.amount_minor, found.telegram_id) == ("completed", 1990, -order.id)
    assert (found.inputs, db.session.query(OrderStep).one().cost_micro) == ({}, 5)
    assert traces_of(cast.tenant.id, "Wang-Xiaoming") == traces_of(cast.tenant.id, str(HE)) == []
    for table in (StoredFile, OrderForm, ProductVisit):
        assert db.session.query(table).count() == 0


def test_what_others_bought_is_left_alone(cast: Cast, product: Product):
    other = an_order(product, 7, inputs={"name": "Li"})
    theirs = an_order(a_product(cast.other_tenant, kind=ProductKind.MANUAL), HE)
    ordered(product)
    erase(cast)
    assert lookup.get(other.id).inputs == {"name": "Li"}
    assert lookup.get(theirs.id).telegram_id == HE


def test_what_he_has_not_paid_ends_and_frees_its_stock(cast: Cast, product: Product):
    product.stock = 1
    order = an_order(product, HE, stock_held="reserved")
    erase(cast)
    assert lookup.get(order.id).state is OrderState.EXPIRED
    assert db.session.get_one(Product, product.id).stock == 2


@pytest.mark.parametrize("states", [(OrderState.PAID,), (OrderState.PAID, OrderState.GENERATING)])
def test_what_he_has_paid_fails_so_that_the_boss_pays_it_back(cast: Cast, product: Product, states):
    order = ordered(product, *states)
    lease = order.lease_token
    erase(cast)
    found = lookup.get(order.id)
    assert (found.state, found.error) == ("failed", "buyer_erased")
    assert found.lease_token > lease
    assert db.session.query(ShopAlert).one().kind == "order_failed"
    with pytest.raises(AppError) as told, transaction():
        retry.retry(order.id, "Owner")
    assert told.value.code == "buyer_erased"


def test_money_that_comes_after_it_delivers_nothing(cast: Cast, product: Product):
    order = ordered(product)
    erase(cast)
    with transaction():
        moves.move(lookup.get(order.id, lock=True), OrderState.PAID, actor=Actor.CALLBACK, why="paid_late")
    assert lookup.get(order.id).state is OrderState.FAILED
    lines = [line.to_state.value for line in lookup.history(order.id)]
    assert lines == ["expired", "paid", "generating", "failed"]


def test_old_forms_visits_and_files_that_nothing_uses_are_forgotten(app: Flask, cast: Cast, product: Product):
    bot = a_bot(cast.tenant)
    with transaction():
        forms.begin(product, (), bot.id, 1)
        forms.begin(product, (), bot.id, 2)
        visits.record(product, 1, VisitStage.VIEWED, "UTC")
        visits.record(product, 2, VisitStage.VIEWED, "UTC")
        used, unused = (files.keep(cast.tenant.id, name, "text/plain", name.encode()) for name in ("a", "b"))
        db.session.add(
            StockItem(
                tenant_id=cast.tenant.id, product_id=product.id, kind="file", fingerprint="a", file_id=used.id
            )
        )
        db.session.flush()
        assert unused.id != used.id
        db.session.execute(text("UPDATE stored_file SET created_at = now() - interval '8 days'"))
        db.session.get_one(OrderForm, (bot.id, 1)).expires_at = clock.now() - timedelta(minutes=1)
        old = clock.now().date() - timedelta(days=401)
        db.session.query(ProductVisit).filter_by(telegram_id=1).update({"day": old})
    for kind in ("forms", "visits", "files", "pictures"):
        with transaction():
            retention.forget_some(kind)
    assert [row.telegram_id for row in db.session.query(OrderForm)] == [2]
    assert [row.telegram_id for row in db.session.query(ProductVisit)] == [2]
    assert [row.id for row in db.session.query(StoredFile)] == [used.id]
    assert db.session.query(OrderEvent).count() == 0
