"""What a boss does with a product: makes it, changes it, puts it on sale, takes it off, archives it."""

from collections.abc import Collection, Mapping

from sqlalchemy import select

from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import N_
from app.core.ids import one_time_code
from app.domain.product_spec import ProductSpec, dump
from app.domain.products import ProductKind, ProductState, StockKind
from app.domain.stock_lines import kind_of
from app.models import Bot, Product
from app.services import audit, pictures
from app.services.products import lookup, stock, ways
from app.services.products.errors import Archived, ChangedMeanwhile, KindFixed, NotSellable
from app.services.products.spec import body, columns
from app.services.products.stock import NewItem

_STATES: Mapping[ProductState, str] = {
    ProductState.ON_SALE: "product.put_on_sale",
    ProductState.OFF_SALE: "product.taken_off_sale",
    ProductState.ARCHIVED: "product.archived",
}


def create(tenant_id: int, spec: ProductSpec) -> Product:
    """A draft, with the first items of its stock. Raises NotFound for a bot or picture of somebody else."""
    _check_own(tenant_id, spec)
    product = Product(
        tenant_id=tenant_id, code=one_time_code(), kind=spec.kind, stock=spec.stock, **columns(spec)
    )
    product.state = ProductState.DRAFT
    db.session.add(product)
    db.session.flush()
    if spec.items:
        stock.add(product, [NewItem(kind_of(line), line) for line in spec.items])
    _audit(product, "product.created", dump(spec))
    return product


def update(product_id: int, spec: ProductSpec, version: int, *, keep_stock: bool = False) -> Product:
    """Changes a product that still has this `version`; orders keep what they were made with.

    `keep_stock` leaves the counted stock alone, which orders change too. Raises NotFound, ChangedMeanwhile, Archived,
    KindFixed, NotSellable.
    """
    product = lookup.get(product_id, lock=True)
    _check_changeable(product)
    if product.version != version:
        raise ChangedMeanwhile
    if product.kind is not spec.kind:
        raise KindFixed
    _check_own(product.tenant_id, spec)
    before = body(product)
    for name, value in columns(spec).items():
        setattr(product, name, value)
    if not keep_stock and product.stock != spec.stock:
        product.stock = spec.stock
        stock.refilled(product)
    product.version += 1
    if product.state is ProductState.ON_SALE:
        _check_sellable(product)
    after = body(product)
    changes: dict[str, object] = {
        name: [before.get(name), after.get(name)] for name in _different(before, after)
    }
    db.session.flush()
    _audit(product, "product.changed", changes)
    return product


def put_on_sale(product_id: int) -> Product:
    """From now on it can be bought. Raises NotFound, Archived, NotSellable."""
    product = lookup.get(product_id, lock=True)
    _check_changeable(product)
    _check_sellable(product)
    return _set_state(product, ProductState.ON_SALE)


def take_off_sale(product_id: int) -> Product:
    """Nobody can order it any more; orders that were made go on. Raises NotFound, Archived."""
    product = lookup.get(product_id, lock=True)
    _check_changeable(product)
    return _set_state(product, ProductState.OFF_SALE)


def archive(product_id: int) -> Product:
    """For good: only its orders still know it. Raises NotFound."""
    return _set_state(lookup.get(product_id, lock=True), ProductState.ARCHIVED)


def add_stock(product_id: int, items: Collection[NewItem]) -> stock.Added:
    """Fills up the stock of digital goods; the audit log hears how many, not what. Raises NotFound, Archived."""
    product = lookup.get(product_id)
    _check_changeable(product)
    if product.kind is not ProductKind.DIGITAL_GOODS:
        raise NotSellable(N_("Only products of codes and files have a stock of them."))
    added = stock.add(product, list(items))
    files = sum(item.kind is StockKind.FILE for item in items)
    _audit(product, "product.stock_added", {"added": added.added, "known": len(added.known), "files": files})
    return added


def _set_state(product: Product, state: ProductState) -> Product:
    if product.state is not state:
        before, product.state = product.state, state
        product.version += 1
        db.session.flush()
        _audit(product, _STATES[state], {"state": [before.value, state.value]})
    return product


def _check_changeable(product: Product) -> None:
    if product.state is ProductState.ARCHIVED:
        raise Archived


def _check_sellable(product: Product) -> None:
    if not product.providers:
        raise NotSellable(N_("Choose at least one way of paying first."))
    if not ways.works(product):
        raise NotSellable(N_("None of its ways of paying is set up. Set one up, or choose another one."))


def _check_own(tenant_id: int, spec: ProductSpec) -> None:
    if spec.picture_id is not None and not pictures.is_own(tenant_id, spec.picture_id):
        raise NotFound
    if spec.bot_id is not None:
        query = select(Bot.id).where(
            Bot.id == spec.bot_id, Bot.tenant_id == tenant_id, Bot.removed_at.is_(None)
        )
        if db.session.execute(query).first() is None:
            raise NotFound


def _different(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def _audit(product: Product, action: str, changes: dict[str, object]) -> None:
    audit.record(product.tenant_id, action, ("product", product.id, product.name), changes)
