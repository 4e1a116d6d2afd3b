"""What came of a batch, written down under the lease that it was sent with.

Whoever lost his lease meanwhile writes nothing: the batch is sent again as it was, and the partner knows it by its name.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.domain.credit_sync import (
    BATCH_SIZE,
    LETTERS_IN_ROW,
    Answer,
    PartnerState,
    Trouble,
    Verdict,
    wait_after,
)
from app.models import CreditPartner
from app.services.credit_sync import batches, letters
from app.services.credit_sync.claiming import Parcel

log = logging.getLogger(__name__)
SLOW_SECONDS: Final = 2.0


def complete(parcel: Parcel, answer: Answer, seconds: float) -> bool:
    """Takes in an answer that came after so many seconds; True when the partner's next batch may follow at once."""
    partner = _held(parcel)
    if partner is None:
        log.warning("a batch was answered after its lease", extra={"partner": parcel.partner_id})
        return False
    partner.lease_until = None
    partner.slow = seconds > SLOW_SECONDS
    ids = [int(str(each)) for each in partner.batch_ids]
    if answer.verdict is Verdict.TAKEN:
        return _taken(partner, ids, answer.refused)
    if answer.verdict is Verdict.REFUSED:
        return _refused(partner, ids, answer)
    if answer.verdict is Verdict.GONE and partner.state is PartnerState.ACTIVE:
        partner.state = PartnerState.GONE
    return _failed(partner, answer.error, answer.wait)


def _held(parcel: Parcel) -> CreditPartner | None:
    query = select(CreditPartner).where(
        CreditPartner.id == parcel.partner_id, CreditPartner.lease_token == parcel.token
    )
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True))


def _taken(partner: CreditPartner, ids: Sequence[int], refused: Mapping[int, str]) -> bool:
    left = {posting_id: words for posting_id, words in refused.items() if posting_id in ids}
    if partner.batch_replays:
        letters.close_replayed(partner.id, [each for each in ids if each not in left])
        letters.refuse_replayed(partner.id, left)
    else:
        letters.write_dead(partner, left)
        partner.cursor = max(partner.cursor, *ids)
    partner.sent_at = clock.now()
    partner.sent_count += len(ids) - len(left)
    partner.batch_size = min(BATCH_SIZE, partner.batch_size * 2)
    partner.letters_in_row = 0
    _settle(partner)
    return True


def _refused(partner: CreditPartner, ids: Sequence[int], answer: Answer) -> bool:
    """Halves the batch; the one that is refused alone becomes a letter."""
    if len(ids) > 1:
        partner.batch_size = len(ids) // 2
        _settle(partner)
        return True
    if partner.batch_replays:
        letters.refuse_replayed(partner.id, {ids[0]: answer.words})
        if partner.letters_in_row >= LETTERS_IN_ROW:
            # New changes need not wait for old ones that nobody takes.
            letters.give_up_replaying(partner.id)
    elif partner.letters_in_row >= LETTERS_IN_ROW:
        return _failed(partner, f"{Trouble.REFUSES_ALL}:{answer.error.partition(':')[2]}", None)
    else:
        letters.write_dead(partner, {ids[0]: answer.words})
        partner.cursor = max(partner.cursor, ids[0])
    partner.letters_in_row += 1
    _settle(partner)
    return True


def _settle(partner: CreditPartner) -> None:
    """Nothing is under way and nothing is wrong."""
    batches.clear(partner)
    partner.failures, partner.failing_since, partner.error = 0, None, None
    partner.next_at = clock.now()


def _failed(partner: CreditPartner, error: str, asked: float | None) -> bool:
    """The same batch later."""
    now = clock.now()
    partner.failures += 1
    partner.failing_since = partner.failing_since or now
    partner.error = error
    partner.next_at = now + timedelta(seconds=wait_after(partner.failures, asked))
    return False
