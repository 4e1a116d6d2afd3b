"""Each call counts once: its nonce is kept in PostgreSQL, and is there for good before the call has any effect.

`connection` is one of `app.core.db.at_once`, on which each statement is a transaction of its own: one round trip.
"""

import time
from typing import Final

from sqlalchemy import Connection, text

from app.domain.credit_clients import REMEMBERED, WINDOW, InvalidKey, Replayed, TimestampExpired
from app.services.credit_clients.checking import Caller

TOUCHED_EVERY: Final = 60.0
"""Seconds after which a process notes again that a key is in use."""

# The scope is set before any row is seen: the others take what it returns. Whatever this process remembers, the window
# is PostgreSQL's own, and a key that was ended in the meantime ends here.
_USE: Final = text(f"""
WITH scope AS MATERIALIZED (SELECT set_config('laoban.tenant', CAST(:tenant AS text), true)),
asked AS MATERIALIZED (
    SELECT abs(extract(epoch FROM clock_timestamp()) - :timestamp) <= {WINDOW} AS timely,
        EXISTS (
            SELECT FROM credit_key WHERE id = :key AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > clock_timestamp())
        ) AS working
    FROM scope
),
kept AS (
    INSERT INTO credit_nonce (key_row_id, nonce, tenant_id, binding, expires_at)
    SELECT :key, :nonce, CAST(:tenant AS bigint), :binding, clock_timestamp() + interval '{REMEMBERED} seconds'
    FROM asked WHERE timely AND working
    ON CONFLICT (key_row_id, nonce) DO NOTHING RETURNING 1
)
SELECT timely, working, EXISTS (SELECT FROM kept) FROM asked
""")  # noqa: S608 - constants
_BOUND: Final = text("""
WITH scope AS MATERIALIZED (SELECT set_config('laoban.tenant', CAST(:tenant AS text), true))
SELECT binding FROM scope, credit_nonce WHERE key_row_id = :key AND nonce = :nonce
""")
# Whoever is noting it already need not be waited for.
_TOUCH: Final = text("""
WITH scope AS MATERIALIZED (SELECT set_config('laoban.tenant', CAST(:tenant AS text), true)),
free AS MATERIALIZED (
    SELECT credit_key.id FROM scope, credit_key WHERE credit_key.id = :key FOR NO KEY UPDATE OF credit_key SKIP LOCKED
)
UPDATE credit_key SET last_used_at = clock_timestamp(), last_ip = :address FROM free WHERE credit_key.id = free.id
""")
_touched: Final[dict[int, float]] = {}


def use(connection: Connection, caller: Caller) -> None:
    """Keeps the nonce of a call. Raises TimestampExpired, InvalidKey (ended in the meantime), Replayed.

    A token of version 1 may come again with all that it came with at first: the ledger then answers as it did.
    """
    named: dict[str, object] = {
        "tenant": str(caller.tenant_id),
        "key": caller.key_row_id,
        "nonce": caller.nonce,
        "binding": caller.binding,
        "timestamp": caller.timestamp,
    }
    timely, working, kept = connection.execute(_USE, named).one()
    if not working:
        raise InvalidKey
    if not timely:
        raise TimestampExpired
    if not kept:
        bound = connection.execute(_BOUND, named).scalar() if caller.binding else None
        if bound is None or bound != caller.binding:
            raise Replayed
    _touch(connection, caller)


def _touch(connection: Connection, caller: Caller) -> None:
    moment = time.monotonic()
    if moment - _touched.get(caller.key_row_id, -TOUCHED_EVERY) < TOUCHED_EVERY:
        return
    _touched[caller.key_row_id] = moment
    connection.execute(
        _TOUCH, {"tenant": str(caller.tenant_id), "key": caller.key_row_id, "address": caller.address}
    )
