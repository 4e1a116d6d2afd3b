"""Circuit breakers: a service that failed five times in a row for one tenant is left alone but for a probe a minute.

Whoever wants to call asks `allow` first and says afterwards what came of it. Both are in transactions of their own,
before and after the call.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db

FAILURES: Final = 5
"""In a row; then it opens."""
PROBE_SECONDS: Final = 60.0
_MOST_ERROR: Final = 300

_ALL = text("""
SELECT service, failures, opened_at, probe_at, error FROM provider_breaker WHERE tenant_id = :tenant_id AND failures > 0
""")
_READ = text("""
SELECT opened_at IS NOT NULL AS open, probe_at FROM provider_breaker
WHERE tenant_id = :tenant_id AND service = :service
""")
# Whoever moves the time of the next probe makes this one; the others wait.
_PROBE = text("""
UPDATE provider_breaker SET probe_at = :next
WHERE tenant_id = :tenant_id AND service = :service AND opened_at IS NOT NULL AND probe_at <= :now RETURNING 1
""")
_FAILED = text("""
INSERT INTO provider_breaker AS b (tenant_id, service, failures, error) VALUES (:tenant_id, :service, 1, :error)
ON CONFLICT (tenant_id, service) DO UPDATE SET failures = b.failures + 1, error = excluded.error,
    opened_at = CASE WHEN b.failures + 1 >= :most THEN coalesce(b.opened_at, :now) END,
    probe_at = CASE WHEN b.failures + 1 >= :most THEN CAST(:next AS timestamptz) END
RETURNING failures, opened_at
""")
_SUCCEEDED = text("""
WITH before AS (
    SELECT opened_at IS NOT NULL AS open FROM provider_breaker
    WHERE tenant_id = :tenant_id AND service = :service AND failures > 0 FOR UPDATE
), closed AS (
    UPDATE provider_breaker SET failures = 0, opened_at = NULL, probe_at = NULL, error = NULL
    WHERE tenant_id = :tenant_id AND service = :service AND failures > 0
)
SELECT open FROM before
""")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The service may be called."""


@dataclass(frozen=True, slots=True)
class Probe:
    """It may be called once, to see whether it is back."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It may not be called for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """What a failure led to. `opened` = it was this one that opened the breaker; `since` = it is open since then."""

    opened: bool
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a service that failed last is doing. `opened_at` None = it is still called as usual."""

    failures: int
    opened_at: datetime | None
    probe_at: datetime | None
    error: str


def troubles(tenant_id: int) -> dict[str, Trouble]:
    """Services whose last call for this tenant failed, for a page."""
    rows = db.session.execute(_ALL, {"tenant_id": tenant_id})
    return {row.service: Trouble(row.failures, row.opened_at, row.probe_at, row.error or "") for row in rows}


def allow(tenant_id: int, service: str) -> Allowed | Probe | Wait:
    """Whether a tenant's order may call the service now."""
    now = clock.now()
    values = {"tenant_id": tenant_id, "service": service}
    row = db.session.execute(_READ, values).first()
    if row is None or not row.open:
        return Allowed()
    if row.probe_at > now:
        return Wait((row.probe_at - now).total_seconds())
    probe = db.session.execute(_PROBE, values | {"now": now, "next": _next(now)}).first()
    return Wait(PROBE_SECONDS) if probe is None else Probe()


def failed(tenant_id: int, service: str, error: str) -> Failed:
    """A call failed in a way that another call may not: no answer, an error of the server, nonsense."""
    now = clock.now()
    values = {"tenant_id": tenant_id, "service": service, "error": error[:_MOST_ERROR]}
    row = db.session.execute(_FAILED, values | {"most": FAILURES, "now": now, "next": _next(now)}).one()
    return Failed(row.failures == FAILURES, row.opened_at)


def succeeded(tenant_id: int, service: str) -> bool:
    """The service answered. True when that closes its breaker; costs a look where nothing was amiss."""
    row = db.session.execute(_SUCCEEDED, {"tenant_id": tenant_id, "service": service}).first()
    return row is not None and bool(row.open)


def _next(now: datetime) -> datetime:
    return now + timedelta(seconds=PROBE_SECONDS)
