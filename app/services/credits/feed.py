"""The change feed: postings in the order of their ids, read in such a way that none is missed.

An id is taken before its posting is committed, so a smaller one may appear after a larger one was read. The feed
therefore ends at a horizon, below which no transaction can commit any more. Two facts make it:

1. A transaction takes ids only after it has its own number (xid), since it locks the account first.
2. Who reads the sequence's last value and takes a number of his own afterwards has a larger one than everybody
   who took an id up to that value.

So once all transactions below that number have ended, everything up to the value is settled. Where some still run, value
and number are kept as a mark and asked about the next time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from app.core.db import db

# One mark at a time: it stays until it has ripened, or the horizon would never move while anybody posts.
_LOOK = text("""
SELECT coalesce(settled_id, 0) AS settled_id, coalesce(pg_sequence_last_value('credit_posting_id_seq'), 0) AS last_id,
    horizon.id IS NULL AS missing, pg_current_xact_id_if_assigned() IS NOT NULL AS has_written
FROM (VALUES (1)) AS one (id) LEFT JOIN credit_horizon horizon ON horizon.id = one.id
""")
_INSERT = text("INSERT INTO credit_horizon (id) VALUES (1) ON CONFLICT (id) DO NOTHING")
_NUMBER = text("""
SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint) FROM credit_horizon WHERE id = 1 FOR UPDATE SKIP LOCKED
""")
_MOVE = text("""
WITH oldest AS (SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS xid)
UPDATE credit_horizon SET
    settled_id = GREATEST(settled_id, CASE WHEN oldest.xid >= :number THEN :last_id
                                           WHEN oldest.xid >= mark_xid THEN mark_id ELSE 0 END),
    mark_id = CASE WHEN oldest.xid >= mark_xid OR mark_xid > :number THEN :last_id ELSE mark_id END,
    mark_xid = CASE WHEN oldest.xid >= mark_xid OR mark_xid > :number THEN :number ELSE mark_xid END,
    marked_at = CASE WHEN oldest.xid >= mark_xid OR mark_xid > :number THEN now() ELSE marked_at END
FROM oldest WHERE id = 1 RETURNING settled_id
""")
_SELECT: Final = """
SELECT posting.id, posting.account_id, account.telegram_id, posting.amount, posting.balance, posting.source,
    posting.reference, posting.reason, posting.details, posting.created_at
FROM credit_posting posting JOIN credit_account account ON account.id = posting.account_id
WHERE posting.tenant_id = :tenant_id
"""
_CHANGES = text(f"""{_SELECT}
  AND posting.id > :after AND posting.id <= (SELECT settled_id FROM credit_horizon WHERE id = 1)
  AND (cardinality(CAST(:sources AS text[])) = 0 OR posting.source = ANY(CAST(:sources AS text[])))
  AND (CAST(:except_source AS text) IS NULL OR posting.source <> CAST(:except_source AS text))
ORDER BY posting.id LIMIT :limit
""")  # noqa: S608 - constants
_CHOSEN = text(f"{_SELECT} AND posting.id = ANY(CAST(:ids AS bigint[])) ORDER BY posting.id")


@dataclass(frozen=True, slots=True)
class Change:
    """A posting, as it is told to others."""

    id: int
    account_id: int
    telegram_id: int
    amount: int
    balance: int
    source: str
    reference: str
    reason: str
    details: dict[str, object]
    created_at: datetime


def advance() -> int:
    """Moves the horizon as far as it may be moved now; the id up to which everything is settled.

    Call it before anything is written in the transaction: it does not move otherwise, since that transaction's number
    would be too small. Nothing is written when there is nothing new.
    """
    seen = db.session.execute(_LOOK).one()
    settled = int(seen.settled_id)
    if seen.last_id <= settled or seen.has_written:
        return settled
    if seen.missing:
        db.session.execute(_INSERT)
    number = db.session.execute(_NUMBER).scalar()
    if number is None:
        # Somebody else moves it in this moment.
        return settled
    return int(db.session.execute(_MOVE, {"number": number, "last_id": seen.last_id}).scalar_one())


def changes(
    tenant_id: int, after: int, limit: int, *, sources: Sequence[str] = (), except_source: str | None = None
) -> list[Change]:
    """Settled postings after an id, in the order of ids; of some sources, or of all but one."""
    values = {
        "tenant_id": tenant_id,
        "after": after,
        "limit": limit,
        "sources": list(sources),
        "except_source": except_source,
    }
    return [Change(*row) for row in db.session.execute(_CHANGES, values)]


def chosen(tenant_id: int, ids: Sequence[object]) -> list[Change]:
    """The postings with these ids, in the order of ids; those of somebody who was erased are missing."""
    values = {"tenant_id": tenant_id, "ids": list(ids)}
    return [Change(*row) for row in db.session.execute(_CHOSEN, values)]
