"""Lets whoever wants to change a lottery's row have it in his turn, however many join at the same time.

Joins share the row's lock, and PostgreSQL lets a further one in past anybody who waits to have the row alone: an
unbroken stream of joins would hold up closing for ever. Advisory locks are handed out in turn, so joins pass this
door first. It only makes the waiting fair; that nobody slips in is the row lock's work.
"""

from typing import Final

from sqlalchemy import text

from app.core.db import db

ENTER: Final = "pg_advisory_xact_lock_shared(hashtext('lottery'), CAST(l.id % 2147483647 AS int))"
"""SQL: what a join does first, `l` being the lottery."""
_SHUT = text("SELECT pg_advisory_xact_lock(hashtext('lottery'), CAST(:lottery_id % 2147483647 AS int))")


def shut(lottery_id: int) -> None:
    """Joins that come from now on wait for the end of the transaction; returns when those under way have ended."""
    db.session.execute(_SHUT, {"lottery_id": lottery_id})
