"""What reports may cost a day, for a tenant and for each of his buyers: reserved before a call, settled after it.

With the operator's keys both caps hold; with a tenant's own key only the one that he set for his buyers, if any. The
reservation of a call whose worker died stays counted: it may have been paid.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.errors import LimitReached
from app.core.i18n import N_

MICRO: Final = 1_000_000
"""Millionths of a US dollar in a dollar."""
EVERYBODY: Final = 0
"""Stands for the tenant as a whole where a buyer's id stands."""

# The tenant's row comes first, so that nobody waits in a circle.
_RESERVE = text("""
INSERT INTO spending AS s (day, telegram_id, tenant_id, cost_micro, calls)
SELECT :day, asked.telegram_id, :tenant_id, :cost, 1
FROM unnest(CAST(:who AS bigint[]), CAST(:caps AS bigint[])) AS asked (telegram_id, cap)
WHERE :cost <= asked.cap ORDER BY asked.telegram_id
ON CONFLICT (day, telegram_id, tenant_id) DO UPDATE
    SET cost_micro = s.cost_micro + excluded.cost_micro, calls = s.calls + 1
    WHERE s.cost_micro + excluded.cost_micro <=
        (CASE WHEN s.telegram_id = 0 THEN CAST(:tenant_cap AS bigint) ELSE CAST(:buyer_cap AS bigint) END)
RETURNING s.telegram_id
""")
_SETTLE = text("""
UPDATE spending SET cost_micro = greatest(0, cost_micro + :difference)
WHERE day = :day AND tenant_id = :tenant_id AND telegram_id = ANY(CAST(:who AS bigint[]))
""")


class SpendingCap(LimitReached):
    """`whose` is `tenant` or `buyer`; `until` is when the next day begins."""

    code = "spending_cap"
    message = N_("Today's limit for reports is used up.")

    def __init__(self, whose: str, until: datetime) -> None:
        super().__init__()
        self.whose = whose
        self.until = until


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be spent on a day, in millionths of a US dollar; None = no limit."""

    tenant: int | None
    buyer: int | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a call may cost at most, and whose days carry it."""

    tenant_id: int
    who: tuple[int, ...]
    day: date
    cost_micro: int


def reserve(tenant_id: int, telegram_id: int, cost_micro: int, caps: Caps) -> Reservation:
    """Counts what a call may cost. Raises SpendingCap; the transaction must then be rolled back."""
    day = clock.now().astimezone(UTC).date()
    wanted = [
        (who, cap) for who, cap in ((EVERYBODY, caps.tenant), (telegram_id, caps.buyer)) if cap is not None
    ]
    reservation = Reservation(tenant_id, tuple(who for who, _ in wanted), day, cost_micro)
    if not wanted:
        return reservation
    values = {
        "day": day,
        "tenant_id": tenant_id,
        "cost": cost_micro,
        "who": list(reservation.who),
        "caps": [cap for _, cap in wanted],
        "tenant_cap": caps.tenant,
        "buyer_cap": caps.buyer,
    }
    counted = set(db.session.execute(_RESERVE, values).scalars())
    missing = [who for who in reservation.who if who not in counted]
    if missing:
        until = datetime.combine(day + timedelta(days=1), time(), UTC)
        raise SpendingCap("tenant" if EVERYBODY in missing else "buyer", until)
    return reservation


def settle(reservation: Reservation, cost_micro: int) -> None:
    """Replaces what was reserved by what the call really cost."""
    if not reservation.who or cost_micro == reservation.cost_micro:
        return
    values = {
        "day": reservation.day,
        "tenant_id": reservation.tenant_id,
        "who": list(reservation.who),
        "difference": cost_micro - reservation.cost_micro,
    }
    db.session.execute(_SETTLE, values)
