"""Adding up every tenant's ledger once a night, and remembering what came of it. No balance is changed by it."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, text, update

from app.core import clock
from app.core.db import db
from app.models import CreditCheck
from app.services.credits import settings
from app.services.credits.reading import Checked, check

log = logging.getLogger(__name__)
_REST: Final = "interval '20 hours'"
# At night by the tenant's own clock; one that was missed, as when nothing ran at night, at any hour.
_CLAIM = text(f"""
WITH next AS (
    SELECT t.id FROM tenant t LEFT JOIN credit_check c ON c.tenant_id = t.id
    CROSS JOIN LATERAL (SELECT coalesce(c.begun_at, t.created_at) AS since) AS last
    WHERE since < now() - {_REST} AND EXISTS (SELECT FROM credit_account a WHERE a.tenant_id = t.id)
      AND (extract(hour FROM now() AT TIME ZONE t.timezone) BETWEEN 2 AND 5
           OR since < now() - interval '2 days')
    ORDER BY since LIMIT 1
)
INSERT INTO credit_check (tenant_id, begun_at) SELECT id, now() FROM next
ON CONFLICT (tenant_id) DO UPDATE SET begun_at = now() WHERE credit_check.begun_at < now() - {_REST}
RETURNING tenant_id
""")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Standing:
    """What the latest checks found: accounts that do not add up, of how many tenants, and when the last check was."""

    mismatches: int
    tenants: int
    checked_at: datetime | None


def claim_next() -> int | None:
    """The tenant that has waited longest for its check, for this caller alone. One whose check dies waits a day."""
    found: int | None = db.session.execute(_CLAIM).scalar()
    return found


def run(tenant_id: int) -> Checked:
    """Adds up one tenant's ledger and keeps the result; a mismatch is an error in the log.

    Afterwards, since it locks accounts, floors rise again of those who were deeper in debt than a smaller overdraft
    allows and have paid some of it back.
    """
    checked = check(tenant_id)
    wrong = len(checked.mismatches)
    db.session.execute(
        update(CreditCheck)
        .where(CreditCheck.tenant_id == tenant_id)
        .values(
            checked_at=clock.now(), accounts=checked.accounts, postings=checked.postings, mismatches=wrong
        )
    )
    if wrong:
        log.error("the credit ledger does not add up", extra={"tenant": tenant_id, "accounts": wrong})
    settings.level(tenant_id)
    return checked


def standing() -> Standing:
    """Of all tenants that are seen."""
    row = db.session.execute(
        select(
            func.coalesce(func.sum(CreditCheck.mismatches), 0),
            func.count().filter(CreditCheck.mismatches > 0),
            func.max(CreditCheck.checked_at),
        )
    ).one()
    return Standing(int(row[0]), int(row[1]), row[2])
