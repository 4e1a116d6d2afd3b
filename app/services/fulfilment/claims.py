"""Who works on which order: claims, leases and what a worker may still write.

A claim is one statement for many orders, in the order of payment, with at most so many of one tenant under way at
once. Tenants are asked round by round, so thousands of orders of one of them delay nobody else's. A lease carries a
number that only grows; whatever a worker writes is conditional on it, so one who slept through its end writes nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Row, text

from app.core import clock
from app.core.db import db
from app.core.settings import get_settings
from app.domain.orders import LEASE_SECONDS, MAX_DEATHS, OrderState, Phase
from app.domain.products import ProductKind
from app.models import Order
from app.services.fulfilment.errors import LeaseLost
from app.services.orders import lookup

ROUND: Final = 64
"""Tenants that one claim looks at."""
SWEEP_BATCH: Final = 200

# The next tenant with orders that wait, found at the edge of two indexes, and on from there until enough have room and
# something due. Their locks keep two claims from filling the same room; what follows them needs a newer snapshot. Where
# one row answers a question it is asked for with LIMIT: of EXISTS the planner likes to make a list of all.
_TENANTS = text("""
WITH RECURSIVE ring (id) AS (
    SELECT least(
        (SELECT min(o.tenant_id) FROM orders o
         WHERE o.state = 'paid' AND o.not_before IS NULL AND o.tenant_id > :after),
        (SELECT min(o.tenant_id) FROM orders o
         WHERE o.state = 'paid' AND o.not_before IS NOT NULL AND o.tenant_id > :after))
    UNION ALL
    SELECT least(
        (SELECT min(o.tenant_id) FROM orders o
         WHERE o.state = 'paid' AND o.not_before IS NULL AND o.tenant_id > ring.id),
        (SELECT min(o.tenant_id) FROM orders o
         WHERE o.state = 'paid' AND o.not_before IS NOT NULL AND o.tenant_id > ring.id))
    FROM ring WHERE ring.id IS NOT NULL
), open AS (
    SELECT ring.id FROM ring
    WHERE ring.id IS NOT NULL
      AND (SELECT count(*) FROM orders w
           WHERE w.state = 'generating' AND w.phase = 'producing' AND w.tenant_id = ring.id) < :each
      AND coalesce(
        (SELECT true FROM orders o
         WHERE o.state = 'paid' AND o.not_before IS NULL AND o.tenant_id = ring.id LIMIT 1),
        (SELECT o.not_before <= :now FROM orders o
         WHERE o.state = 'paid' AND o.not_before IS NOT NULL AND o.tenant_id = ring.id
         ORDER BY o.not_before LIMIT 1))
    OFFSET 0
)
SELECT id FROM open
WHERE pg_try_advisory_xact_lock(hashtext('orders'), CAST(id % 2147483647 AS int)) LIMIT :most
""")
# Every tenant's first order before anybody's second.
_CLAIM = text("""
WITH due AS MATERIALIZED (
    SELECT mine.id FROM unnest(CAST(:tenants AS bigint[])) AS t (id)
    CROSS JOIN LATERAL (
        SELECT early.id, early.paid_at, row_number() OVER (ORDER BY early.paid_at, early.id) AS place FROM (
            (SELECT o.id, o.paid_at FROM orders o
             WHERE o.tenant_id = t.id AND o.state = 'paid' AND o.not_before IS NULL
             ORDER BY o.paid_at, o.id LIMIT :share)
            UNION ALL
            (SELECT o.id, o.paid_at FROM orders o
             WHERE o.tenant_id = t.id AND o.state = 'paid' AND o.not_before <= :now
             ORDER BY o.paid_at, o.id LIMIT :share)
        ) early ORDER BY early.paid_at, early.id
        LIMIT greatest(0, least(:share, :each - (SELECT count(*) FROM orders w WHERE w.state = 'generating'
                                   AND w.phase = 'producing' AND w.tenant_id = t.id)))
    ) mine ORDER BY mine.place, mine.paid_at, mine.id LIMIT :most
), taken AS MATERIALIZED (
    SELECT o.id FROM orders o WHERE o.id = ANY(ARRAY(SELECT id FROM due)) AND o.state = 'paid'
    ORDER BY o.paid_at, o.id FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE orders o SET state = 'generating', phase = 'producing', lease_token = o.lease_token + 1,
        lease_until = :until, attempts = o.attempts + 1, first_tried_at = coalesce(o.first_tried_at, :now),
        not_before = NULL
    FROM taken WHERE o.id = taken.id
    RETURNING o.id, o.tenant_id, o.bot_id, o.telegram_id, o.locale, o.lease_token, o.turn,
        o.product ->> 'kind' AS kind, o.told_turn < o.turn AS untold, o.attempts, o.paid_at
), history AS (
    INSERT INTO order_event (tenant_id, order_id, from_state, to_state, actor, why, details)
    SELECT tenant_id, id, 'paid', 'generating', 'worker', 'claimed', jsonb_build_object('attempt', attempts)
    FROM claimed
)
SELECT id, tenant_id, bot_id, telegram_id, locale, lease_token, turn, kind, untold FROM claimed ORDER BY paid_at, id
""")
_MINE = "o.state = 'generating' AND o.phase = 'producing' AND o.lease_token = mine.lease"
_RENEW = text(f"""
UPDATE orders o SET lease_until = :until
FROM unnest(CAST(:ids AS bigint[]), CAST(:leases AS bigint[])) AS mine (id, lease)
WHERE o.id = mine.id AND {_MINE} RETURNING o.id
""")  # noqa: S608 - no input of anybody
# Back to where it was before the claim: nothing came of it, and it costs nothing.
_GIVE_BACK = text(f"""
WITH back AS (
    UPDATE orders o SET state = 'paid', phase = NULL, lease_until = NULL, lease_token = o.lease_token + 1,
        attempts = greatest(0, o.attempts - 1), not_before = NULL
    FROM unnest(CAST(:ids AS bigint[]), CAST(:leases AS bigint[])) AS mine (id, lease)
    WHERE o.id = mine.id AND {_MINE} RETURNING o.id, o.tenant_id
)
INSERT INTO order_event (tenant_id, order_id, from_state, to_state, actor, why)
SELECT tenant_id, id, 'generating', 'paid', 'worker', 'handed_over' FROM back RETURNING order_id
""")  # noqa: S608 - same
_PUT_BACK = text(f"""
WITH back AS (
    UPDATE orders o SET state = 'paid', phase = NULL, lease_until = NULL, not_before = :not_before,
        attempts = greatest(0, o.attempts - :free), error = :reason
    FROM (SELECT CAST(:id AS bigint) AS id, CAST(:lease AS bigint) AS lease) AS mine
    WHERE o.id = mine.id AND {_MINE} RETURNING o.id, o.tenant_id
)
INSERT INTO order_event (tenant_id, order_id, from_state, to_state, actor, why, details)
SELECT tenant_id, id, 'generating', 'paid', 'worker', 'waits', CAST(:details AS jsonb) FROM back RETURNING order_id
""")  # noqa: S608 - same
_LOST = text("""
WITH lost AS MATERIALIZED (
    SELECT o.id FROM orders o
    WHERE o.state = 'generating' AND o.phase = 'producing' AND o.lease_until < :now AND o.deaths + 1 < :deaths
    ORDER BY o.id LIMIT :most FOR UPDATE SKIP LOCKED
), back AS (
    UPDATE orders o SET state = 'paid', phase = NULL, lease_until = NULL, deaths = o.deaths + 1, not_before = NULL
    FROM lost WHERE o.id = lost.id RETURNING o.id, o.tenant_id, o.deaths
), history AS (
    INSERT INTO order_event (tenant_id, order_id, from_state, to_state, actor, why, details)
    SELECT tenant_id, id, 'generating', 'paid', 'sweep', 'lease_lost', jsonb_build_object('deaths', deaths) FROM back
)
SELECT id FROM back
""")
_KILLERS = text("""
SELECT o.id FROM orders o
WHERE o.state = 'generating' AND o.phase = 'producing' AND o.lease_until < :now AND o.deaths + 1 >= :deaths
ORDER BY o.id LIMIT :most FOR UPDATE SKIP LOCKED
""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """An order to work on. `lease` fences what its worker writes; `untold` = the buyer was not told that it begins."""

    id: int
    tenant_id: int
    bot_id: int
    telegram_id: int
    locale: str
    lease: int
    turn: int
    kind: ProductKind
    untold: bool


@dataclass(frozen=True, slots=True)
class Round:
    """What one claim brought. `last` = the tenant to go on after."""

    orders: list[Claimed]
    last: int


def claim(most: int, after: int = 0) -> Round:
    """Takes up to `most` orders of the tenants that come behind `after`, and then of the first ones again.

    Needs the system scope and a transaction that has written nothing yet.
    """
    each, now = get_settings().orders_per_tenant, clock.now()
    tenants = _tenants(after, each, now, min(ROUND, most))
    if len(tenants) < most and after:
        tenants += [one for one in _tenants(0, each, now, min(ROUND, most)) if one not in tenants]
    if not tenants:
        return Round([], 0)
    values = {
        "tenants": tenants,
        "each": each,
        "share": -(-most // len(tenants)),
        "now": now,
        "until": _until(now),
        "most": most,
    }
    rows = db.session.execute(_CLAIM, values).all()
    return Round([_claimed(row) for row in rows], tenants[-1])


def _claimed(row: Row[tuple[object, ...]]) -> Claimed:
    return Claimed(
        id=row.id,
        tenant_id=row.tenant_id,
        bot_id=row.bot_id,
        telegram_id=row.telegram_id,
        locale=row.locale,
        lease=row.lease_token,
        turn=row.turn,
        kind=ProductKind(row.kind),
        untold=row.untold,
    )


def _tenants(after: int, each: int, now: datetime, most: int) -> list[int]:
    values = {"after": after, "each": each, "now": now, "most": most}
    return list(db.session.execute(_TENANTS, values).scalars())


def renew(claimed: Collection[Claimed]) -> set[int]:
    """Prolongs leases and says of which orders; those that are missing belong to others by now."""
    values: dict[str, object] = {**_pairs(claimed), "until": _until(clock.now())}
    return set(db.session.execute(_RENEW, values).scalars())


def give_back(claimed: Collection[Claimed]) -> int:
    """Lets go of orders whose work has not ended, at no cost; another worker may take them at once."""
    return len(db.session.execute(_GIVE_BACK, _pairs(claimed)).all())


def put_back(claimed: Claimed, not_before: datetime, reason: str, details: str, *, free: bool) -> None:
    """It is tried again from `not_before` on. `details` is JSON for the history. Raises LeaseLost."""
    values = {
        "id": claimed.id,
        "lease": claimed.lease,
        "not_before": not_before,
        "reason": reason,
        "free": int(free),
        "details": details,
    }
    if db.session.execute(_PUT_BACK, values).first() is None:
        raise LeaseLost


def hold(claimed: Claimed) -> Order:
    """The order, locked. Raises LeaseLost when it is not this worker's any more."""
    order = lookup.get(claimed.id, lock=True)
    mine = order.state is OrderState.GENERATING and order.phase is Phase.PRODUCING
    if not mine or order.lease_token != claimed.lease:
        raise LeaseLost
    return order


def sweep_lost(most: int = SWEEP_BATCH) -> int:
    """Puts back what dead workers left; what killed too many of them stays for `list_killers`."""
    values = {"now": clock.now(), "deaths": MAX_DEATHS, "most": most}
    return len(db.session.execute(_LOST, values).all())


def list_killers(most: int = SWEEP_BATCH) -> Sequence[int]:
    """Orders that died with their workers too often, locked."""
    values = {"now": clock.now(), "deaths": MAX_DEATHS, "most": most}
    return db.session.execute(_KILLERS, values).scalars().all()


def _pairs(claimed: Collection[Claimed]) -> dict[str, object]:
    return {"ids": [one.id for one in claimed], "leases": [one.lease for one in claimed]}


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=LEASE_SECONDS)
