"""Services that keep failing are left alone, and the boss hears of it."""

from typing import Final

from app.core import clock
from app.domain.shop_alerts import AlertKind
from app.services import breakers, shop_alerts
from app.services.breakers import Wait
from app.services.fulfilment import outcome
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import Away, Later, Reason

MENDING_SECONDS: Final = 600.0
"""So long nobody asks a service that refuses our key or has no balance left."""


def let_through(claimed: Claimed, service: str) -> None:
    """Raises Away while the service is left alone."""
    answer = breakers.allow(claimed.tenant_id, service)
    if isinstance(answer, Wait):
        raise Away(service, answer.seconds)


def answered(claimed: Claimed, service: str) -> None:
    """The service works; whoever waited for it goes on."""
    if breakers.succeeded(claimed.tenant_id, service):
        outcome.unpark(claimed.tenant_id, service)


def failed(claimed: Claimed, service: str, error: str) -> Later:
    """The service failed: what follows for the order that asked."""
    state = breakers.failed(claimed.tenant_id, service, error)
    if state.since is None:
        return Later(Reason.SERVICE_DOWN)
    if state.opened:
        key = f"service_down:{service}:{state.since.isoformat()}"
        details: dict[str, object] = {"service": service, "error": error}
        shop_alerts.raise_alert(claimed.tenant_id, AlertKind.SERVICE_DOWN, key, details=details)
    return Away(service, breakers.PROBE_SECONDS)


def refused(claimed: Claimed, service: str, reason: str) -> Later:
    """The service wants a better key or more money; it is asked again now and then."""
    tell_refused(claimed, service, reason)
    return Away(service, MENDING_SECONDS)


def tell_refused(claimed: Claimed, service: str, reason: str) -> None:
    """The boss hears once a day that a service wants a better key or more money."""
    key = f"service_key_bad:{service}:{clock.now():%Y-%m-%d}"
    details: dict[str, object] = {"service": service, "reason": reason}
    shop_alerts.raise_alert(claimed.tenant_id, AlertKind.SERVICE_KEY_BAD, key, details=details)
