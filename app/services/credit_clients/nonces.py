"""Each call counts once: its nonce is kept in PostgreSQL, and is there for good before the call has any effect.

Calls that come at the same moment are written in one statement, which costs one commit for all of them.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, text

from app.core.db import at_once, db
from app.core.errors import AppError
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.core.together import Together
from app.domain.credit_clients import REMEMBERED, WINDOW, InvalidKey, Replayed, TimestampExpired
from app.services.credit_clients.checking import Caller

TOUCHED_EVERY: Final = 60.0
"""Seconds after which a process notes again that a key is in use."""

# The scope is set before any row is seen: all rows are joined with it. Whatever this process remembers, the window is
# PostgreSQL's own, and a key that was ended in the meantime ends here.
_GIVEN: Final = f"""
WITH scope AS MATERIALIZED (SELECT set_config('laoban.tenant', '*', true) AS tenant),
asked AS MATERIALIZED (
    SELECT given.*, abs(extract(epoch FROM clock_timestamp()) - moment) <= {WINDOW} AS timely, EXISTS (
        SELECT FROM credit_key WHERE id = key AND tenant = '*' AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > clock_timestamp())
    ) AS working
    FROM scope, unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::bigint[])
        AS given (key, nonce, owner, binding, moment)
)"""  # noqa: S608 - constants
_KEEP: Final = f"""{_GIVEN}
INSERT INTO credit_nonce (key_row_id, nonce, tenant_id, binding, expires_at)
SELECT key, nonce, owner, binding, clock_timestamp() + interval '{REMEMBERED} seconds'
FROM asked WHERE timely AND working ORDER BY key, nonce
ON CONFLICT (key_row_id, nonce) DO NOTHING RETURNING key_row_id, nonce
"""  # noqa: S608 - constants
_WHY_NOT: Final = f"""{_GIVEN}
SELECT timely, working, (
    SELECT credit_nonce.binding FROM credit_nonce WHERE key_row_id = asked.key AND credit_nonce.nonce = asked.nonce
) FROM asked
"""  # noqa: S608 - constants
# Whoever is noting it already need not be waited for.
_TOUCH: Final = text("""
WITH free AS MATERIALIZED (
    SELECT credit_key.id, address FROM unnest(CAST(:keys AS bigint[]), CAST(:addresses AS text[])) AS given (key, address)
    JOIN credit_key ON credit_key.id = key FOR NO KEY UPDATE OF credit_key SKIP LOCKED
)
UPDATE credit_key SET last_used_at = clock_timestamp(), last_ip = address FROM free WHERE credit_key.id = free.id
""")
_touched: Final[dict[int, float]] = {}


def use(caller: Caller) -> None:
    """Keeps the nonce of a call, in a transaction of its own. Must stand outside every other.

    Raises TimestampExpired, InvalidKey (ended in the meantime), Replayed. A token of version 1 may come again with all
    that it came with at first: the ledger then answers as it did.
    """
    refused = _together.do(caller)
    if refused is not None:
        raise refused


def use_many(connection: Connection, callers: Sequence[Caller]) -> list[AppError | None]:
    """What `use` would raise for each of some calls; `connection` is one of `app.core.db.at_once`."""
    kept = set(connection.exec_driver_sql(_KEEP, _columns(callers)).all())
    results: list[AppError | None] = []
    for caller in callers:
        own = (caller.key_row_id, caller.nonce)
        results.append(None if own in kept else _why_not(connection, caller))
        # Of two that are the same in one batch, one was kept.
        kept.discard(own)
    return results


def _columns(callers: Sequence[Caller]) -> tuple[list[int] | list[str] | list[str | None], ...]:
    return (
        [caller.key_row_id for caller in callers],
        [caller.nonce for caller in callers],
        [caller.tenant_id for caller in callers],
        [caller.binding for caller in callers],
        [caller.timestamp for caller in callers],
    )


def _why_not(connection: Connection, caller: Caller) -> AppError | None:
    timely, working, bound = connection.exec_driver_sql(_WHY_NOT, _columns([caller])).one()
    if not working:
        return InvalidKey()
    if not timely:
        return TimestampExpired()
    return None if caller.binding is not None and bound == caller.binding else Replayed()


def _touch(callers: Iterable[Caller]) -> None:
    moment = time.monotonic()
    due = {
        caller.key_row_id: caller.address
        for caller in callers
        if moment - _touched.get(caller.key_row_id, -TOUCHED_EVERY) >= TOUCHED_EVERY
    }
    if due:
        _touched.update(dict.fromkeys(due, moment))
        with system_scope(), transaction():
            db.session.execute(_TOUCH, {"keys": list(due), "addresses": list(due.values())})


def _use_together(callers: Sequence[Caller]) -> list[AppError | None]:
    with at_once() as connection:
        results = use_many(connection, callers)
    _touch(caller for caller, refused in zip(callers, results, strict=True) if refused is None)
    return results


_together: Final = Together(_use_together, most=100)
