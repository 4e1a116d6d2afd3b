"""Getting what was ordered without its price: refunds during a delivery, disputes, wishes without end, orders without end."""

from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.members import Person
from app.domain.orders import MAX_UNPAID_AN_HOUR, Actor, OrderState
from app.domain.payments import Provider
from app.models import OutgoingMessage
from app.services.fulfilment import delivery
from app.services.fulfilment.delivery import MOST_WISHES, NothingToSend
from app.services.orders import contact, create, expiry, lookup, moves
from app.services.orders.contact import TooManyMessages
from app.services.orders.create import Wish
from app.services.orders.errors import TooManyMade
from app.services.orders.ways import price_of
from app.services.payments import disputes
from tests.cast import Cast
from tests.fulfilling import a_report, deliver, fulfil, fulfil_until_told, paid, reread, send, shown
from tests.paying import set_up_transfer
from tests.sandbox_client import LIN
from tests.shopping import a_product, an_order, codes
from tests.talking import Talk


def refund(order) -> None:
    with transaction():
        locked = lookup.get(order.id, lock=True)
        moves.move(locked, OrderState.REFUNDED, actor=Actor.STAFF, why="refunded")


def test_a_code_that_has_not_left_yet_stays_here_when_its_money_goes_back(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_product(cast.tenant, codes(1)), LIN)
    fulfil_until_told(app, shop)
    refund(order)
    send(shop.config)
    assert not any("CODE-0" in one for one in shown(shop))
    assert reread(order).state is OrderState.REFUNDED


def test_what_is_being_sent_while_its_money_goes_back_is_not_tried_again(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_product(cast.tenant, codes(1)), LIN)
    fulfil_until_told(app, shop)
    with transaction():
        db.session.execute(
            text("UPDATE outbox SET state = 'sending', lease_until = now() WHERE state = 'queued'")
        )
    refund(order)
    send(shop.config)
    assert not any("CODE-0" in one for one in shown(shop))


def test_another_order_of_the_same_buyer_is_delivered_all_the_same(app: Flask, shop: Talk, cast: Cast):
    product = a_product(cast.tenant, codes(2))
    first, second = paid(product, LIN), paid(product, LIN)
    fulfil(app)
    refund(first)
    send(shop.config)
    assert reread(second).state is OrderState.COMPLETED
    said = "".join(shown(shop))
    assert ("CODE-0" in said, "CODE-1" in said) == (False, True)


def test_a_refunded_report_comes_to_nobody_again(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_report(cast.tenant), LIN)
    deliver(app, shop)
    refund(order)
    with pytest.raises(NothingToSend), transaction():
        delivery.again(order.id, "press")


def test_a_disputed_order_is_neither_sent_nor_sent_again(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_product(cast.tenant, codes(1)), LIN)
    fulfil_until_told(app, shop)
    with transaction():
        disputes.stop(order.id, "NOTIFICATION_OF_CHARGEBACK", "T1")
    with pytest.raises(NothingToSend), transaction():
        delivery.again(order.id, "press")
    send(shop.config)
    assert not any("CODE-0" in one for one in shown(shop))
    assert (reread(order).state, order.error) == (OrderState.FAILED, "disputed")


def test_a_hundred_wishes_to_have_it_again_are_a_few(app: Flask, shop: Talk, cast: Cast):
    order = paid(a_product(cast.tenant, codes(1)), LIN)
    deliver(app, shop)
    for number in range(100):
        with transaction():
            delivery.again(order.id, f"press{number}")
    wishes = select(func.count()).where(OutgoingMessage.dedupe_key.like(f"order:{order.id}:again:%"))
    assert db.session.scalar(wishes) == MOST_WISHES
    send(shop.config)
    with transaction():
        delivery.again(order.id, "later")
    assert db.session.scalar(wishes) == MOST_WISHES + 1


def test_many_orders_give_nobody_more_messages_to_the_shop(shop: Talk, cast: Cast):
    product, person = a_product(cast.tenant), Person(LIN, "Lin", "", None, "en")
    orders = [an_order(product, LIN) for _ in range(6)]
    sent = 0
    for number, order in enumerate(orders * 5, start=1):
        with suppress(TooManyMessages), transaction():
            contact.pass_on(lookup.get(order.id, lock=True), person, "Hello", number)
            sent += 1
    assert sent == 15


def test_nobody_orders_and_cancels_without_end(shop: Talk, cast: Cast):
    set_up_transfer(cast.tenant)
    product = a_product(cast.tenant, codes(1))
    price = price_of(product, Provider.MANUAL)
    assert price is not None

    def order(number: int) -> None:
        wish = Wish(shop.config.id, LIN, "en", Provider.MANUAL, price, {}, f"form:{number}")
        with transaction():
            expiry.cancel(create.create(product, wish).id)

    for number in range(MAX_UNPAID_AN_HOUR):
        order(number)
    with pytest.raises(TooManyMade):
        order(999)
    with transaction():
        db.session.execute(
            text("UPDATE orders SET created_at = :then"), {"then": clock.now().replace(year=2020)}
        )
    order(1000)
