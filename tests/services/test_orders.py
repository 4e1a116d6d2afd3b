"""Orders: made once, for the price that was seen, and ended when their time is over."""

import threading
from datetime import timedelta

import pytest
from flask import Flask, current_app

from app.core import clock
from app.core.db import db
from app.core.errors import AppError
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.money import Money
from app.domain.orders import MAX_OPEN, Actor, OrderState
from app.domain.payments import Provider
from app.domain.products import ProductKind
from app.models import Bot, Order, OrderEvent, Payment, Product, StockItem
from app.services.orders import create, expiry, lookup, moves, retry
from app.services.orders.create import Wish
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.lottery_tools import a_bot
from tests.racing import in_threads
from tests.shopping import BUYER, a_product, an_order, codes

PRICE = Money(1990, "USD")


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


def wish(bot: Bot, **fields: object) -> Wish:
    values: dict[str, object] = {
        "bot_id": bot.id,
        "telegram_id": BUYER,
        "locale": "en",
        "provider": Provider.MANUAL,
        "price": PRICE,
        "answers": {},
        "made_by": "form:1",
    }
    return Wish(**(values | fields))


def make(product: Product, wanted: Wish) -> Order:
    with transaction():
        return create.create(product, wanted)


def refused(product: Product, wanted: Wish) -> str:
    with pytest.raises(AppError) as told:
        make(product, wanted)
    return told.value.code


def test_an_order_keeps_what_was_sold_and_reserves_it(cast: Cast, bot: Bot):
    product = a_product(cast.tenant, codes(1), options={"expires_minutes": 45}, providers=["manual"])
    order = make(product, wish(bot, answers={"q1": "red"}))
    assert (order.state, order.amount_minor, order.currency) == ("pending", 1990, "USD")
    assert (order.product["name"], order.product["fields"], order.inputs) == ("Card", [], {"q1": "red"})
    assert timedelta(minutes=44) < order.expires_at - clock.now() <= timedelta(minutes=45)
    assert db.session.query(StockItem).one().order_id == order.id
    (line,) = lookup.history(order.id)
    assert (line.from_state, line.to_state, line.actor, line.why) == (None, "pending", "buyer", "created")


def test_the_same_wish_is_one_order(cast: Cast, bot: Bot):
    product = a_product(cast.tenant, codes(2))
    assert make(product, wish(bot)).id == make(product, wish(bot)).id
    assert db.session.query(StockItem).filter_by(state="reserved").count() == 1
    assert db.session.query(OrderEvent).count() == 1


def test_presses_at_the_same_moment_are_one_order(app: Flask, cast: Cast, bot: Bot):
    product_id, bot_id = a_product(cast.tenant, codes(9)).id, bot.id

    def press() -> int:
        with transaction():
            product = db.session.get_one(Product, product_id)
            return create.create(product, wish(db.session.get_one(Bot, bot_id))).id

    made = in_threads([press] * 8, threads=8)
    assert len(set(made)) == 1
    assert db.session.query(StockItem).filter_by(state="reserved").count() == 1


def test_the_last_one_is_sold_once(cast: Cast, bot: Bot):
    product = a_product(cast.tenant, codes(1))
    make(product, wish(bot))
    assert refused(product, wish(bot, made_by="form:2")) == "sold_out"
    assert db.session.query(Order).count() == 1


def test_a_price_that_changed_meanwhile_is_not_charged(cast: Cast, bot: Bot):
    product = a_product(cast.tenant, codes(1))
    product.price_minor = 2990
    db.session.commit()
    assert refused(product, wish(bot)) == "price_changed"


@pytest.mark.parametrize("state", ["draft", "off_sale", "archived"])
def test_what_is_not_on_sale_is_not_sold(cast: Cast, bot: Bot, state: str):
    assert refused(a_product(cast.tenant, codes(1), state=state), wish(bot)) == "not_for_sale"


def test_another_bots_product_is_not_sold_here(cast: Cast, bot: Bot):
    product = a_product(cast.tenant, codes(1), bot_id=a_bot(cast.tenant, 2).id)
    assert refused(product, wish(bot)) == "not_for_sale"


def test_stars_have_their_own_price(cast: Cast, bot: Bot):
    product = a_product(cast.tenant, codes(2), providers=["stars", "manual"], stars=150)
    order = make(product, wish(bot, provider=Provider.STARS, price=Money(150, "XTR")))
    assert (order.amount_minor, order.currency) == (150, "XTR")
    assert (order.value_minor, order.value_currency) == (1990, "USD")
    assert refused(product, wish(bot, provider=Provider.PINGPONG, made_by="form:2")) == "payment_way_gone"


def test_one_buyer_holds_a_few_open_orders_at_most(cast: Cast, bot: Bot):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    for number in range(MAX_OPEN):
        make(product, wish(bot, made_by=f"form:{number}"))
    assert refused(product, wish(bot, made_by="form:x")) == "too_many_open_orders"
    make(product, wish(bot, telegram_id=BUYER + 1, made_by="form:y"))
    with transaction():
        expiry.cancel(lookup.list_of_buyer(cast.tenant.id, BUYER).orders[-1].id)
    make(product, wish(bot, made_by="form:x"))


def test_unpaid_orders_expire_and_free_what_they_held(cast: Cast, bot: Bot, time: Clockwork):
    product = a_product(cast.tenant, codes(1))
    order = make(product, wish(bot))
    with transaction():
        assert expiry.expire_due() == 0
    time.forward(minutes=31)
    with transaction():
        assert expiry.expire_due() == 1
    assert lookup.get(order.id).state is OrderState.EXPIRED
    assert db.session.query(StockItem).one().state == "free"
    assert lookup.history(order.id)[-1].actor == "sweep"


def test_a_counted_stock_is_given_back(cast: Cast, bot: Bot, time: Clockwork):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL, stock=3)
    make(product, wish(bot))
    assert db.session.get_one(Product, product.id, populate_existing=True).stock == 2
    time.forward(minutes=31)
    with transaction():
        expiry.expire_due()
    assert db.session.get_one(Product, product.id, populate_existing=True).stock == 3


def test_two_sweeps_at_once_expire_each_order_once(app: Flask, cast: Cast, time: Clockwork):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    ids = [an_order(product, telegram_id=number).id for number in range(1, 21)]
    time.forward(minutes=31)

    def sweep() -> int:
        with transaction():
            return expiry.expire_due(7)

    assert sum(in_threads([sweep] * 6, threads=3)) == len(ids)
    lines = db.session.query(OrderEvent).filter_by(to_state="expired").all()
    assert sorted(line.order_id for line in lines) == sorted(ids)


def test_a_locked_order_is_left_for_the_next_time(app: Flask, cast: Cast, time: Clockwork):
    order_id = an_order(a_product(cast.tenant, kind=ProductKind.MANUAL)).id
    time.forward(minutes=31)
    held, done, app = threading.Event(), threading.Event(), current_app._get_current_object()

    def somebody() -> None:
        with app.app_context(), system_scope(), transaction():
            lookup.get(order_id, lock=True)
            held.set()
            done.wait(10)

    thread = threading.Thread(target=somebody)
    thread.start()
    held.wait(10)
    with transaction():
        assert expiry.expire_due() == 0
    done.set()
    thread.join()


def test_who_says_that_he_transferred_the_money_is_waited_for(cast: Cast, time: Clockwork):
    order = an_order(a_product(cast.tenant, kind=ProductKind.MANUAL))
    db.session.add(
        Payment(
            tenant_id=cast.tenant.id,
            order_id=order.id,
            provider="manual",
            reference="r1",
            amount_minor=1990,
            currency="USD",
            state="open",
            claimed_at=clock.now(),
        )
    )
    db.session.commit()
    time.forward(days=2)
    with transaction():
        assert expiry.expire_due() == 0
    time.forward(days=2)
    with transaction():
        assert expiry.expire_due() == 1


def failed_order(product: Product) -> Order:
    order = an_order(product)
    with transaction():
        for to in (OrderState.PAID, OrderState.GENERATING, OrderState.FAILED):
            moves.move(
                lookup.get(order.id, lock=True), to, actor=Actor.WORKER, why="test", error="some_error"
            )
    return order


def test_a_retry_starts_from_the_beginning_but_keeps_its_place(cast: Cast):
    order = failed_order(a_product(cast.tenant, kind=ProductKind.MANUAL))
    paid_at, order.attempts, order.deaths = order.paid_at, 14, 2
    db.session.commit()
    with transaction():
        again = retry.retry(order.id, "Owner")
    assert (again.state, again.attempts, again.deaths, again.turn) == ("paid", 0, 0, 2)
    assert (again.paid_at, again.error) == (paid_at, None)
    line = lookup.history(order.id)[-1]
    assert (line.why, line.actor_name, line.details) == ("retry", "Owner", {"error": "some_error"})


def test_only_what_failed_is_retried(cast: Cast):
    order = an_order(a_product(cast.tenant, kind=ProductKind.MANUAL))
    with pytest.raises(AppError) as told, transaction():
        retry.retry(order.id, "Owner")
    assert told.value.code == "illegal_move"


def test_whoever_looked_before_somebody_else_moved_it_moves_nothing(app: Flask, cast: Cast):
    order = an_order(a_product(cast.tenant, kind=ProductKind.MANUAL))
    seen = lookup.get(order.id)
    db.session.expunge(seen)
    with transaction():
        moves.move(lookup.get(order.id, lock=True), OrderState.PAID, actor=Actor.CALLBACK, why="paid")
    with pytest.raises(AppError) as told, transaction():
        moves.move(seen, OrderState.EXPIRED, actor=Actor.SWEEP, why="expired")
    assert told.value.code == "illegal_move"
    assert lookup.get(order.id).state is OrderState.PAID


def test_a_refund_takes_the_lease_from_whoever_works_on_it(cast: Cast):
    order = an_order(a_product(cast.tenant, codes(1)))
    with transaction():
        for to in (OrderState.PAID, OrderState.GENERATING, OrderState.REFUNDED):
            moves.move(lookup.get(order.id, lock=True), to, actor=Actor.WORKER, why="test")
    order = lookup.get(order.id)
    assert (order.phase, order.lease_token, order.lease_until) == (None, 1, None)


def test_a_buyers_orders_are_listed_by_pages_the_newest_first(cast: Cast):
    product = a_product(cast.tenant, kind=ProductKind.MANUAL)
    made = [an_order(product).id for _ in range(lookup.PAGE + 2)]
    an_order(product, telegram_id=BUYER + 1)
    first = lookup.list_of_buyer(cast.tenant.id, BUYER)
    second = lookup.list_of_buyer(cast.tenant.id, BUYER, 1)
    assert [one.id for one in (*first.orders, *second.orders)] == made[::-1]
    assert (first.more, second.more) == (True, False)


def test_an_order_is_found_by_its_code_in_small_letters_too(cast: Cast):
    order = an_order(a_product(cast.tenant, kind=ProductKind.MANUAL))
    assert lookup.find_by_code(f" {order.code.lower()} ") is order
    assert lookup.find_of_buyer(order.code, BUYER + 1) is None
    assert lookup.find_by_code("'; drop table orders") is None
