"""Making an order out of what a buyer confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.ids import one_time_code
from app.domain.money import Money
from app.domain.orders import DEFAULT_EXPIRY_MINUTES, MAX_OPEN, MAX_UNPAID_AN_HOUR, Actor, OrderState
from app.domain.payments import Provider
from app.models import Order, Product
from app.services import affiliates
from app.services.orders import lookup, moves
from app.services.orders.errors import NotForSale, PriceChanged, TooManyMade, TooManyOpen, WayGone
from app.services.orders.ways import price_of
from app.services.products import stock
from app.services.products.lookup import is_sold_in, snapshot


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer confirmed, in which bot. `made_by` names the form: confirming it twice makes one order.

    `price` is what stood on the button that he pressed.
    """

    bot_id: int
    telegram_id: int
    locale: str
    provider: Provider
    price: Money
    answers: Mapping[str, object]
    made_by: str


def create(product: Product, wish: Wish) -> Order:
    """The order, its stock reserved; calls nothing outside. The same wish again gives the same order.

    Raises NotForSale, WayGone, PriceChanged, TooManyOpen, TooManyMade, SoldOut.
    """
    known = lookup.find_made_by(product.tenant_id, wish.made_by)
    if known is not None:
        return known
    _check(product, wish)
    order = _insert(product, wish)
    if order is None:
        # The other press was a moment earlier; his commit was waited for.
        made = lookup.find_made_by(product.tenant_id, wish.made_by)
        assert made is not None
        return made
    moves.created(order, Actor.BUYER)
    stock.reserve(product, order.id)
    db.session.refresh(order)
    return order


def _check(product: Product, wish: Wish) -> None:
    if not is_sold_in(product, wish.bot_id):
        raise NotForSale
    price = price_of(product, wish.provider)
    if price is None:
        raise WayGone
    if price != wish.price:
        raise PriceChanged
    waiting = select(func.count()).where(
        Order.tenant_id == product.tenant_id,
        Order.telegram_id == wish.telegram_id,
        Order.state == OrderState.PENDING,
    )
    if (count := db.session.scalar(waiting) or 0) >= MAX_OPEN:
        raise TooManyOpen(count=count)
    lately = select(func.count()).where(
        Order.tenant_id == product.tenant_id,
        Order.telegram_id == wish.telegram_id,
        Order.state.in_((OrderState.PENDING, OrderState.EXPIRED)),
        Order.created_at > clock.now() - timedelta(hours=1),
    )
    if (db.session.scalar(lately) or 0) >= MAX_UNPAID_AN_HOUR:
        raise TooManyMade


def _insert(product: Product, wish: Wish) -> Order | None:
    """None when another press has made it."""
    values = {
        "tenant_id": product.tenant_id,
        "code": one_time_code(),
        "bot_id": wish.bot_id,
        "product_id": product.id,
        "telegram_id": wish.telegram_id,
        "locale": wish.locale,
        "provider": wish.provider,
        "amount_minor": wish.price.minor,
        "currency": wish.price.currency,
        "value_minor": product.price_minor,
        "value_currency": product.currency,
        "product": snapshot(product),
        "inputs": dict(wish.answers),
        "made_by": wish.made_by,
        "promoter_id": affiliates.promoter_of(product.tenant_id, wish.telegram_id),
        "expires_at": clock.now() + timedelta(minutes=expiry_minutes(product.options)),
    }
    statement = (
        insert(Order)
        .values(values)
        .on_conflict_do_nothing(index_elements=["tenant_id", "made_by"])
        .returning(Order.id)
    )
    order_id = db.session.scalar(statement)
    return None if order_id is None else lookup.get(order_id)


def expiry_minutes(options: Mapping[str, object]) -> int:
    """How long an order waits for its payment."""
    minutes = options.get("expires_minutes")
    return minutes if isinstance(minutes, int) and minutes > 0 else DEFAULT_EXPIRY_MINUTES
