"""What is looked for again and again: in states, and never in what happened since the last time."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, enqueue
from app.services import leases
from app.services.fulfilment import claims, delivery, outcome, telling
from app.services.orders import expiry

KIND: Final = "orders"
SLICES: Final = 2
"""Workers that live at once, all processes together; each has `order_threads` threads."""
STEPS: Final[Mapping[str, Callable[[], int]]] = {
    "taken over": claims.sweep_lost,
    "set aside": outcome.fail_killers,
    "told that it begins": telling.begun_some,
    "told that it takes longer": telling.late_some,
    "expired": expiry.expire_due,
}
"""Each does a batch in a transaction of its own, and says how many that were."""

_DUE: Final = text("""
SELECT EXISTS (SELECT FROM orders WHERE state = 'paid' AND not_before IS NULL)
    OR EXISTS (SELECT FROM orders WHERE state = 'paid' AND not_before <= :now)
""")


def start_workers() -> int:
    """Asks for as many workers as may live beside those that do, where an order waits for one."""
    leases.create_shards(KIND, SLICES)
    missing = SLICES - leases.held(KIND, SLICES)[0] if _is_due() else 0
    for _ in range(missing):
        enqueue(TaskName.ORDERS_WORK)
    return missing


def list_delivered() -> list[int]:
    """Orders of which no message waits any more; each is for `delivery.heard` in a transaction of its own."""
    return list(delivery.sweep())


def _is_due() -> bool:
    return bool(db.session.execute(_DUE, {"now": clock.now()}).scalar())
