"""Products and orders for tests, written as the product keeps them."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.ids import one_time_code
from app.core.queue import transaction
from app.domain.payments import Provider
from app.domain.products import ProductKind, ProductState, StockKind
from app.models import Bot, Order, Product, Tenant
from app.services.products import lookup, stock
from app.services.products.stock import NewItem
from tests.lottery_tools import a_bot

BUYER = 42
_presses = count(1)


def codes(number: int) -> list[NewItem]:
    """`CODE-0` and so on."""
    return [NewItem(StockKind.CODE, f"CODE-{place}") for place in range(number)]


def a_product(tenant: Tenant, items: Sequence[NewItem] = (), **fields: object) -> Product:
    """On sale, digital goods for 19.90 USD unless `fields` say otherwise."""
    values: dict[str, object] = {
        "code": one_time_code(),
        "name": "Card",
        "kind": ProductKind.DIGITAL_GOODS,
        "state": ProductState.ON_SALE,
        "price_minor": 1990,
        "currency": "USD",
        "providers": ["manual"],
    }
    product = Product(tenant_id=tenant.id, **(values | fields))
    with transaction():
        db.session.add(product)
        db.session.flush()
        stock.add(product, items)
    return product


def an_order(product: Product, telegram_id: int = BUYER, **fields: object) -> Order:
    """Waits for its payment; nothing is reserved for it."""
    bot = _some_bot(product.tenant_id)
    values: dict[str, object] = {
        "code": one_time_code(),
        "bot_id": bot.id,
        "product_id": product.id,
        "telegram_id": telegram_id,
        "locale": "en",
        "provider": Provider.MANUAL,
        "amount_minor": product.price_minor,
        "currency": product.currency,
        "value_minor": product.price_minor,
        "value_currency": product.currency,
        "product": lookup.snapshot(product),
        "made_by": f"test:{next(_presses)}",
        "expires_at": clock.now() + timedelta(minutes=30),
    }
    order = Order(tenant_id=product.tenant_id, **(values | fields))
    db.session.add(order)
    db.session.commit()
    return order


def _some_bot(tenant_id: int) -> Bot:
    bot = db.session.scalars(select(Bot).where(Bot.tenant_id == tenant_id).order_by(Bot.id)).first()
    return bot or a_bot(db.session.get_one(Tenant, tenant_id), tenant_id)
