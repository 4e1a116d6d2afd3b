"""How far each partner is behind."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from app.core.db import db
from app.models import CreditPartner
from app.services.credit_sync import partners

MOST: Final = 10_000
"""Counting ends here: whoever is so far behind need not know it better."""

_LAGS = text("""
SELECT p.id, waiting.number, waiting.oldest_at, letters.dead, letters.behind, letters.replaying
FROM credit_partner p
CROSS JOIN LATERAL (
    SELECT count(*) AS number, min(created_at) AS oldest_at FROM (
        SELECT c.created_at FROM credit_posting c
        WHERE c.tenant_id = p.tenant_id AND c.id > p.cursor
          AND (p.sources = '[]' OR jsonb_exists(p.sources, c.source)) AND c.source IS DISTINCT FROM p.except_source
          AND NOT EXISTS (SELECT FROM credit_letter l WHERE l.partner_id = p.id AND l.posting_id = c.id)
        ORDER BY c.id LIMIT :most) AS first
) AS waiting
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'dead') AS dead, count(*) FILTER (WHERE state = 'behind') AS behind,
        count(*) FILTER (WHERE state = 'replaying') AS replaying
    FROM credit_letter l WHERE l.partner_id = p.id AND l.state IN ('dead', 'behind', 'replaying')
) AS letters
WHERE p.tenant_id = :tenant_id
""")


@dataclass(frozen=True, slots=True)
class Lag:
    """What a partner has not been sent yet. `waiting` counts up to MOST; letters are counted beside it."""

    partner: CreditPartner
    waiting: int
    oldest_at: datetime | None
    """When the oldest of them was posted."""
    dead: int
    behind: int
    replaying: int

    @property
    def letters(self) -> int:
        """All that are open."""
        return self.dead + self.behind + self.replaying


def lags(tenant_id: int) -> list[Lag]:
    """Of each partner, in the order of their names. Two statements."""
    rows = {row.id: row for row in db.session.execute(_LAGS, {"tenant_id": tenant_id, "most": MOST})}
    return [
        Lag(partner, row.number, row.oldest_at, row.dead, row.behind, row.replaying)
        for partner in partners.list_(tenant_id)
        if (row := rows.get(partner.id)) is not None
    ]
