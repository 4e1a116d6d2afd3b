"""News about partners for the boss: told once when one fails or refuses changes, once when it is well again.

Everything is asked of the state that partners are in, so it does not matter who changed it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Select, select, text

from app.core import clock
from app.core.db import db
from app.domain.credit_sync import TELL_AFTER, PartnerState
from app.domain.shop_alerts import AlertKind
from app.models import CreditPartner
from app.services import shop_alerts

BATCH: Final = 200

_REFUSED = text("""
SELECT partner.id, partner.tenant_id, partner.name, refused.first
FROM credit_partner partner CROSS JOIN LATERAL (
    SELECT min(id) AS first FROM credit_letter WHERE partner_id = partner.id AND state = 'dead'
) AS refused
WHERE refused.first IS NOT NULL AND NOT EXISTS (
    SELECT FROM shop_alert WHERE shop_alert.tenant_id = partner.tenant_id AND kind = 'partner_letters'
      AND settled_at IS NULL AND details ->> 'partner_id' = partner.id::text)
ORDER BY partner.id LIMIT :most
""")
# What is over needs nobody: the partner is well, was removed, or has no letters any more. Good news is none after a day.
_SETTLE = text("""
UPDATE shop_alert SET settled_at = :now, settled_by = 'system'
WHERE settled_at IS NULL AND kind = ANY(:kinds) AND CASE kind
    WHEN 'partner_well' THEN created_at < :now - interval '1 day'
    WHEN 'partner_letters' THEN NOT EXISTS (
        SELECT FROM credit_letter WHERE partner_id = (details ->> 'partner_id')::bigint AND state IN ('dead', 'behind'))
    ELSE NOT EXISTS (
        SELECT FROM credit_partner WHERE id = (details ->> 'partner_id')::bigint AND told_at IS NOT NULL)
    END
""")
_KINDS: Final = [
    kind.value
    for kind in (
        AlertKind.PARTNER_FAILING,
        AlertKind.PARTNER_GONE,
        AlertKind.PARTNER_WELL,
        AlertKind.PARTNER_LETTERS,
    )
]


def sweep() -> None:
    """Writes down what is news, and settles what is over."""
    for partner in _to_tell():
        _tell_trouble(partner)
    for partner in _well_again():
        _raise(partner, AlertKind.PARTNER_WELL, str(partner.lease_token))
        partner.told_at = None
    db.session.flush()
    for row in db.session.execute(_REFUSED, {"most": BATCH}):
        details = {"partner": row.name, "partner_id": row.id}
        key = f"{AlertKind.PARTNER_LETTERS}:{row.id}:{row.first}"
        shop_alerts.raise_alert(row.tenant_id, AlertKind.PARTNER_LETTERS, key, details=details)
    db.session.execute(_SETTLE, {"now": clock.now(), "kinds": _KINDS})


def _to_tell() -> Sequence[CreditPartner]:
    since = clock.now() - timedelta(seconds=TELL_AFTER)
    failing = (CreditPartner.state == PartnerState.ACTIVE) & (CreditPartner.failing_since < since)
    query = select(CreditPartner).where(
        CreditPartner.told_at.is_(None), failing | (CreditPartner.state == PartnerState.GONE)
    )
    return db.session.scalars(_locked(query)).all()


def _well_again() -> Sequence[CreditPartner]:
    query = select(CreditPartner).where(
        CreditPartner.told_at.is_not(None),
        CreditPartner.state == PartnerState.ACTIVE,
        CreditPartner.failing_since.is_(None),
        CreditPartner.sent_at > CreditPartner.told_at,
    )
    return db.session.scalars(_locked(query)).all()


def _locked(query: Select[CreditPartner]) -> Select[CreditPartner]:
    return (
        query.order_by(CreditPartner.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _tell_trouble(partner: CreditPartner) -> None:
    gone = partner.state is PartnerState.GONE
    kind = AlertKind.PARTNER_GONE if gone else AlertKind.PARTNER_FAILING
    since = partner.failing_since or clock.now()
    _raise(partner, kind, str(int(since.timestamp())))
    partner.told_at = clock.now()


def _raise(partner: CreditPartner, kind: AlertKind, moment: str) -> None:
    details: dict[str, object] = {"partner": partner.name, "partner_id": partner.id}
    shop_alerts.raise_alert(partner.tenant_id, kind, f"{kind}:{partner.id}:{moment}", details=details)
