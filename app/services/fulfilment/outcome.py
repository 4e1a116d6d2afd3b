"""How work ends without a delivery: later, or never. Whoever calls has a transaction that did nothing else."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text

from app.core import clock, jsonb
from app.core.db import db
from app.core.errors import AppError
from app.domain.orders import GIVE_UP_HOURS, MAX_ATTEMPTS, Actor, OrderState, Step, wait_after
from app.domain.payments import Provider
from app.domain.services import Service
from app.domain.shop_alerts import AlertKind
from app.models import Order
from app.services import shop_alerts
from app.services.fulfilment import claims, telling
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import Away, Capped, Hopeless, Later, Reason
from app.services.orders import lookup, moves
from app.services.payments import refunds

LATER: Final = 10.0
"""Seconds between the one order that finds out whether a service is back and the others, and again between them and
the one that has just failed: it may be its own fault."""
STEP_OF: Final = {
    Provider.PINGPONG.value: Step.CONFIRM,
    Service.YUANFENJU.value: Step.CHART,
    Service.DEEPSEEK.value: Step.TEXT,
}

_NEEDS = """
    o.tenant_id = :tenant_id AND o.state = 'paid'
    AND CASE WHEN :service = 'pingpong' THEN o.provider = 'pingpong' ELSE o.product ->> 'kind' = 'bazi_report' END
    AND NOT EXISTS (SELECT FROM order_step s WHERE s.order_id = o.id AND s.step = :step AND s.state = 'done')
"""
_PARK = text(f"""
WITH parked AS MATERIALIZED (
    SELECT o.id, row_number() OVER (ORDER BY o.paid_at, o.id) AS place FROM orders o
    WHERE {_NEEDS} AND (o.not_before IS NULL OR (o.not_before <= :until AND o.error = 'service_down'))
)
UPDATE orders o SET not_before = CASE WHEN parked.place = 1 THEN CAST(:first AS timestamptz) ELSE :until END,
    error = 'service_down'
FROM parked WHERE o.id = parked.id AND o.state = 'paid'
""")  # noqa: S608 - no input of anybody
_UNPARK = text(f"""
UPDATE orders o SET not_before = NULL WHERE {_NEEDS} AND o.not_before IS NOT NULL AND o.error = 'service_down'
""")  # noqa: S608 - same


def postpone(claimed: Claimed, later: Later) -> None:
    """It is tried again in a while; after a day, or when its attempts are used up, it has failed. Raises LeaseLost."""
    order, now = claims.hold(claimed), clock.now()
    began = order.first_tried_at or now
    used_up = not later.free and order.attempts >= MAX_ATTEMPTS
    if used_up or now - began >= timedelta(hours=GIVE_UP_HOURS):
        fail(order, later.reason, refund=False)
        return
    seconds = wait_after(order.attempts) if later.seconds is None else later.seconds
    if isinstance(later, Away):
        seconds += 2 * LATER
    details = jsonb.dump({"reason": later.reason, "seconds": round(seconds)}).decode()
    claims.put_back(claimed, now + timedelta(seconds=seconds), later.reason.value, details, free=later.free)
    if isinstance(later, Away):
        _park(claimed.tenant_id, later.service, seconds - 2 * LATER)
    elif isinstance(later, Capped):
        tell_capped(claimed, later.whose)


def tell_capped(claimed: Claimed, whose: str) -> None:
    """The boss hears once a day that the tenant's or a buyer's limit of spending is used up."""
    key = f"spending_cap:{whose}:{clock.now():%Y-%m-%d}"
    details: dict[str, object] = {"whose": whose}
    shop_alerts.raise_alert(claimed.tenant_id, AlertKind.SPENDING_CAP, key, details=details)


def give_up(claimed: Claimed, hopeless: Hopeless) -> None:
    """It will never be delivered. Raises LeaseLost."""
    fail(claims.hold(claimed), hopeless.reason, refund=hopeless.refund)


def fail(order: Order, reason: Reason, *, refund: bool, actor: Actor = Actor.WORKER) -> None:
    """Ends an order that can't be delivered: the buyer and the boss are told; the caller holds its lock."""
    moves.move(order, OrderState.FAILED, actor=actor, why=reason.value, error=reason.value, not_before=None)
    telling.failed(order, reason, refund=refund)
    kind = AlertKind.PAYMENT_LATE_UNFULFILLABLE if refund else AlertKind.ORDER_FAILED
    shop_alerts.raise_alert(
        order.tenant_id,
        kind,
        f"{kind.value}:{order.id}:{order.turn}",
        order_id=order.id,
        details={"reason": reason.value},
    )
    if refund:
        _refund(order, reason)


def fail_killers(most: int = claims.SWEEP_BATCH) -> int:
    """Sets aside orders whose workers die again and again."""
    ids = claims.list_killers(most)
    for order_id in ids:
        order = lookup.get(order_id, lock=True)
        order.deaths += 1
        fail(order, Reason.KILLED_WORKERS, refund=False, actor=Actor.SWEEP)
    return len(ids)


def unpark(tenant_id: int, service: str) -> None:
    """A service is back: whoever waited for it goes on at once."""
    db.session.execute(_UNPARK, _who(tenant_id, service))


def _park(tenant_id: int, service: str, seconds: float) -> None:
    """The other orders that need the service wait as well, without finding out one by one."""
    first = clock.now() + timedelta(seconds=seconds)
    values = {"first": first, "until": first + timedelta(seconds=LATER)}
    db.session.execute(_PARK, _who(tenant_id, service) | values)


def _who(tenant_id: int, service: str) -> dict[str, object]:
    return {"tenant_id": tenant_id, "service": service, "step": STEP_OF[service].value}


def _refund(order: Order, reason: Reason) -> None:
    """The money goes back by itself where the provider can do that; the alert stays for where it can't."""
    try:
        with db.session.begin_nested():
            refunds.ask(order.id, reason=reason.value, name="")
    except AppError as error:
        moves.note(order, "refund_refused", Actor.WORKER, details={"code": error.code})
