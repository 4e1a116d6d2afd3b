"""Whatever happens in whatever order: no item and no unit is lost, sold twice or given away for nothing."""

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import integers
from sqlalchemy import delete, select

from app.core.db import db
from app.core.queue import transaction
from app.domain.products import ProductKind, StockKind, StockState
from app.models import Order, Product, ShopAlert, StockItem, Tenant
from app.services.products import SoldOut, stock
from app.services.products.stock import NewItem
from tests.cast import Cast
from tests.shopping import a_product, an_order

MOST = 6


class Shop(RuleBasedStateMachine):
    """Two products, one with items and one that is counted, and a model of each as plain numbers and sets."""

    tenant: Tenant

    @initialize()
    def open_shop(self) -> None:
        for model in (ShopAlert, StockItem, Order, Product):
            db.session.execute(delete(model))
        db.session.commit()
        self.cards = a_product(self.tenant)
        self.hours = a_product(self.tenant, kind=ProductKind.MANUAL, stock=2)
        self.left, self.put_in, self.made = 2, 0, 0
        self.orders: list[tuple[Order, Product]] = []
        self.held: dict[int, str] = {}
        self.got: dict[int, stock.Taken] = {}

    @rule()
    def fill_up(self) -> None:
        with transaction():
            stock.add(self.cards, [NewItem(StockKind.CODE, f"CODE-{self.put_in}")])
        self.put_in += 1

    @rule()
    def put_the_same_in_again(self) -> None:
        if self.put_in:
            with transaction():
                assert stock.add(self.cards, [NewItem(StockKind.CODE, "CODE-0")]).added == 0

    @precondition(lambda self: len(self.orders) < MOST)
    @rule(kind=integers(0, 1))
    def order(self, kind: int) -> None:
        product = (self.cards, self.hours)[kind]
        self.orders.append((an_order(product), product))

    @precondition(lambda self: self.orders)
    @rule(which=integers(0, MOST - 1))
    def reserve(self, which: int) -> None:
        order, product = self.orders[which % len(self.orders)]
        self._try(order, product, "reserved", lambda: stock.reserve(product, order.id))

    @precondition(lambda self: self.orders)
    @rule(which=integers(0, MOST - 1))
    def take(self, which: int) -> None:
        order, product = self.orders[which % len(self.orders)]
        taken = self._try(order, product, "sold", lambda: stock.take(order))
        if taken is not None:
            assert self.got.setdefault(order.id, taken) == taken

    @precondition(lambda self: self.orders)
    @rule(which=integers(0, MOST - 1))
    def release(self, which: int) -> None:
        order, product = self.orders[which % len(self.orders)]
        with transaction():
            stock.release(order)
        if self.held.get(order.id) == "reserved":
            del self.held[order.id]
            self._count(product, 1)

    def _try(self, order: Order, product: Product, after: str, act):
        before = self.held.get(order.id)
        free = self._free(product)
        try:
            with transaction():
                result = act()
        except SoldOut:
            assert before is None
            assert free == 0
            return None
        if before is None:
            assert free > 0
            self._count(product, -1)
        if before != "sold":
            self.held[order.id] = after
        return result

    def _count(self, product: Product, by: int) -> None:
        if product is self.hours:
            self.left += by

    def _free(self, product: Product) -> int:
        if product is self.hours:
            return self.left
        cards = {order.id for order, of in self.orders if of is self.cards}
        return self.put_in - sum(order_id in cards for order_id in self.held)

    @invariant()
    def everything_is_somewhere(self) -> None:
        if not hasattr(self, "cards"):
            return
        db.session.expire_all()
        counts = stock.counts(self.cards.id)
        assert counts.free == self._free(self.cards)
        assert counts.free + counts.reserved + counts.sold == self.put_in
        assert self.hours.stock == self.left
        sold = select(StockItem.order_id).where(StockItem.state == StockState.SOLD)
        expected = {
            order.id for order, of in self.orders if of is self.cards and self.held.get(order.id) == "sold"
        }
        assert set(db.session.scalars(sold)) == expected
        codes = [taken.content for taken in self.got.values() if taken.content]
        assert len(set(codes)) == len(codes)
        db.session.commit()


@pytest.mark.timeout(120)
def test_the_shop_never_errs(app: Flask, cast: Cast):
    tenant = cast.tenant
    machine = type("ThisShop", (Shop,), {"tenant": tenant})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
