"""Adding up every tenant's commissions once a night; what does not add up is told to the boss. Nothing is changed."""

import logging
from collections.abc import Sequence

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.domain.shop_alerts import AlertKind
from app.services import shop_alerts
from app.services.affiliates.ledger import Checked, check
from app.services.schedule import claim_slot

log = logging.getLogger(__name__)
DAY_SECONDS = 86_400
# At night by the tenant's own clock. A night that was missed is made good by the next: it adds up everything anew.
_DUE = text("""
SELECT t.id FROM tenant t
WHERE extract(hour FROM CAST(:now AS timestamptz) AT TIME ZONE t.timezone) BETWEEN 2 AND 5
  AND EXISTS (SELECT FROM promoter_account a WHERE a.tenant_id = t.id)
ORDER BY t.id
""")


def due() -> Sequence[int]:
    """Tenants with commissions for whom it is night."""
    return db.session.scalars(_DUE, {"now": clock.now()}).all()


def claim(tenant_id: int) -> bool:
    """True for one caller a day."""
    return claim_slot(f"commissions:{tenant_id}", DAY_SECONDS)


def run(tenant_id: int) -> Checked:
    """Adds up one tenant's ledger; a mismatch is an error in the log and an alert of that day."""
    checked = check(tenant_id)
    if checked.mismatches:
        accounts = [found.account_id for found in checked.mismatches]
        log.error("commissions do not add up", extra={"tenant": tenant_id, "accounts": accounts})
        key = f"commissions:{clock.now():%Y-%m-%d}"
        shop_alerts.raise_alert(tenant_id, AlertKind.COMMISSIONS_WRONG, key, details={"accounts": accounts})
    return checked
