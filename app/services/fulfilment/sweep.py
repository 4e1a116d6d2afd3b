"""What is looked for again and again, in states and never in what happened since the last time."""

from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db

_DUE: Final = text("""
SELECT EXISTS (SELECT FROM orders WHERE state = 'paid' AND not_before IS NULL)
    OR EXISTS (SELECT FROM orders WHERE state = 'paid' AND not_before <= :now)
""")


def is_due() -> bool:
    """Whether an order waits for a worker now."""
    return bool(db.session.execute(_DUE, {"now": clock.now()}).scalar())
