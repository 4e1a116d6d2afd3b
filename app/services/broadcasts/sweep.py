"""Looking after broadcasts: starting those that are due, pausing those that cannot go on, waking those without a sender."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, enqueue
from app.domain.broadcasts import Halt
from app.models import Broadcast
from app.services import audit
from app.services.broadcasts.sending import reap

MOST = 500

_DUE = text("""
UPDATE broadcast SET state = 'running', started_at = CAST(:now AS timestamptz), error = NULL
WHERE id IN (SELECT id FROM broadcast WHERE state = 'scheduled' AND scheduled_at <= :now
             ORDER BY scheduled_at LIMIT :most FOR UPDATE SKIP LOCKED) AND state = 'scheduled'
RETURNING id, tenant_id, name
""")
_HALT = text("""
UPDATE broadcast r SET state = 'paused', error = CASE WHEN b.removed_at IS NOT NULL THEN 'bot_removed'
    WHEN t.suspended_at IS NOT NULL THEN 'suspended' WHEN NOT b.enabled THEN 'bot_stopped' ELSE 'revoked' END
FROM bot b JOIN tenant t ON t.id = b.tenant_id
WHERE r.state = 'running' AND b.id = r.bot_id AND b.id = coalesce(:bot_id, b.id)
      AND (NOT b.enabled OR b.removed_at IS NOT NULL OR t.suspended_at IS NOT NULL OR b.state = 'revoked')
RETURNING r.id, r.tenant_id, r.name, r.error
""")
_REFUSED = text("""
UPDATE broadcast SET state = 'paused', error = :error WHERE id = :id AND state = 'running'
RETURNING id, tenant_id, name, error
""")
_ABANDONED = text("""
SELECT id FROM broadcast WHERE lease_until < clock_timestamp() ORDER BY lease_until LIMIT :most FOR UPDATE SKIP LOCKED
""")
_SETTLED = text("""
UPDATE broadcast SET lease_until = NULL WHERE id = :id AND NOT EXISTS (
    SELECT FROM broadcast_recipient WHERE broadcast_id = :id AND state = 'sending')
""")
# By the broadcasts, since that is how recipients are found; the counters go with the rows.
_FORGET = text("""
WITH gone AS (
    DELETE FROM broadcast_recipient WHERE telegram_id = :telegram_id
        AND broadcast_id IN (SELECT id FROM broadcast WHERE tenant_id = :tenant_id)
    RETURNING broadcast_id, state
)
UPDATE broadcast b SET total = total - 1, sent = sent - (g.state = 'sent')::int, blocked = blocked - (g.state = 'blocked')::int,
       failed = failed - (g.state = 'failed')::int, unknown = unknown - (g.state = 'unknown')::int
FROM gone g WHERE b.id = g.broadcast_id
""")
_IDLE = text("""
SELECT DISTINCT bot_id FROM broadcast
WHERE state = 'running' AND (lease_until IS NULL OR lease_until < clock_timestamp()) LIMIT :most
""")


def sweep() -> None:
    """Looks for rows in a state, so that nothing is forgotten whoever died."""
    for row in db.session.execute(_DUE, {"now": clock.now(), "most": MOST}):
        audit.record(row.tenant_id, "broadcast.started", (Broadcast.__tablename__, row.id, row.name))
    halt_silent()
    for broadcast_id in db.session.execute(_ABANDONED, {"most": MOST}).scalars().all():
        reap(broadcast_id)
        db.session.execute(_SETTLED, {"id": broadcast_id})
    for bot_id in db.session.execute(_IDLE, {"most": MOST}).scalars().all():
        enqueue(TaskName.BROADCASTS_SEND, bot_id)


def halt_silent(bot_id: int | None = None) -> bool:
    """Pauses what runs for bots (or this one) that are stopped, removed, suspended or without a token."""
    return _halted(db.session.execute(_HALT, {"bot_id": bot_id}).all())


def halt_refused(broadcast_id: int, reason: str) -> bool:
    """Pauses a broadcast that Telegram takes from nobody."""
    values = {"id": broadcast_id, "error": f"{Halt.REFUSED.value}:{reason[:200]}"}
    return _halted(db.session.execute(_REFUSED, values).all())


def forget(tenant_id: int, telegram_id: int) -> None:
    """Deletes what is known of somebody as a recipient."""
    db.session.execute(_FORGET, {"tenant_id": tenant_id, "telegram_id": telegram_id})


def _halted(rows: Sequence[Row[Any]]) -> bool:
    for row in rows:
        changes: dict[str, object] = {"reason": row.error}
        audit.record(row.tenant_id, "broadcast.halted", (Broadcast.__tablename__, row.id, row.name), changes)
    return bool(rows)
