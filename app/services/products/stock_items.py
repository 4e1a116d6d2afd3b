"""The boss's look at a stock: the list, removing what is free, showing what an item is."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import defer

from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.i18n import N_
from app.domain.products import StockKind, StockState
from app.models import Member, Order, Product, StockItem, StoredFile
from app.services import audit

SIZE: Final = 50
_LAST_PAGE: Final = 10_000


class NotFree(Conflict):
    code = "stock_item_not_free"
    message = N_("This item is reserved or sold. Only free ones can be removed.")


@dataclass(frozen=True, slots=True)
class Listed:
    """An item without what it is; `order` and `member` are whoever has it."""

    item: StockItem
    file_name: str | None
    order: Order | None
    member: Member | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some items; pages count from 0."""

    items: list[Listed]
    number: int
    more: bool


def list_page(product: Product, state: StockState | None = None, page: int = 0) -> Page:
    """A product's items, the latest first; contents are not read."""
    query = (
        select(StockItem, StoredFile.name, Order, Member)
        .outerjoin(StoredFile, StoredFile.id == StockItem.file_id)
        .outerjoin(Order, Order.id == StockItem.order_id)
        .outerjoin(Member, (Member.tenant_id == Order.tenant_id) & (Member.telegram_id == Order.telegram_id))
        .options(defer(StockItem.content))
        .where(StockItem.tenant_id == product.tenant_id, StockItem.product_id == product.id)
    )
    if state is not None:
        query = query.where(StockItem.state == state)
    page = min(max(page, 0), _LAST_PAGE)
    rows = db.session.execute(query.order_by(StockItem.id.desc()).offset(page * SIZE).limit(SIZE + 1))
    found = [Listed(*row) for row in rows]
    return Page(found[:SIZE], page, len(found) > SIZE)


def get(product: Product, item_id: int) -> StockItem:
    """An item of this product. Raises NotFound."""
    query = select(StockItem).where(StockItem.product_id == product.id, StockItem.id == item_id)
    item = db.session.scalar(query)
    if item is None:
        raise NotFound
    return item


def remove(product: Product, item_id: int) -> None:
    """Throws a free item away. Raises NotFound, NotFree."""
    get(product, item_id)
    gone = delete(StockItem).where(StockItem.id == item_id, StockItem.state == StockState.FREE)
    if db.session.execute(gone.returning(StockItem.id)).first() is None:
        raise NotFree
    _audit(product, "product.stock_removed", {"item": item_id})


def remove_free(product: Product) -> int:
    """Throws all free items away and says how many they were."""
    gone = delete(StockItem).where(StockItem.product_id == product.id, StockItem.state == StockState.FREE)
    removed = len(db.session.execute(gone.returning(StockItem.id)).all())
    if removed:
        _audit(product, "product.stock_removed", {"removed": removed})
    return removed


def reveal(product: Product, item_id: int) -> str:
    """What a code or link says; the audit log hears who looked. Raises NotFound, also for files."""
    item = get(product, item_id)
    if item.kind is StockKind.FILE or item.content is None:
        raise NotFound
    _audit(product, "product.stock_shown", {"item": item_id})
    return item.content


def file_of(product: Product, item_id: int) -> int:
    """The id of an item's file; the audit log hears who looked. Raises NotFound for codes and links."""
    item = get(product, item_id)
    if item.file_id is None:
        raise NotFound
    _audit(product, "product.stock_shown", {"item": item_id})
    return item.file_id


def _audit(product: Product, action: str, changes: dict[str, object]) -> None:
    audit.record(product.tenant_id, action, ("product", product.id, product.name), changes)
