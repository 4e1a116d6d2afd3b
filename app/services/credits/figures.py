"""Figures of a tenant's ledger for its boss: what came and went by day or hour and by source, and what stands now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text

from app.core.db import db
from app.models import CreditAccount, CreditCheck

# Part by part: each is one stretch of an index, and no zone is asked for a million rows.
_FLOW = text("""
WITH part AS (
    SELECT place, begins, lead(begins, 1, 'infinity') OVER (ORDER BY place) AS ends
    FROM unnest(CAST(:starts AS timestamptz[])) WITH ORDINALITY AS start (begins, place)
)
SELECT place, moved.* FROM part CROSS JOIN LATERAL (
    SELECT source, count(*) AS postings, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS came,
        coalesce(sum(-amount) FILTER (WHERE amount < 0), 0) AS went, max(created_at) AS last_at
    FROM credit_posting WHERE tenant_id = :tenant_id AND created_at >= begins AND created_at < ends GROUP BY source
) AS moved
""")
# Jumps from one source to the next in the unique index, instead of reading every posting.
_SOURCES = text("""
WITH RECURSIVE found AS (
    (SELECT source FROM credit_posting WHERE tenant_id = :tenant_id ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT source FROM credit_posting WHERE tenant_id = :tenant_id AND source > found.source
            ORDER BY source LIMIT 1) FROM found WHERE found.source IS NOT NULL
)
SELECT source FROM found WHERE source IS NOT NULL
""")
_REFERENCES = text("""
SELECT id FROM unnest(CAST(:sources AS text[])) AS known (name) CROSS JOIN LATERAL (
    SELECT id FROM credit_posting
    WHERE tenant_id = :tenant_id AND source = known.name AND reference ^@ :beginning ORDER BY reference LIMIT 200
) AS posting
""")
_BALANCES = text("""
SELECT place, count(*) AS postings, (array_agg(balance ORDER BY id DESC))[1] AS after,
    (array_agg(balance - amount ORDER BY id))[1] AS before
FROM (
    SELECT id, amount, balance, width_bucket(created_at, CAST(:starts AS timestamptz[])) AS place
    FROM credit_posting WHERE account_id = :account_id ORDER BY id DESC LIMIT :most
) latest GROUP BY place ORDER BY place
""")
MOST_POSTINGS = 5000
"""Of one account that its chart is made of; one with more shows its latest days."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What one source posted in a span. `went` is positive; `last_at` is None where nothing was posted."""

    source: str
    came: int = 0
    went: int = 0
    postings: int = 0
    last_at: datetime | None = None

    @property
    def moved(self) -> int:
        """All credits that changed hands."""
        return self.came + self.went


@dataclass(frozen=True, slots=True)
class Flow:
    """A span: one value in `came` and `went` for each of its parts, and the sources, the busiest first."""

    came: list[int]
    went: list[int]
    sources: list[Movement]

    @property
    def net(self) -> int:
        """What the balances grew by."""
        return sum(self.came) - sum(self.went)

    @property
    def postings(self) -> int:
        return sum(one.postings for one in self.sources)

    @property
    def moved(self) -> int:
        return sum(one.moved for one in self.sources)


@dataclass(frozen=True, slots=True)
class Stock:
    """What a tenant's accounts hold now. `balance` is the sum of all, with what is `owed` (positive) taken off."""

    accounts: int
    balance: int
    held: int
    owed: int


def flow(tenant_id: int, starts: Sequence[datetime]) -> Flow:
    """Everything since the first of `starts`, the moments at which the span's parts begin, in their order."""
    rows = db.session.execute(_FLOW, {"tenant_id": tenant_id, "starts": list(starts)}).all()
    came, went = [0] * len(starts), [0] * len(starts)
    sources: dict[str, Movement] = {}
    for row in rows:
        came[row.place - 1] += int(row.came)
        went[row.place - 1] += int(row.went)
        before = sources.get(row.source, Movement(row.source))
        sources[row.source] = Movement(
            row.source,
            before.came + int(row.came),
            before.went + int(row.went),
            before.postings + row.postings,
            max(row.last_at, before.last_at or row.last_at),
        )
    return Flow(came, went, sorted(sources.values(), key=lambda one: (-one.moved, one.source)))


def stock(tenant_id: int) -> Stock:
    """One look over the accounts."""
    owed = func.sum(-CreditAccount.balance).filter(CreditAccount.balance < 0)
    row = db.session.execute(
        select(func.count(), func.sum(CreditAccount.balance), func.sum(CreditAccount.held), owed).where(
            CreditAccount.tenant_id == tenant_id
        )
    ).one()
    return Stock(row[0], *(int(value or 0) for value in row[1:]))


def sources(tenant_id: int) -> list[str]:
    """Everybody who ever posted, by name."""
    return list(db.session.scalars(_SOURCES, {"tenant_id": tenant_id}))


def with_reference(tenant_id: int, beginning: str) -> list[int]:
    """Ids of postings whose reference begins so, up to 200 of each source."""
    values = {"tenant_id": tenant_id, "beginning": beginning, "sources": sources(tenant_id)}
    return list(db.session.scalars(_REFERENCES, values))


def last_check(tenant_id: int) -> CreditCheck | None:
    """What the nightly check found last; None before the first."""
    found = db.session.get(CreditCheck, tenant_id)
    return found if found is not None and found.checked_at is not None else None


def balances(account_id: int, starts: Sequence[datetime]) -> list[int | None]:
    """An account's balance at the end of each part of a span; None where its postings are too many to know."""
    values = {"account_id": account_id, "starts": list(starts), "most": MOST_POSTINGS}
    rows = db.session.execute(_BALANCES, values).all()
    ends = {row.place: row.after for row in rows}
    whole = sum(row.postings for row in rows) < MOST_POSTINGS
    known: int | None = rows[0].before if rows and whole else None
    found: list[int | None] = []
    for place in range(len(starts) + 1):
        known = ends.get(place, known)
        found.append(known)
    return found[1:]
