"""What a boss sees of his shop first."""

from dataclasses import dataclass

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.services.dashboard import midnight

_RECEIVED = text("""
SELECT currency, CAST(sum(amount_minor) AS bigint) FROM payment_receipt
WHERE tenant_id = :tenant_id AND at >= :since GROUP BY currency ORDER BY currency
""")
# Each count has an index of its own, so that a shop with a hundred thousand orders is looked at as quickly as a new one.
_COUNTS = text("""
SELECT
    (SELECT count(*) FROM orders WHERE tenant_id = :tenant_id AND paid_at >= :since) AS paid,
    (SELECT count(*) FROM orders WHERE tenant_id = :tenant_id AND state = 'pending' AND expires_at > :now) AS pending,
    (SELECT count(*) FROM orders WHERE tenant_id = :tenant_id AND state = 'paid' AND not_before IS NULL)
    + (SELECT count(*) FROM orders WHERE tenant_id = :tenant_id AND state = 'paid' AND not_before IS NOT NULL) AS waiting,
    (SELECT count(*) FROM orders WHERE tenant_id = :tenant_id AND state = 'generating'
        AND phase IN ('producing', 'delivering')) AS working,
    (SELECT count(*) FROM orders WHERE tenant_id = :tenant_id AND state = 'generating' AND phase = 'by_hand') AS by_hand,
    (SELECT count(*) FROM orders WHERE tenant_id = :tenant_id AND state = 'failed') AS failed,
    EXISTS (SELECT FROM product WHERE tenant_id = :tenant_id) AS sells
""")


@dataclass(frozen=True, slots=True)
class Today:
    """`received` since midnight in the tenant's zone, as minor units by currency; `paid` orders since then.

    The others are counts of this moment: unpaid orders, orders that wait for a worker, are worked on, wait for the boss,
    have failed. `sells` = there is a product.
    """

    received: dict[str, int]
    paid: int
    pending: int
    waiting: int
    working: int
    by_hand: int
    failed: int
    sells: bool


def today(tenant_id: int, zone: str) -> Today:
    """Of the running day."""
    values = {"tenant_id": tenant_id, "since": midnight(zone), "now": clock.now()}
    received = {currency: amount for currency, amount in db.session.execute(_RECEIVED, values)}  # noqa: C416
    return Today(received, *db.session.execute(_COUNTS, values).one())
