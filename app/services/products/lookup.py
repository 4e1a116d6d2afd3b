"""Finding products, and what an order keeps of one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from app.core.db import db
from app.core.errors import NotFound
from app.domain.products import PAGE, ProductState
from app.models import Product

_LAST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some products of a longer list; pages count from 0. `more` = another page follows."""

    products: list[Product]
    number: int
    more: bool


def get(product_id: int, *, lock: bool = False) -> Product:
    """The product in whatever state. `lock` keeps others from changing it meanwhile. Raises NotFound."""
    query = select(Product).where(Product.id == product_id).execution_options(populate_existing=lock)
    product = db.session.scalar(query.with_for_update() if lock else query)
    if product is None:
        raise NotFound
    return product


def find_by_code(code: str) -> Product | None:
    """The product that a link means, in whatever state."""
    return db.session.scalar(select(Product).where(Product.code == code.strip().upper()))


def get_by_code(code: str) -> Product:
    """Raises NotFound."""
    product = find_by_code(code)
    if product is None:
        raise NotFound
    return product


def is_sold_in(product: Product, bot_id: int) -> bool:
    """Whether it is on sale, and in this bot."""
    return product.state is ProductState.ON_SALE and product.bot_id in {None, bot_id}


def list_on_sale(tenant_id: int, bot_id: int, page: int = 0) -> Page:
    """What the shop of a bot shows, in the boss's order."""
    page = min(max(page, 0), _LAST_PAGE)
    query = (
        select(Product)
        .where(
            Product.tenant_id == tenant_id,
            Product.state == ProductState.ON_SALE,
            or_(Product.bot_id.is_(None), Product.bot_id == bot_id),
        )
        .order_by(Product.position, Product.id)
        .offset(page * PAGE)
        .limit(PAGE + 1)
    )
    found = list(db.session.scalars(query))
    return Page(found[:PAGE], page, len(found) > PAGE)


def list_all(
    tenant_id: int, states: Sequence[ProductState] = (), search: str = "", *, page: int = 0, size: int = 20
) -> Page:
    """The boss's list: his order, archived ones only when asked for."""
    wanted = states or [state for state in ProductState if state is not ProductState.ARCHIVED]
    query = select(Product).where(Product.tenant_id == tenant_id, Product.state.in_(wanted))
    if search:
        query = query.where(
            or_(Product.name.icontains(search, autoescape=True), Product.code == search.upper())
        )
    page = min(max(page, 0), _LAST_PAGE)
    query = query.order_by(Product.position, Product.id.desc()).offset(page * size).limit(size + 1)
    found = list(db.session.scalars(query))
    return Page(found[:size], page, len(found) > size)


def snapshot(product: Product) -> dict[str, object]:
    """What an order keeps of the product, so that later changes do not touch it."""
    return {
        "name": product.name,
        "kind": product.kind.value,
        "options": dict(product.options),
        "commission": dict(product.commission),
        "fields": list(product.fields),
        "code": product.code,
    }
