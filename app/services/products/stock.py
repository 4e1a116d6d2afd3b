"""Stock: reserved when ordered, freed when the order ends without money, taken when it is fulfilled.

Items of digital products are rows that each belong to one order at most, for ever; of other kinds only a number is
kept, and the order says what it holds of it. Each step is one conditional UPDATE and may be repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import TextClause, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.core import crypto
from app.core.clock import now
from app.core.db import db
from app.core.settings import get_settings
from app.domain.products import LOW_STOCK, ProductKind, StockKind, StockState
from app.domain.shop_alerts import AlertKind
from app.models import Order, Product, StockItem
from app.services import audit, shop_alerts
from app.services.products.errors import SoldOut

_RESERVE: Final = text("""
WITH head AS MATERIALIZED (
    SELECT id FROM stock_item WHERE product_id = :product_id AND state = 'free'
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE stock_item s SET state = 'reserved', order_id = :order_id, changed_at = now()
FROM head WHERE s.id = head.id RETURNING s.id
""")
_TAKE_ONE: Final = text("""
UPDATE product SET stock = stock - 1 WHERE id = :product_id AND (stock IS NULL OR stock > 0) RETURNING id
""")
_GIVE_BACK: Final = text("UPDATE product SET stock = stock + 1 WHERE id = :product_id AND stock IS NOT NULL")
_LEFT: Final = text("""
SELECT count(*) FROM (SELECT FROM stock_item WHERE product_id = :product_id AND state = 'free' LIMIT :most) s
""")


@dataclass(frozen=True, slots=True)
class NewItem:
    """Something to sell: a code or link as text, or a kept file with its digest."""

    kind: StockKind
    content: str | None = None
    file_id: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """How many are new, and the places (from 0) of those that the product has or had already."""

    added: int
    known: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Items of a product by state."""

    free: int = 0
    reserved: int = 0
    sold: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a fulfilled order got. All is None for kinds that have no items."""

    item_id: int | None = None
    kind: StockKind | None = None
    content: str | None = None
    file_id: int | None = None


def reserve(product: Product, order_id: int) -> None:
    """Sets one aside for an order; once, however often it is asked for. Raises SoldOut."""
    if product.kind is ProductKind.DIGITAL_GOODS:
        if _item_of(order_id) is None and not _reserve_item(product.id, order_id):
            raise SoldOut
    else:
        _count_down(product.id, order_id, StockState.RESERVED)
    _look_at_what_is_left(product.id)


def release(order: Order) -> None:
    """Frees what the order has reserved and not taken. What was handed over stays his for ever."""
    db.session.execute(
        update(StockItem)
        .where(StockItem.order_id == order.id, StockItem.state == StockState.RESERVED)
        .values(state=StockState.FREE, order_id=None, changed_at=now())
    )
    if _hold(order.id, StockState.RESERVED, None):
        db.session.execute(_GIVE_BACK, {"product_id": order.product_id})


def take(order: Order) -> Taken:
    """What the order gets: what it reserved, else another free one, else SoldOut. Asked again, the same."""
    if order.product["kind"] == ProductKind.DIGITAL_GOODS:
        taken = _take_item(order)
    else:
        _take_counted(order)
        taken = Taken()
    _look_at_what_is_left(order.product_id)
    return taken


def available(product: Product) -> int | None:
    """How many can be ordered now; None = any number. Digital goods are counted up to LOW_STOCK."""
    return _left(product.id) if product.kind is ProductKind.DIGITAL_GOODS else product.stock


def add(product: Product, items: Sequence[NewItem]) -> Added:
    """Puts items into the stock; those that it knows, sold ones too, are left out and told."""
    if not items:
        return Added(0, ())
    marks = [_fingerprint(product.id, item) for item in items]
    first = {mark: place for place, mark in reversed(list(enumerate(marks)))}
    rows = [
        {
            "tenant_id": product.tenant_id,
            "product_id": product.id,
            "kind": items[place].kind,
            "content": items[place].content,
            "file_id": items[place].file_id,
            "fingerprint": mark,
        }
        for mark, place in sorted(first.items(), key=lambda pair: pair[1])
    ]
    new = insert(StockItem).on_conflict_do_nothing().returning(StockItem.fingerprint)
    written = set(db.session.scalars(new, rows))
    if written:
        refilled(product)
    known = tuple(place for place, mark in enumerate(marks) if mark not in written or first[mark] != place)
    return Added(len(written), known)


def refilled(product: Product) -> None:
    """There is more to sell: former news is settled, and the boss is told again when that comes to its end."""
    db.session.execute(update(Product).where(Product.id == product.id).values(low_stock_told_at=None))
    ended = (AlertKind.LOW_STOCK, AlertKind.SOLD_OUT)
    shop_alerts.settle_kind(product.tenant_id, ended, audit.acting().name, product_id=product.id)


def counts(product_id: int) -> Counts:
    """How many items a product has."""
    return counts_of([product_id])[product_id]


def counts_of(product_ids: Collection[int]) -> Mapping[int, Counts]:
    """The same for several products at once."""
    query = (
        select(StockItem.product_id, StockItem.state, func.count())
        .where(StockItem.product_id.in_(product_ids))
        .group_by(StockItem.product_id, StockItem.state)
    )
    found: dict[int, dict[str, int]] = {product_id: {} for product_id in product_ids}
    for product_id, state, number in db.session.execute(query):
        found[product_id][state.value] = number
    return {product_id: Counts(**numbers) for product_id, numbers in found.items()}


def _fingerprint(product_id: int, item: NewItem) -> str:
    """Equal for equal items of one product, and tells nothing about them."""
    value = f"file:{item.sha256}" if item.kind is StockKind.FILE else f"text:{item.content}"
    pepper = get_settings().secret_key.get_secret_value()
    return crypto.fingerprint(pepper, f"stock:{product_id}:{value}")


def _reserve_item(product_id: int, order_id: int) -> bool:
    return _changed(_RESERVE, product_id=product_id, order_id=order_id)


def _item_of(order_id: int) -> StockItem | None:
    query = select(StockItem).where(StockItem.order_id == order_id)
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True))


def _take_item(order: Order) -> Taken:
    item = _item_of(order.id)
    if item is None:
        if not _reserve_item(order.product_id, order.id):
            raise SoldOut
        item = _item_of(order.id)
    assert item is not None
    if item.state is not StockState.SOLD:
        item.state = StockState.SOLD
        item.changed_at = now()
        db.session.flush()
    return Taken(item.id, item.kind, item.content, item.file_id)


def _take_counted(order: Order) -> None:
    if not _hold(order.id, StockState.RESERVED, StockState.SOLD):
        _count_down(order.product_id, order.id, StockState.SOLD)


def _count_down(product_id: int, order_id: int, after: StockState) -> None:
    """One less may be sold, unless the order holds one already. Raises SoldOut, and has changed nothing then."""
    if _hold(order_id, None, after) and not _changed(_TAKE_ONE, product_id=product_id):
        _hold(order_id, after, None)
        raise SoldOut


def _hold(order_id: int, before: StockState | None, after: StockState | None) -> bool:
    """Moves what an order holds of a counted stock; False when it did not hold `before`."""
    query = update(Order).where(Order.id == order_id, Order.stock_held.is_not_distinct_from(before))
    return db.session.execute(query.values(stock_held=after).returning(Order.id)).first() is not None


def _changed(statement: TextClause, **values: object) -> bool:
    return db.session.execute(statement, values).first() is not None


def _left(product_id: int) -> int:
    left: int = db.session.execute(_LEFT, {"product_id": product_id, "most": LOW_STOCK}).scalar_one()
    return left


def _look_at_what_is_left(product_id: int) -> None:
    """Tells the boss once that little is left, and once that nothing is; again only after a refill."""
    product = db.session.execute(
        select(Product.kind, Product.stock, Product.tenant_id).where(Product.id == product_id)
    ).one()
    left = _left(product_id) if product.kind is ProductKind.DIGITAL_GOODS else product.stock
    if left is None or left >= LOW_STOCK:
        return
    marked = db.session.execute(
        update(Product)
        .where(Product.id == product_id, Product.low_stock_told_at.is_(None))
        .values(low_stock_told_at=now())
        .returning(Product.id)
    ).first()
    told_at = db.session.scalar(select(Product.low_stock_told_at).where(Product.id == product_id))
    key = f"{product_id}:{told_at.isoformat() if told_at else ''}"
    if left == 0:
        shop_alerts.settle_kind(
            product.tenant_id, [AlertKind.LOW_STOCK], audit.acting().name, product_id=product_id
        )
        shop_alerts.raise_alert(
            product.tenant_id, AlertKind.SOLD_OUT, f"sold_out:{key}", product_id=product_id
        )
    elif marked:
        shop_alerts.raise_alert(
            product.tenant_id,
            AlertKind.LOW_STOCK,
            f"low_stock:{key}",
            product_id=product_id,
            details={"left": left},
        )
