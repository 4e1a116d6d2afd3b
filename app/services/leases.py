"""Leases of shards: who may read a slice of bots or of chats, until when.

A lease carries a token that only grows. Whatever a holder writes is conditional on its token, so that one who
slept through the end of his lease (paused, swapped out) changes nothing.

Every function works in the session of the request or task, or in the one that is given: whoever renews leases beside
many busy threads must not wait for a connection of theirs.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session, scoped_session

from app.core.db import db

POLL = "poll"
CHAT = "chat"

_CREATE = text("""
INSERT INTO shard_lease (kind, shard) SELECT :kind, generate_series(0, :shards - 1) ON CONFLICT DO NOTHING
""")
_TAKE = text("""
WITH free AS MATERIALIZED (
    SELECT kind, shard, lease_until IS NOT NULL AS died FROM shard_lease
    WHERE kind = :kind AND shard < :shards AND (lease_until IS NULL OR lease_until < clock_timestamp())
    ORDER BY shard LIMIT :most FOR UPDATE SKIP LOCKED
)
UPDATE shard_lease l SET owner = :owner, token = l.token + 1,
       lease_until = clock_timestamp() + make_interval(secs => :seconds)
FROM free WHERE l.kind = free.kind AND l.shard = free.shard
RETURNING l.shard, l.token, free.died
""")
# One that ran out while PostgreSQL was away, and that nobody took since, is still its owner's.
_RENEW = text("""
UPDATE shard_lease SET lease_until = clock_timestamp() + make_interval(secs => :seconds)
WHERE kind = :kind AND owner = :owner AND lease_until IS NOT NULL RETURNING shard
""")
_RELEASE = text("""
UPDATE shard_lease SET owner = '', lease_until = NULL WHERE kind = :kind AND owner = :owner AND shard = ANY(:shards)
""")
_OWNERS = text("""
SELECT count(*) FILTER (WHERE lease_until > clock_timestamp()), count(DISTINCT owner) FILTER (WHERE lease_until > clock_timestamp())
FROM shard_lease WHERE kind = :kind AND shard < :shards
""")


AnySession = Session | scoped_session[Any]


@dataclass(frozen=True, slots=True)
class Lease:
    """A shard that we hold. `taken_over` = its former owner did not let go of it himself."""

    shard: int
    token: int
    taken_over: bool


def create_shards(kind: str, shards: int, *, session: AnySession = db.session) -> None:
    """Makes the rows of all shards of a kind; does nothing where they exist."""
    session.execute(_CREATE, {"kind": kind, "shards": shards})


def take(
    kind: str, owner: str, *, shards: int, most: int, seconds: float, session: AnySession = db.session
) -> list[Lease]:
    """Takes up to `most` shards that nobody holds."""
    rows = session.execute(
        _TAKE, {"kind": kind, "owner": owner, "shards": shards, "most": most, "seconds": seconds}
    )
    return [Lease(row.shard, row.token, row.died) for row in rows]


def renew(kind: str, owner: str, seconds: float, *, session: AnySession = db.session) -> set[int]:
    """Prolongs what `owner` still holds and says what that is; the rest is lost for good."""
    return set(session.execute(_RENEW, {"kind": kind, "owner": owner, "seconds": seconds}).scalars())


def release(kind: str, owner: str, shards: set[int], *, session: AnySession = db.session) -> None:
    """Lets go, so that another may take over at once."""
    session.execute(_RELEASE, {"kind": kind, "owner": owner, "shards": list(shards)})


def held(kind: str, shards: int, *, session: AnySession = db.session) -> tuple[int, int]:
    """(shards held, owners alive)."""
    row = session.execute(_OWNERS, {"kind": kind, "shards": shards}).one()
    return row[0], row[1]
