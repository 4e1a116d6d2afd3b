"""The sender's side: one sender per bot at a time, each message marked before its call, its result written after.

A sender holds the lease of one broadcast. Recipients are marked `sending` one by one right before their call, so when
a sender dies only the calls that were under way are unclear. A result counts by the recipient's own lease number,
also when it comes late. The counters of a broadcast change in the statement that changes its recipients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from app.core import metrics
from app.core.db import db
from app.core.settings import get_settings
from app.domain.broadcasts import Content, RecipientState
from app.services.broadcasts import audience, lookup
from app.services.broadcasts.errors import NotOurs

LOT = 100
SPARE_SECONDS = 5.0
"""After the longest that a call may take and this, a marked row without a result is unclear."""

# Whoever takes a turn locks the bot, so that two do not take different broadcasts of it.
_LOCK = text("SELECT 1 FROM bot WHERE id = :bot_id FOR NO KEY UPDATE")
_TAKE = text("""
WITH next AS MATERIALIZED (
    SELECT id FROM broadcast
    WHERE bot_id = :bot_id AND state = 'running' AND NOT EXISTS (
        SELECT FROM broadcast o WHERE o.bot_id = :bot_id AND o.lease_until > clock_timestamp() AND o.state = 'running')
    ORDER BY served_at NULLS FIRST, id LIMIT 1 FOR UPDATE
)
UPDATE broadcast b SET lease_token = b.lease_token + 1, served_at = clock_timestamp(),
       lease_until = clock_timestamp() + make_interval(secs => :seconds)
FROM next WHERE b.id = next.id RETURNING b.id, b.lease_token
""")
_RENEW = text("""
UPDATE broadcast SET lease_until = clock_timestamp() + make_interval(secs => :seconds), pace = :pace
WHERE id = :id AND state = 'running' AND lease_token = :lease RETURNING id
""")
# What may still be under way keeps the lease, run out, as a sign for the sweep.
_RELEASE = text("""
UPDATE broadcast SET lease_until = CASE WHEN EXISTS (
    SELECT FROM broadcast_recipient WHERE broadcast_id = :id AND state = 'sending') THEN clock_timestamp() END
WHERE id = :id AND lease_token = :lease
""")
_LOT = text("""
SELECT telegram_id FROM broadcast_recipient
WHERE broadcast_id = :id AND telegram_id > :after AND state = 'pending' AND (not_before IS NULL OR not_before <= clock_timestamp())
ORDER BY telegram_id LIMIT :lot
""")
_MARK = text("""
UPDATE broadcast_recipient r SET state = 'sending', lease_token = r.lease_token + 1, attempts = r.attempts + 1,
       lease_until = clock_timestamp() + make_interval(secs => :seconds)
FROM broadcast b
WHERE r.broadcast_id = :id AND r.telegram_id = :telegram_id AND r.state = 'pending'
      AND b.id = :id AND b.state = 'running' AND b.lease_token = :lease
RETURNING r.lease_token, r.attempts
""")
_OURS = text("SELECT 1 FROM broadcast WHERE id = :id AND state = 'running' AND lease_token = :lease")
_COUNT = """
, written AS (
    UPDATE broadcast_recipient r SET state = old.state, lease_until = NULL, message_id = old.message_id, error = old.error,
           not_before = clock_timestamp() + make_interval(secs => old.wait), attempts = r.attempts - old.unburn,
           done_at = CASE WHEN old.state <> 'pending' THEN clock_timestamp() END
    FROM old WHERE r.broadcast_id = :id AND r.telegram_id = old.telegram_id
    RETURNING old.before, old.state AS after
)
UPDATE broadcast SET
    sent = sent + (SELECT count(*) FROM written WHERE after = 'sent'),
    blocked = blocked + (SELECT count(*) FROM written WHERE after = 'blocked'),
    failed = failed + (SELECT count(*) FROM written WHERE after = 'failed'),
    unknown = unknown + (SELECT count(*) FILTER (WHERE after = 'unknown') - count(*) FILTER (WHERE before = 'unknown') FROM written)
WHERE id = :id AND EXISTS (SELECT FROM written)
"""
# The casts of the lists tell PostgreSQL their types also when they hold nothing but NULL.
_WRITE = text(f"""
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:leases AS bigint[]), CAST(:states AS text[]), CAST(:waits AS float8[]),
        CAST(:unburns AS int[]), CAST(:messages AS bigint[]), CAST(:errors AS text[]))
        AS g (telegram_id, lease, state, wait, unburn, message_id, error)
), old AS MATERIALIZED (
    SELECT r.state AS before, g.* FROM broadcast_recipient r
    JOIN given g ON g.telegram_id = r.telegram_id AND g.lease = r.lease_token
    WHERE r.broadcast_id = :id AND (r.state = 'sending' OR (r.state = 'unknown' AND g.state NOT IN ('pending', 'unknown')))
    ORDER BY r.telegram_id FOR UPDATE OF r
){_COUNT}""")  # noqa: S608 - constants
_REAP = text(f"""
WITH old AS MATERIALIZED (
    SELECT r.state AS before, r.telegram_id, 'unknown' AS state, CAST(NULL AS float8) AS wait, 0 AS unburn,
           CAST(NULL AS bigint) AS message_id, 'no answer was seen' AS error
    FROM broadcast_recipient r WHERE r.broadcast_id = :id AND r.state = 'sending' AND r.lease_until < clock_timestamp()
    ORDER BY r.telegram_id FOR UPDATE
){_COUNT}""")  # noqa: S608 - constants
_FINISH = text("""
UPDATE broadcast SET state = 'done', finished_at = clock_timestamp(), lease_until = NULL
WHERE id = :id AND state = 'running' AND lease_token = :lease AND filled_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM broadcast_recipient WHERE broadcast_id = :id AND state IN ('pending', 'sending'))
RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Turn:
    """A broadcast that we send now. `lease` fences whoever had it before."""

    id: int
    bot_id: int
    lease: int
    content: Content


@dataclass(frozen=True, slots=True)
class Marked:
    """Somebody whom we send to right now."""

    telegram_id: int
    lease: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call. `wait` seconds until the next attempt of one that is pending again; `free` = it cost none."""

    marked: Marked
    state: RecipientState
    message_id: int | None = None
    error: str | None = None
    wait: float | None = None
    free: bool = False


def take(bot_id: int) -> Turn | None:
    """The broadcast of this bot that waited longest for its turn; None when none runs or somebody sends already."""
    db.session.execute(_LOCK, {"bot_id": bot_id})
    row = db.session.execute(_TAKE, {"bot_id": bot_id, "seconds": get_settings().lease_seconds}).first()
    if row is None:
        return None
    return Turn(row.id, bot_id, row.lease_token, lookup.content_of(lookup.get(row.id)))


def renew(turn: Turn, pace: float) -> None:
    """Keeps the lease, and gives up on calls of a former sender. Raises NotOurs."""
    reap(turn.id)
    seconds = get_settings().lease_seconds
    values = {"id": turn.id, "lease": turn.lease, "seconds": seconds, "pace": pace}
    if db.session.execute(_RENEW, values).first() is None:
        raise NotOurs


def fill(turn: Turn) -> bool:
    """Writes some recipients; False when all are written. Raises NotOurs."""
    return audience.fill(lookup.get(turn.id), turn.lease)


def list_due(turn: Turn, after: int) -> list[int]:
    """The next Telegram ids to send to, in order."""
    values = {"id": turn.id, "after": after, "lot": LOT}
    return list(db.session.execute(_LOT, values).scalars())


def mark(turn: Turn, telegram_id: int) -> Marked | None:
    """From now on he may have got it: commit, then call. None when he has had his turn. Raises NotOurs."""
    settings = get_settings()
    seconds = settings.telegram_connect_timeout + settings.telegram_read_timeout + SPARE_SECONDS
    values = {"id": turn.id, "lease": turn.lease, "telegram_id": telegram_id, "seconds": seconds}
    row = db.session.execute(_MARK, values).first()
    if row is not None:
        return Marked(telegram_id, row.lease_token, row.attempts)
    if db.session.execute(_OURS, {"id": turn.id, "lease": turn.lease}).first() is None:
        raise NotOurs
    return None


def write(broadcast_id: int, results: Sequence[Result]) -> None:
    """Writes what came of some calls."""
    if not results:
        return
    db.session.execute(
        _WRITE,
        {
            "id": broadcast_id,
            "ids": [result.marked.telegram_id for result in results],
            "leases": [result.marked.lease for result in results],
            "states": [result.state.value for result in results],
            "waits": [result.wait for result in results],
            "unburns": [int(result.free) for result in results],
            "messages": [result.message_id for result in results],
            "errors": [result.error[:300] if result.error else None for result in results],
        },
    )
    for result in results:
        metrics.broadcast_sent(result.state.value)


def reap(broadcast_id: int) -> None:
    """Whom a dead sender was sending to is unclear for good."""
    db.session.execute(_REAP, {"id": broadcast_id})


def finish(turn: Turn) -> bool:
    """Ends the broadcast when nobody is left."""
    reap(turn.id)
    return db.session.execute(_FINISH, {"id": turn.id, "lease": turn.lease}).first() is not None


def release(turn: Turn) -> None:
    """Lets go, so that another may take over at once."""
    db.session.execute(_RELEASE, {"id": turn.id, "lease": turn.lease})
