"""Promoters, orders and their ends, for tests: written straight to the database where the shop is not what is shown."""

import itertools
from datetime import timedelta

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.affiliates import Referral
from app.domain.bots import BotConfig
from app.domain.members import Person
from app.domain.orders import OrderState
from app.domain.products import ProductState
from app.models import Bot, Order, Product, Promoter, Tenant
from app.services import affiliates, members
from app.services.affiliates import ledger, promoters

CHEN, DING, EVA, FANG = 6_100_700_001, 6_100_700_002, 6_100_700_003, 6_100_700_004
"""Long, so that no moment or sum holds one by chance."""
TEN_AND_FIVE = {"kind": "percent", "first": 1000, "second": 500}
_numbers = itertools.count(1)


def meet(bot: Bot, telegram_id: int, name: str = "Friend") -> None:
    """Somebody writes to a bot: afterwards the tenant knows him. Needs a transaction."""
    members.see(bot.tenant_id, bot.id, Person(telegram_id, name, "", None, "en"), private=True)


def a_promoter(bot: Bot, telegram_id: int, name: str = "Chen") -> Promoter:
    """A member who became a promoter by himself."""
    with transaction():
        meet(bot, telegram_id, name)
        return promoters.become(bot.tenant_id, telegram_id)


def opens(bot: Bot, promoter: Promoter, telegram_id: int, name: str = "Friend") -> Referral | None:
    """Somebody opens a promoter's link, as one update: he is written down in the same transaction."""
    with transaction():
        meet(bot, telegram_id, name)
        return affiliates.touch(bot.tenant_id, promoter.code, telegram_id)


def a_product(tenant: Tenant) -> Product:
    number = next(_numbers)
    product = Product(
        tenant_id=tenant.id, code=f"p{number}", name="Tea", kind="manual", price_minor=1990, currency="USD"
    )
    with transaction():
        db.session.add(product)
    return product


def a_paying_product(tenant: Tenant) -> Product:
    """On sale, with a commission."""
    product = a_product(tenant)
    with transaction():
        product.state, product.commission = ProductState.ON_SALE, dict(TEN_AND_FIVE)
    return product


def an_order(bot: Bot | BotConfig, product: Product, buyer: int, **values: object) -> Order:
    """An order that is being worked on; its promoter is whoever the buyer is bound to."""
    number = next(_numbers)
    fields: dict[str, object] = {
        "state": OrderState.PAID,
        "amount_minor": 10_000,
        "currency": "USD",
        "value_minor": 10_000,
        "value_currency": "USD",
        "product": {"name": product.name, "commission": TEN_AND_FIVE},
        "promoter_id": affiliates.promoter_of(bot.tenant_id, buyer),
    }
    order = Order(
        tenant_id=bot.tenant_id,
        code=f"T{number:07}",
        bot_id=bot.id,
        product_id=product.id,
        telegram_id=buyer,
        locale="en",
        provider="manual",
        made_by=f"press:{number}",
        expires_at=clock.now() + timedelta(minutes=30),
        **(fields | values),
    )
    with transaction():
        db.session.add(order)
    return order


def complete(order: Order) -> None:
    """As the orders do it: the state, and what promoters earn."""
    with transaction():
        order.state, order.completed_at = OrderState.COMPLETED, clock.now()
        affiliates.earn(order)


def refund(order: Order) -> None:
    """As the orders do it: the state, and what promoters lose again."""
    with transaction():
        order.state = OrderState.REFUNDED
        affiliates.reverse(order)


def balance(promoter: Promoter, currency: str = "USD") -> int:
    """What the promoter has, after looking whether the whole ledger adds up."""
    assert ledger.check(promoter.tenant_id).mismatches == []
    return ledger.balances(promoter.id).get(currency, 0)


def said_to(telegram_id: int) -> list[str]:
    """What waits in the outbox for somebody, oldest first."""
    rows = db.session.execute(
        text("SELECT payload->>'text' FROM outbox WHERE chat_id = :chat ORDER BY id"), {"chat": telegram_id}
    )
    return [row[0] for row in rows]
