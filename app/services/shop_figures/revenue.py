"""Money by day: what came in and what went back, for each currency by itself; and what reports cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import text

from app.core.db import db
from app.services.shop_figures.days import Span

_RECEIVED = text("""
SELECT currency, CAST(at AT TIME ZONE :zone AS date) AS day, CAST(sum(amount_minor) AS bigint) AS amount
FROM payment_receipt WHERE tenant_id = :tenant_id AND at >= :since GROUP BY 1, 2 ORDER BY 1, 2
""")
_REFUNDED = text("""
SELECT currency, CAST(done_at AT TIME ZONE :zone AS date) AS day, CAST(sum(amount_minor) AS bigint) AS amount
FROM refund WHERE tenant_id = :tenant_id AND state = 'done' AND done_at >= :since GROUP BY 1, 2 ORDER BY 1, 2
""")
_COST = text("""
SELECT 'USD', CAST(started_at AT TIME ZONE :zone AS date) AS day, CAST(sum(cost_micro) AS bigint) AS amount
FROM order_step WHERE tenant_id = :tenant_id AND cost_micro > 0 AND started_at >= :since GROUP BY 2 ORDER BY 2
""")
_STATES = text("""
SELECT state, count(*) FROM orders WHERE tenant_id = :tenant_id AND created_at >= :since GROUP BY state
""")


@dataclass(frozen=True, slots=True)
class Money:
    """One currency's days, in minor units; each list has a value for every day of the span."""

    currency: str
    received: list[int]
    refunded: list[int]

    @property
    def net(self) -> int:
        """What stays."""
        return sum(self.received) - sum(self.refunded)


@dataclass(frozen=True, slots=True)
class Revenue:
    """Of a span; currencies by their names. `cost_micro` = millionths of a US dollar for AI and charts on each day."""

    days: list[date]
    currencies: list[Money]
    cost_micro: list[int]
    states: dict[str, int] = field(default_factory=dict)
    """Orders made in the span, by the state that they are in now."""


def revenue(tenant_id: int, span: Span) -> Revenue:
    """Days without money are zeros."""
    values = {"tenant_id": tenant_id, **span.values}
    received, refunded, cost = (
        _by_day(db.session.execute(statement, values).all(), span)
        for statement in (_RECEIVED, _REFUNDED, _COST)
    )
    nothing = [0] * len(span.days)
    money = [
        Money(currency, received.get(currency, nothing), refunded.get(currency, nothing))
        for currency in sorted({*received, *refunded})
    ]
    states = {state: count for state, count in db.session.execute(_STATES, values)}  # noqa: C416
    return Revenue(span.days, money, cost.get("USD", nothing), states)


def _by_day(rows: Sequence[Any], span: Span) -> dict[str, list[int]]:
    places = {day: place for place, day in enumerate(span.days)}
    found: dict[str, list[int]] = {}
    for currency, day, amount in rows:
        if day in places:
            found.setdefault(currency, [0] * len(places))[places[day]] = amount
    return found
