"""Finding orders and their history."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from app.core.db import db
from app.core.errors import NotFound
from app.domain import form_answers
from app.domain.form_fields import Field
from app.domain.orders import read_code
from app.domain.products import ProductKind
from app.models import Order, OrderEvent

PAGE: Final = 6
"""Orders on one page of a buyer's list."""
_LAST_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some orders of a longer list; pages count from 0. `more` = another page follows."""

    orders: list[Order]
    number: int
    more: bool


def get(order_id: int, *, lock: bool = False) -> Order:
    """Raises NotFound. `lock` holds up every other change of the order until the transaction ends."""
    query = select(Order).where(Order.id == order_id).execution_options(populate_existing=lock)
    order = db.session.scalar(query.with_for_update() if lock else query)
    if order is None:
        raise NotFound
    return order


def find_by_code(code: str) -> Order | None:
    """By the code that the buyer sees, in small or capital letters."""
    wanted = read_code(code)
    if wanted is None:
        return None
    return db.session.scalar(select(Order).where(Order.code == wanted))


def find_of_buyer(code: str, telegram_id: int) -> Order | None:
    """The order with this code where it is this person's own."""
    order = find_by_code(code)
    return order if order is not None and order.telegram_id == telegram_id else None


def find_made_by(tenant_id: int, made_by: str) -> Order | None:
    """The order that a press made."""
    return db.session.scalar(select(Order).where(Order.tenant_id == tenant_id, Order.made_by == made_by))


def history(order_id: int) -> list[OrderEvent]:
    """Every line, the oldest first."""
    query = select(OrderEvent).where(OrderEvent.order_id == order_id).order_by(OrderEvent.id)
    return list(db.session.scalars(query))


def list_of_buyer(tenant_id: int, telegram_id: int, page: int = 0) -> Page:
    """Somebody's own orders, the newest first."""
    number = max(0, min(page, _LAST_PAGE))
    query = (
        select(Order)
        .where(Order.tenant_id == tenant_id, Order.telegram_id == telegram_id)
        .order_by(Order.id.desc())
        .offset(number * PAGE)
        .limit(PAGE + 1)
    )
    found = list(db.session.scalars(query))
    return Page(found[:PAGE], number, len(found) > PAGE)


def questions_of(order: Order) -> tuple[Field, ...]:
    """The questions as its buyer was asked them; the order keeps them."""
    kind, fields = order.product.get("kind", ProductKind.MANUAL), order.product.get("fields")
    return form_answers.questions(ProductKind(str(kind)), fields if isinstance(fields, list) else [])
