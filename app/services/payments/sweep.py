"""Looks for payments and refunds in a state, so that nothing is lost with a task message."""

from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, enqueue

BATCH: Final = 200

_CREATING = text("""
SELECT id FROM payment WHERE state = 'creating' AND (lease_until IS NULL OR lease_until < :now)
  AND (not_before IS NULL OR not_before <= :now) ORDER BY id LIMIT :most
""")
_REFUNDS = text("""
SELECT id FROM refund WHERE (state = 'queued' AND (not_before IS NULL OR not_before <= :now))
   OR (state = 'sending' AND lease_until < :now) ORDER BY not_before NULLS FIRST, id LIMIT :most
""")
# What nobody needs to pay any more. Money that comes all the same is honoured.
_CLOSE = text("""
WITH over AS (
    SELECT p.id FROM payment p JOIN orders o ON o.id = p.order_id
    WHERE p.state IN ('creating', 'open') AND o.state <> 'pending' LIMIT :most FOR UPDATE OF p SKIP LOCKED
)
UPDATE payment SET state = 'closed', closed_at = :now, lease_until = NULL FROM over WHERE payment.id = over.id
""")


def sweep() -> None:
    """Closes what is over, asks for the tasks of what waits."""
    values = {"now": clock.now(), "most": BATCH}
    db.session.execute(_CLOSE, values)
    for payment_id in db.session.execute(_CREATING, values).scalars():
        enqueue(TaskName.PAYMENTS_CREATE, payment_id)
    for refund_id in db.session.execute(_REFUNDS, values).scalars():
        enqueue(TaskName.PAYMENTS_REFUND, refund_id)
