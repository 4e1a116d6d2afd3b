"""A day's payments in sums: what the provider says, what we hold, and the difference."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from app.core.db import db
from app.domain.payments import Provider

_TOTALS = text("""
SELECT day, provider, currency, count(*) AS payments,
    CAST(coalesce(sum(theirs_minor) FILTER (WHERE theirs = 'success'), 0) AS bigint) AS theirs,
    CAST(sum(ours_minor) AS bigint) AS ours,
    CAST(coalesce(sum(CASE WHEN theirs = 'success' THEN theirs_minor ELSE 0 END - ours_minor)
        FILTER (WHERE difference <> ''), 0) AS bigint) AS difference,
    count(*) FILTER (WHERE difference <> '') AS different,
    count(*) FILTER (WHERE difference <> '' AND settled_at IS NULL) AS open
FROM reconciliation_line WHERE tenant_id = :tenant_id AND day BETWEEN :first AND :last
GROUP BY day, provider, currency ORDER BY day DESC, provider, currency
""")


@dataclass(frozen=True, slots=True)
class Total:
    """A provider's payments of a day in one currency, in minor units; `ours` is less refunds.

    `difference` is theirs less ours over the lines that differ: a payment of which a part was given back is no difference.
    `different` counts those lines, `open` of them wait for the boss.
    """

    day: date
    provider: Provider
    currency: str
    payments: int
    theirs: int
    ours: int
    difference: int
    different: int
    open: int


def totals(tenant_id: int, first: date, last: date) -> list[Total]:
    """Newest day first; days without payments are not there."""
    rows = db.session.execute(_TOTALS, {"tenant_id": tenant_id, "first": first, "last": last})
    return [Total(row[0], Provider(row[1]), *row[2:]) for row in rows]
