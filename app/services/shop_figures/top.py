"""Which products sold best, and which promoters brought most."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text

from app.core.db import db
from app.services.shop_figures.days import Span

MOST: Final = 10

_PRODUCTS = text("""
SELECT o.product_id, p.name, o.currency, count(*) AS orders, CAST(sum(o.amount_minor) AS bigint) AS amount
FROM orders o JOIN product p ON p.id = o.product_id
WHERE o.tenant_id = :tenant_id AND o.paid_at >= :since AND o.state <> 'refunded'
GROUP BY o.product_id, p.name, o.currency ORDER BY o.product_id, o.currency
""")
_PROMOTERS = text("""
SELECT a.promoter_id, p.code, p.telegram_id, a.currency,
    count(DISTINCT e.order_id) FILTER (WHERE e.kind = 'earned') AS orders, CAST(sum(e.amount) AS bigint) AS amount
FROM commission_entry e JOIN promoter_account a ON a.id = e.account_id JOIN promoter p ON p.id = a.promoter_id
WHERE a.tenant_id = :tenant_id AND e.created_at >= :since AND e.kind IN ('earned', 'reversed')
GROUP BY 1, 2, 3, 4 ORDER BY 1, 4
""")


@dataclass(slots=True)
class Top:
    """A product or promoter. `amounts` are minor units by currency: paid for it, or earned by him."""

    id: int
    name: str
    telegram_id: int = 0
    orders: int = 0
    amounts: dict[str, int] = field(default_factory=dict)


def products(tenant_id: int, span: Span) -> list[Top]:
    """By the number of paid orders that were not given back."""
    found: dict[int, Top] = {}
    for row in db.session.execute(_PRODUCTS, {"tenant_id": tenant_id, **span.values}):
        one = found.setdefault(row.product_id, Top(row.product_id, row.name))
        one.orders += row.orders
        one.amounts[row.currency] = row.amount
    return _best(found)


def promoters(tenant_id: int, span: Span) -> list[Top]:
    """By the number of orders that they earned from."""
    found: dict[int, Top] = {}
    for row in db.session.execute(_PROMOTERS, {"tenant_id": tenant_id, **span.values}):
        one = found.setdefault(row.promoter_id, Top(row.promoter_id, row.code, row.telegram_id))
        one.orders += row.orders
        one.amounts[row.currency] = row.amount
    return _best(found)


def _best(found: dict[int, Top]) -> list[Top]:
    return sorted(found.values(), key=lambda one: (-one.orders, one.id))[:MOST]
