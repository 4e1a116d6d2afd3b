"""How products sell, for the boss's list."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from app.core.db import db
from app.services.dashboard import midnight

_SOLD = text("""
SELECT product_id, count(*) FILTER (WHERE paid_at >= :today) AS today, count(*) AS month FROM orders
WHERE product_id = ANY(:ids) AND paid_at >= :since AND state <> 'refunded' GROUP BY product_id
""")


@dataclass(frozen=True, slots=True)
class Sold:
    """Paid orders that were not given back: since midnight in the tenant's zone, and in the last 30 days."""

    today: int = 0
    month: int = 0


def sold(product_ids: Collection[int], timezone: str) -> Mapping[int, Sold]:
    """Every product asked for has its figures."""
    today = midnight(timezone)
    values = {"ids": list(product_ids), "today": today, "since": today - timedelta(days=29)}
    found = {row.product_id: Sold(row.today, row.month) for row in db.session.execute(_SOLD, values)}
    return {product_id: found.get(product_id, Sold()) for product_id in product_ids}
