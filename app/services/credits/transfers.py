"""Members give each other credits: two postings, or none."""

from dataclasses import dataclass

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.errors import AppError, BadInput
from app.domain.credit_clients import UnknownUser
from app.domain.credit_transfers import references
from app.domain.credits import (
    TRANSFER,
    InsufficientCredits,
    NewPosting,
    NotPosted,
    Posting,
    TransferLimit,
    TransfersOff,
)
from app.services.credits import settings
from app.services.credits.accounts import lock
from app.services.credits.posting import find_earlier, post_many
from app.services.credits.reading import known

_GIVEN_TODAY = text("""
SELECT CAST(coalesce(-sum(posting.amount), 0) AS bigint)
FROM credit_posting posting JOIN credit_account account ON account.id = posting.account_id
    JOIN tenant ON tenant.id = posting.tenant_id
WHERE account.tenant_id = :tenant_id AND account.telegram_id = :telegram_id
  AND posting.source = :source AND posting.amount < 0
  AND posting.created_at >= date_trunc('day', CAST(:now AS timestamptz) AT TIME ZONE tenant.timezone)
      AT TIME ZONE tenant.timezone
""")


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was taken from one and given to the other. Duplicates where this transfer was made before."""

    sent: Posting
    received: Posting


def transfer(tenant_id: int, sender: int, receiver: int, amount: int, *, key: str, reason: str) -> Transfer:
    """Gives `amount` of a member's credits to another one, once for `key`.

    Neither posting names the other member, so that erasing one leaves nothing of him: their references belong
    together. Raises TransfersOff, TransferLimit, UnknownUser (the receiver),
    InsufficientCredits, ReferenceConflict and BadInput.
    """
    if amount <= 0 or sender == receiver:
        raise BadInput
    sent_as, received_as = references(key)
    out = NewPosting(sender, -amount, TRANSFER, sent_as, reason)
    both = (out, NewPosting(receiver, amount, TRANSFER, received_as, reason))
    if not find_earlier(tenant_id, [out.key]):
        _allow(tenant_id, out, receiver)
    sent, received = post_many(tenant_id, both, atomic=True)
    for result in (sent, received):
        if isinstance(result, AppError) and not isinstance(result, NotPosted):
            raise result
    if isinstance(sent, AppError) or isinstance(received, AppError):
        raise TypeError("an atomic batch was refused without a reason")
    return Transfer(sent, received)


def _allow(tenant_id: int, out: NewPosting, receiver: int) -> None:
    allowed = settings.get(tenant_id)
    if not allowed.transfers:
        raise TransfersOff
    if not known(tenant_id, [receiver]):
        raise UnknownUser
    # Two at once would each see the other's credits, and share of the day, as free.
    account = lock(tenant_id, sorted((out.telegram_id, receiver)))[out.telegram_id]
    if find_earlier(tenant_id, [out.key]):
        return
    available = account.balance - account.held
    if -out.amount > available:
        raise InsufficientCredits(balance=available)
    if allowed.transfer_daily is not None:
        left = allowed.transfer_daily - _given_today(tenant_id, out.telegram_id)
        if -out.amount > left:
            raise TransferLimit(left=max(left, 0))


def left_today(tenant_id: int, sender: int) -> int | None:
    """How much of today's limit a member has left; None where there is no limit."""
    daily = settings.get(tenant_id).transfer_daily
    return None if daily is None else max(daily - _given_today(tenant_id, sender), 0)


def _given_today(tenant_id: int, telegram_id: int) -> int:
    values = {"tenant_id": tenant_id, "telegram_id": telegram_id, "source": TRANSFER, "now": clock.now()}
    return int(db.session.execute(_GIVEN_TODAY, values).scalar_one())
