"""Paid orders for tests of their fulfilment: many at once, and workers' turns without processes."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Event
from typing import Any

from flask import Flask
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.i18n import ZH
from app.core.queue import transaction
from app.domain.bots import BotConfig
from app.domain.orders import OrderState
from app.domain.products import ProductKind
from app.models import Bot, Order, Product, Tenant
from app.services.fulfilment import claims, delivery, telling
from app.services.fulfilment.claims import Claimed
from bots.order_production import produce
from bots.order_signs import Signs
from bots.telegram.outbox import flush
from tests.sandbox_client import LIN, Json
from tests.shopping import a_product, an_order
from tests.talking import Talk

BIRTH = {
    "name": "林小明",
    "sex": "male",
    "calendar": "solar",
    "birth_date": {"year": 1988, "month": 11, "day": 8, "leap": False},
    "birth_hour": {"hour": 12, "minute": 20},
    "place": None,
}
_MANY = text("""
INSERT INTO orders (tenant_id, code, bot_id, product_id, telegram_id, locale, state, provider, amount_minor, currency,
    value_minor, value_currency, product, inputs, made_by, expires_at, paid_at)
SELECT p.tenant_id, 'O' || p.id || 'N' || n, :bot_id, p.id, 1000 + n, 'en', 'paid', 'manual', 100, 'USD', 100, 'USD',
    jsonb_build_object('name', p.name, 'kind', p.kind, 'options', p.options, 'commission', p.commission, 'code', p.code),
    CAST(:inputs AS jsonb), 'many:' || p.id || ':' || n, now(), :paid_at + n * interval '1 millisecond'
FROM product p, generate_series(1, :number) n WHERE p.id = :product_id
""")


def a_credit_product(tenant: Tenant, **fields: object) -> Product:
    """100 credits for 1.00 USD, as many as anybody wants."""
    values: dict[str, object] = {
        "name": "100 credits",
        "kind": ProductKind.CREDITS,
        "price_minor": 100,
        "options": {"credits": 100},
    }
    return a_product(tenant, **(values | fields))


def a_report(tenant: Tenant, **fields: object) -> Product:
    """A birth chart's report, by whoever there is a key for."""
    values: dict[str, object] = {
        "name": "BaZi report",
        "kind": ProductKind.BAZI_REPORT,
        "options": {"chart": "auto", "late_zi_next_day": False, "true_solar_time": False},
    }
    return a_product(tenant, **(values | fields))


def paid(product: Product, telegram_id: int = 42, *, ago: float = 0.0, **fields: object) -> Order:
    """An order that was paid `ago` seconds ago, by hand, so that nobody is asked about it."""
    values: dict[str, object] = {
        "state": OrderState.PAID,
        "paid_at": clock.now() - timedelta(seconds=ago),
    }
    if product.kind is ProductKind.BAZI_REPORT:
        values |= {"inputs": BIRTH, "locale": ZH}
    return an_order(product, telegram_id, **(values | fields))


def many_paid(product: Product, bot: Bot, number: int, *, ago: float = 600.0) -> None:
    """So many paid orders, each of another buyer, one after the other in the order of their ids."""
    values = {
        "bot_id": bot.id,
        "product_id": product.id,
        "number": number,
        "inputs": "{}",
        "paid_at": clock.now() - timedelta(seconds=ago),
    }
    with transaction():
        db.session.execute(_MANY, values)
        # Else the checks of foreign keys read all of them for each one that the next test deletes.
        db.session.execute(text("ANALYZE orders"))


def claim(most: int = 16, after: int = 0) -> list[Claimed]:
    """What one worker gets at once."""
    with transaction():
        return claims.claim(most, after).orders


def reread(order: Order) -> Order:
    """As it is in the database by now."""
    db.session.rollback()
    db.session.refresh(order)
    return order


def story(order_id: int) -> list[str]:
    """Why the order moved, line by line."""
    query = text("SELECT why FROM order_event WHERE order_id = :id ORDER BY id")
    return list(db.session.execute(query, {"id": order_id}).scalars())


def messages(order: Order) -> Sequence[Any]:
    """What was written to the outbox for an order, as (key without the order, method, text or caption)."""
    query = text(
        "SELECT dedupe_key, method, coalesce(payload ->> 'text', payload ->> 'caption', '') FROM outbox"
        " WHERE dedupe_key LIKE :key ORDER BY id"
    )
    found = db.session.execute(query, {"key": f"order:{order.id}:%"}).all()
    return [(key.split(":", 2)[2], method, said) for key, method, said in found]


def fulfil(app: Flask, most: int = 16) -> int:
    """One claim, and everything for the orders that it brought, one after the other; how many those were."""
    with transaction():
        found = claims.claim(most).orders
        telling.begun([one.id for one in found if one.untold])
    for claimed in found:
        produce(app, claimed, Signs(claimed))
    db.session.rollback()
    return len(found)


def send(config: BotConfig) -> None:
    """Everything that is due in the outbox, and what follows from its being sent."""
    while flush(config, Event()):
        pass
    with transaction():
        finished = delivery.sweep()
    for order_id in finished:
        with transaction():
            delivery.heard(order_id)
    flush(config, Event())
    db.session.rollback()


def chat(shop: Talk) -> list[Json]:
    """What the bot has in Lin's chat, the oldest first."""
    found = shop.telegram.messages(shop.bot, LIN)
    return [one for one in found if one["from"]["is_bot"]]


def shown(shop: Talk) -> list[str]:
    """The words of it."""
    return [one.get("text") or one.get("caption") or "" for one in chat(shop)]


def deliver(app: Flask, shop: Talk) -> None:
    """From the claim to what the buyer has."""
    fulfil(app)
    send(shop.config)


def fulfil_until_told(app: Flask, shop: Talk) -> None:
    """The buyer has his progress message, and the order is not delivered."""
    with transaction():
        telling.begun_some()
    send(shop.config)
    fulfil(app)


def sources(order: Order) -> dict[str, str]:
    """Who did each step."""
    query = text("SELECT step, source FROM order_step WHERE order_id = :id AND step <> 'delivery'")
    return {row.step: row.source for row in db.session.execute(query, {"id": order.id})}
