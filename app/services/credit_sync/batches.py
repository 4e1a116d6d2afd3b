"""Which changes a partner gets next. Works on a partner's row that the caller has locked."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from sqlalchemy import select, text

from app.core.db import db
from app.domain.credit_sync import BATCH_SIZE, LetterState, fitting, item
from app.models import CreditLetter, CreditPartner
from app.services.credits import feed
from app.services.credits.feed import Change

ROUNDS: Final = 20
"""How many lots of changes that he does not get are passed over in one transaction."""

_BLOCKED = text("""
SELECT DISTINCT account_id FROM credit_letter WHERE partner_id = :partner_id
  AND state IN ('dead', 'behind', 'replaying') AND account_id = ANY(CAST(:accounts AS bigint[]))
""")
_BEHIND = text("""
INSERT INTO credit_letter (tenant_id, partner_id, posting_id, account_id, state, reason, attempts)
SELECT :tenant_id, :partner_id, posting_id, account_id, 'behind', '', 0
FROM unnest(CAST(:ids AS bigint[]), CAST(:accounts AS bigint[])) AS late (posting_id, account_id)
ON CONFLICT (partner_id, posting_id) DO NOTHING
""")


def load(partner: CreditPartner) -> list[Change]:
    """The changes of the batch under way, in order; those of somebody who was erased are missing.

    Empty without a batch, and when nobody is left of it.
    """
    if partner.batch_id is None:
        return []
    changes = feed.chosen(partner.tenant_id, partner.batch_ids)
    if not changes:
        if not partner.batch_replays:
            partner.cursor = max(partner.cursor, *(int(str(each)) for each in partner.batch_ids))
        clear(partner)
    return changes


def clear(partner: CreditPartner) -> None:
    """No batch is under way."""
    partner.batch_id, partner.batch_ids, partner.batch_replays = None, [], False


def plan(partner: CreditPartner, settled: int) -> list[Change]:
    """Fixes the next batch in the partner's row, and moves the cursor over what he is not to get.

    `settled` = the feed's horizon, asked before this transaction wrote anything. Empty = nothing is to be sent.
    """
    replayed = _replayed(partner)
    changes = replayed or _new(partner, settled)
    changes = changes[: fitting([len(encoded(change)) for change in changes])]
    if changes:
        name = f"{partner.key_id}:{changes[0].id}-{changes[-1].id}"
        # Letters may be sent in many combinations, so the borders alone do not name one.
        partner.batch_id = f"{name}.{partner.lease_token}" if replayed else name
        partner.batch_ids = [change.id for change in changes]
        partner.batch_replays = bool(replayed)
    return changes


def encoded(change: Change) -> bytes:
    """A change as it is sent."""
    values = asdict(change)
    del values["account_id"]
    return item(posting_id=values.pop("id"), **values)


def _replayed(partner: CreditPartner) -> list[Change]:
    waiting = (
        select(CreditLetter.posting_id)
        .where(CreditLetter.partner_id == partner.id, CreditLetter.state == LetterState.REPLAYING)
        .order_by(CreditLetter.posting_id)
        .limit(partner.batch_size)
    )
    ids = db.session.scalars(waiting).all()
    return feed.chosen(partner.tenant_id, ids) if ids else []


def _new(partner: CreditPartner, settled: int) -> list[Change]:
    """New changes that may be sent; those that may not overtake a letter become letters themselves."""
    for _ in range(ROUNDS):
        found = feed.changes(
            partner.tenant_id,
            partner.cursor,
            BATCH_SIZE,
            sources=[str(source) for source in partner.sources],
            except_source=partner.except_source,
        )
        changes = _free(partner, found)
        if changes:
            return changes[: partner.batch_size]
        whole = len(found) < BATCH_SIZE
        partner.cursor = max(
            [partner.cursor, *(change.id for change in found), *([settled] if whole else [])]
        )
        if whole:
            break
    return []


def _free(partner: CreditPartner, found: Sequence[Change]) -> list[Change]:
    if not found:
        return []
    accounts = sorted({change.account_id for change in found})
    blocked = set(db.session.scalars(_BLOCKED, {"partner_id": partner.id, "accounts": accounts}))
    late = [change for change in found if change.account_id in blocked]
    if late:
        values = {
            "tenant_id": partner.tenant_id,
            "partner_id": partner.id,
            "ids": [change.id for change in late],
            "accounts": [change.account_id for change in late],
        }
        db.session.execute(_BEHIND, values)
    # What once was a letter is settled as one, also when the cursor has not passed it yet.
    known = set(
        db.session.scalars(
            select(CreditLetter.posting_id).where(
                CreditLetter.partner_id == partner.id,
                CreditLetter.posting_id.in_([change.id for change in found]),
            )
        )
    )
    return [change for change in found if change.id not in known]
