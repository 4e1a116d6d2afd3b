"""Stock: nothing is sold twice, nothing is lost, and the boss hears of its end once."""

from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.core.db import db
from app.core.queue import transaction
from app.domain.products import LOW_STOCK, ProductKind, StockKind, StockState
from app.models import Order, Product, ShopAlert, StockItem
from app.services import shop_alerts
from app.services.products import SoldOut, stock
from app.services.products.stock import NewItem
from tests.cast import Cast
from tests.racing import endings
from tests.shopping import a_product, an_order, codes


def alerts() -> list[str]:
    return list(db.session.scalars(select(ShopAlert.kind).order_by(ShopAlert.id)))


def reserve(product: Product, order: Order) -> None:
    with transaction():
        stock.reserve(product, order.id)


def take(order: Order) -> stock.Taken:
    with transaction():
        return stock.take(order)


def release(order: Order) -> None:
    with transaction():
        stock.release(order)


def test_an_order_reserves_one_item_however_often_it_asks(cast: Cast):
    product = a_product(cast.tenant, items=codes(3))
    order = an_order(product)
    reserve(product, order)
    reserve(product, order)
    assert stock.counts(product.id) == stock.Counts(free=2, reserved=1)


def test_what_was_reserved_is_taken_and_taken_again_is_the_same(cast: Cast):
    product = a_product(cast.tenant, items=codes(3))
    order = an_order(product)
    reserve(product, order)
    first, second = take(order), take(order)
    assert first == second
    assert first.content == "CODE-0"
    assert stock.counts(product.id) == stock.Counts(free=2, sold=1)


def test_an_expired_order_gives_its_item_back_once(cast: Cast):
    product = a_product(cast.tenant, items=codes(2))
    order = an_order(product)
    reserve(product, order)
    release(order)
    release(order)
    assert stock.counts(product.id) == stock.Counts(free=2)


def test_a_sold_item_is_never_freed(cast: Cast):
    product = a_product(cast.tenant, items=codes(2))
    order = an_order(product)
    take(order)
    release(order)
    assert stock.counts(product.id) == stock.Counts(free=1, sold=1)


def test_a_late_payment_gets_another_item(cast: Cast):
    product = a_product(cast.tenant, items=codes(2))
    late, quick = an_order(product), an_order(product)
    reserve(product, late)
    release(late)
    reserve(product, quick)
    assert take(quick).content == "CODE-0"
    assert take(late).content == "CODE-1"


def test_a_late_payment_finds_nothing_left(cast: Cast):
    product = a_product(cast.tenant, items=codes(1))
    late, quick = an_order(product), an_order(product)
    take(quick)
    with pytest.raises(SoldOut):
        take(late)


@pytest.mark.parametrize("kind", [ProductKind.MANUAL, ProductKind.CREDITS, ProductKind.BAZI_REPORT])
def test_other_kinds_count_their_stock(cast: Cast, kind: ProductKind):
    product = a_product(cast.tenant, kind=kind, stock=2)
    one, two, three = (an_order(product) for _ in range(3))
    reserve(product, one)
    reserve(product, one)
    take(two)
    take(two)
    with pytest.raises(SoldOut):
        reserve(product, three)
    release(one)
    release(one)
    release(two)
    db.session.refresh(product)
    assert product.stock == 1


def test_a_sold_out_order_that_goes_on_in_its_transaction_holds_nothing(cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL, stock=0)
    order = an_order(product)
    with transaction(), pytest.raises(SoldOut):
        stock.take(order)
    db.session.refresh(order)
    assert order.stock_held is None


def test_any_number_may_be_sold_where_nothing_is_counted(cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    order = an_order(product)
    reserve(product, order)
    release(order)
    take(order)
    db.session.refresh(product)
    assert product.stock is None


def test_the_stock_is_kept_encrypted(cast: Cast):
    a_product(cast.tenant, items=[NewItem(StockKind.CODE, "SECRET-CODE")])
    row = db.session.execute(text("SELECT content, fingerprint FROM stock_item")).one()
    assert "SECRET" not in row.content
    assert "SECRET" not in row.fingerprint


def test_what_is_there_already_is_told_and_left_out(cast: Cast):
    product = a_product(cast.tenant, items=codes(2))
    with transaction():
        added = stock.add(
            product, [NewItem(StockKind.CODE, code) for code in ("CODE-1", "NEW", "NEW", "NEWER")]
        )
    assert added == stock.Added(2, (0, 2))
    assert stock.counts(product.id).free == 4


def test_a_sold_code_is_not_put_in_again(cast: Cast):
    product = a_product(cast.tenant, items=codes(1))
    take(an_order(product))
    with transaction():
        assert stock.add(product, codes(1)) == stock.Added(0, (0,))


def test_two_products_may_hold_the_same_code(cast: Cast):
    one, two = a_product(cast.tenant, items=codes(1)), a_product(cast.tenant, items=codes(1))
    assert stock.counts(one.id).free == stock.counts(two.id).free == 1


def test_the_boss_hears_once_that_little_is_left_and_once_that_nothing_is(cast: Cast):
    product = a_product(cast.tenant, items=codes(LOW_STOCK + 1))
    seen = []
    for _ in range(LOW_STOCK + 1):
        take(an_order(product))
        seen.append(alerts())
    assert seen[0] == []
    assert seen[1] == seen[-2] == ["low_stock"]
    assert seen[-1] == ["low_stock", "sold_out"]
    assert [alert.kind for alert in shop_alerts.list_open(cast.tenant.id)] == ["sold_out"]


def test_after_a_refill_he_hears_it_again(cast: Cast):
    product = a_product(cast.tenant, items=codes(1))
    take(an_order(product))
    with transaction():
        stock.add(product, [NewItem(StockKind.CODE, "MORE")])
    take(an_order(product))
    assert alerts() == ["sold_out", "sold_out"]


def test_a_refill_settles_what_was_told(cast: Cast):
    product = a_product(cast.tenant, items=codes(1))
    take(an_order(product))
    assert len(shop_alerts.list_open(cast.tenant.id)) == 1
    with transaction():
        stock.add(product, [NewItem(StockKind.CODE, "MORE")])
    assert shop_alerts.list_open(cast.tenant.id) == []


def test_an_item_that_comes_and_goes_is_no_news(cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL, stock=1)
    order = an_order(product)
    for _ in range(3):
        reserve(product, order)
        release(order)
    assert alerts() == ["sold_out"]


def together(orders: list[int], act: Callable[[Order], object]) -> Counter[str]:
    """Each order in a thread of its own."""
    return endings(*(lambda one=one: act(db.session.get_one(Order, one)) for one in orders))


def reserve_of(order: Order) -> None:
    stock.reserve(db.session.get_one(Product, order.product_id), order.id)


@pytest.mark.parametrize("act", [reserve_of, stock.take])
def test_twenty_orders_at_once_share_ten_items(app: Flask, cast: Cast, act):
    product = a_product(cast.tenant, items=codes(10))
    ends = together([an_order(product).id for _ in range(20)], act)
    assert ends == {"done": 10, "sold_out": 10}
    held = select(func.count(StockItem.order_id.distinct())).where(StockItem.state != StockState.FREE)
    assert db.session.scalar(held) == 10


def test_twenty_orders_at_once_share_a_stock_of_ten(app: Flask, cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL, stock=10)
    ends = together([an_order(product).id for _ in range(20)], reserve_of)
    assert ends == {"done": 10, "sold_out": 10}
    db.session.refresh(product)
    assert product.stock == 0


def test_one_order_that_two_workers_serve_gets_one_item(app: Flask, cast: Cast):
    product = a_product(cast.tenant, items=codes(10))
    order = an_order(product)

    def locked(found: Order) -> None:
        db.session.refresh(found, with_for_update=True)
        stock.take(found)

    assert together([order.id] * 8, locked) == {"done": 8}
    assert stock.counts(product.id) == stock.Counts(free=9, sold=1)
