"""How far people come with each product: they look, begin, order, pay, and have it.

Each step counts persons. Steps need not shrink: somebody may look on the last day before the span and order in it.
"""

from dataclasses import dataclass

from sqlalchemy import text

from app.core.db import db
from app.services.shop_figures.days import Span

_FUNNEL = text("""
WITH seen AS (
    SELECT product_id, count(DISTINCT telegram_id) FILTER (WHERE stage = 'viewed') AS viewed,
        count(DISTINCT telegram_id) FILTER (WHERE stage = 'started') AS started
    FROM product_visit WHERE tenant_id = :tenant_id AND day BETWEEN :first AND :last GROUP BY product_id
), bought AS (
    SELECT product_id, count(DISTINCT telegram_id) AS ordered,
        count(DISTINCT telegram_id) FILTER (WHERE paid_at IS NOT NULL) AS paid,
        count(DISTINCT telegram_id) FILTER (WHERE completed_at IS NOT NULL) AS delivered
    FROM orders WHERE tenant_id = :tenant_id AND created_at >= :since GROUP BY product_id
)
SELECT p.id, p.name, coalesce(s.viewed, 0), coalesce(s.started, 0), coalesce(b.ordered, 0), coalesce(b.paid, 0),
    coalesce(b.delivered, 0)
FROM product p LEFT JOIN seen s ON s.product_id = p.id LEFT JOIN bought b ON b.product_id = p.id
WHERE p.tenant_id = :tenant_id AND (s.product_id IS NOT NULL OR b.product_id IS NOT NULL)
ORDER BY coalesce(b.paid, 0) DESC, coalesce(s.viewed, 0) DESC, p.id
LIMIT :most
""")
MOST = 50


@dataclass(frozen=True, slots=True)
class Funnel:
    """Persons at each step with one product."""

    product_id: int
    name: str
    viewed: int
    started: int
    ordered: int
    paid: int
    delivered: int

    @property
    def steps(self) -> tuple[int, int, int, int, int]:
        """In their order."""
        return self.viewed, self.started, self.ordered, self.paid, self.delivered

    @property
    def share(self) -> float | None:
        """Who paid, of those who looked, at most 1; None where nobody looked."""
        return min(self.paid / self.viewed, 1.0) if self.viewed else None


def funnels(tenant_id: int, span: Span) -> list[Funnel]:
    """Products that somebody came to in the span, those that sold best first. Orders made in the span count."""
    rows = db.session.execute(_FUNNEL, {"tenant_id": tenant_id, "most": MOST, **span.values})
    return [Funnel(*row) for row in rows]
