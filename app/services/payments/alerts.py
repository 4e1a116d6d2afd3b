"""News for the boss about a provider that does not work, said once a day however many buyers meet it."""

from app.core import clock
from app.domain.shop_alerts import AlertKind
from app.services import breakers
from app.services.shop_alerts import raise_alert


def service_failed(tenant_id: int, service: str, reason: str) -> None:
    """A call got no usable answer; the one that opens the breaker is told."""
    if breakers.failed(tenant_id, service, reason).opened:
        _raise(tenant_id, AlertKind.SERVICE_DOWN, service, reason)


def service_refused(tenant_id: int, service: str, reason: str, *, key_bad: bool) -> None:
    """The provider says no for good."""
    kind = AlertKind.SERVICE_KEY_BAD if key_bad else AlertKind.SERVICE_DOWN
    _raise(tenant_id, kind, service, reason)


def _raise(tenant_id: int, kind: AlertKind, service: str, reason: str) -> None:
    key = f"{kind.value}:{service}:{clock.now():%Y-%m-%d}"
    raise_alert(tenant_id, kind, key, details={"service": service, "reason": reason[:300]})
