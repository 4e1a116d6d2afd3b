"""Whose turn it is: one sender for each partner at a time, quick partners never behind slow ones.

A slow partner holds a worker for as long as it takes to answer, so few of them are asked for at once; the other
workers stay free for whoever answers quickly. Among equals the one goes first that was served longest ago.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, text, update

from app.core import clock
from app.core.db import db
from app.domain.credit_sync import PartnerState
from app.models import CreditPartner
from app.services.credit_sync import batches

LEASE: Final = timedelta(seconds=30)
"""Longer than a call may take."""
ASKED: Final = timedelta(seconds=60)
"""A task message that was not heard for so long is lost."""
QUICK_AT_ONCE: Final = 200
SLOW_AT_ONCE: Final = 1

# Whether something is to be sent is only guessed here: what the partner's filter leaves out is passed by his turn.
_DUE = """
    state = 'active' AND next_at <= :now AND (lease_until IS NULL OR lease_until < :now)
    AND (asked_at IS NULL OR asked_at < :lost)
    AND (batch_id IS NOT NULL
        OR EXISTS (SELECT FROM credit_letter l WHERE l.partner_id = p.id AND l.state = 'replaying')
        OR EXISTS (SELECT FROM credit_posting c WHERE c.tenant_id = p.tenant_id AND c.id > p.cursor))
"""
_ASK = text(f"""
WITH due AS (
    SELECT id FROM credit_partner p WHERE {_DUE} AND slow = :slow
    ORDER BY next_at, id LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE credit_partner SET asked_at = :now FROM due WHERE credit_partner.id = due.id RETURNING credit_partner.id, next_at
""")  # noqa: S608 - constants
_ASK_ONE = text(f"""
UPDATE credit_partner p SET asked_at = :now WHERE id = :id AND NOT slow AND {_DUE} RETURNING id
""")  # noqa: S608 - constants
_SLOW_NOW = text("""
SELECT count(*) FROM credit_partner WHERE slow AND state = 'active' AND (lease_until > :now OR asked_at >= :lost)
""")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch that we send now. `token` fences whoever had it before."""

    partner_id: int
    tenant_id: int
    token: int
    batch_id: str
    url: str
    key_id: str
    secrets: tuple[str, ...]
    """The new one first; the former one signs too while the partner changes."""
    items: tuple[bytes, ...]


def ask_for_due() -> list[int]:
    """The partners that a task is to be asked for now, marked so that nobody asks twice."""
    quick = _ask(slow=False, most=QUICK_AT_ONCE)
    busy: int = db.session.execute(_SLOW_NOW, _times(clock.now())).scalar_one()
    return quick + (_ask(slow=True, most=SLOW_AT_ONCE - busy) if busy < SLOW_AT_ONCE else [])


def ask_again(partner_id: int) -> bool:
    """The same for one quick partner whose turn is over and who has more."""
    values = _times(clock.now()) | {"id": partner_id}
    return db.session.execute(_ASK_ONE, values).first() is not None


def claim(partner_id: int, settled: int) -> Parcel | None:
    """The partner's next batch, or the one that he has not answered for; None when it is not to be sent now.

    `settled` = the feed's horizon, asked in a transaction before this one.
    """
    partner = _take(partner_id)
    if partner is None:
        return None
    changes = batches.load(partner) or batches.plan(partner, settled)
    if partner.batch_id is None:
        partner.lease_until = None
        return None
    return Parcel(
        partner.id,
        partner.tenant_id,
        partner.lease_token,
        partner.batch_id,
        partner.url,
        partner.key_id,
        _secrets(partner, clock.now()),
        tuple(batches.encoded(change) for change in changes),
    )


def _take(partner_id: int) -> CreditPartner | None:
    now = clock.now()
    taken = db.session.execute(
        update(CreditPartner)
        .where(
            CreditPartner.id == partner_id,
            CreditPartner.state == PartnerState.ACTIVE,
            CreditPartner.next_at <= now,
            (CreditPartner.lease_until.is_(None)) | (CreditPartner.lease_until < now),
        )
        .values(lease_token=CreditPartner.lease_token + 1, lease_until=now + LEASE, asked_at=None)
        .returning(CreditPartner.id)
        .execution_options(synchronize_session=False)
    ).first()
    if taken is None:
        return None
    query = select(CreditPartner).where(CreditPartner.id == partner_id)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _secrets(partner: CreditPartner, now: datetime) -> tuple[str, ...]:
    former = partner.former_secret
    if former and partner.former_until is not None and partner.former_until > now:
        return partner.secret, former
    return (partner.secret,)


def _ask(*, slow: bool, most: int) -> list[int]:
    rows = db.session.execute(_ASK, _times(clock.now()) | {"slow": slow, "most": most}).all()
    return [row.id for row in sorted(rows, key=lambda row: (row.next_at, row.id))]


def _times(now: datetime) -> dict[str, object]:
    return {"now": now, "lost": now - ASKED}
