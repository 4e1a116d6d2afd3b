"""Holds: credits are put aside, and exactly one of three things happens to them: taken, let go, or freed by time.

Whoever changes a hold locks its account first, as everybody does who posts, and then moves its state with a condition.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Row, select, text

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput
from app.domain.credit_holds import LONGEST, SHORTEST, HoldClosed, HoldState, UnknownHold
from app.domain.credits import InsufficientCredits, NewPosting, Posting, ReferenceConflict
from app.models import CreditAccount, CreditHold
from app.services.credits.accounts import make
from app.services.credits.posting import find_earlier

_SOON = timedelta(hours=1)
# The row's CHECK is tried on the snapshot's row first, as in `posting`.
_RESERVE = text("""
WITH account AS (
    SELECT id, balance, held, floor FROM credit_account
    WHERE tenant_id = :tenant_id AND telegram_id = :telegram_id FOR NO KEY UPDATE
), hold AS (
    INSERT INTO credit_hold (tenant_id, account_id, amount, source, reference, reason, expires_at)
    SELECT :tenant_id, id, CAST(:amount AS bigint), :source, :reference, :reason, CAST(:expires_at AS timestamptz)
    FROM account WHERE balance - held - CAST(:amount AS bigint) >= floor AND NOT EXISTS (
        SELECT FROM credit_posting WHERE tenant_id = :tenant_id AND source = :source AND reference = :reference)
    ON CONFLICT (tenant_id, source, reference) DO NOTHING
    RETURNING id, account_id, amount
), kept AS (
    UPDATE credit_account SET balance = account.balance, held = account.held + hold.amount, floor = account.floor
    FROM hold, account WHERE credit_account.id = hold.account_id
)
SELECT account.balance - account.held AS available, hold.id FROM account LEFT JOIN hold ON true
""")
_LOCK = text("""
SELECT account.balance, account.telegram_id, hold.source, hold.reference, hold.reason, hold.amount
FROM credit_hold hold JOIN credit_account account ON account.id = hold.account_id
WHERE hold.tenant_id = :tenant_id AND hold.id = :hold_id FOR NO KEY UPDATE OF account
""")
_CAPTURE = text("""
WITH closed AS (
    UPDATE credit_hold SET state = 'captured', captured = :amount, closed_at = :now,
        posting_id = nextval('credit_posting_id_seq')
    WHERE id = :hold_id AND state = 'active' AND expires_at > :now
    RETURNING *
), kept AS (
    UPDATE credit_account SET balance = credit_account.balance - closed.captured, held = held - closed.amount
    FROM closed WHERE credit_account.id = closed.account_id
    RETURNING credit_account.id, credit_account.balance
), posted AS (
    INSERT INTO credit_posting (id, tenant_id, account_id, amount, balance, source, reference, reason)
    SELECT posting_id, tenant_id, account_id, -captured, kept.balance, source, reference, reason
    FROM closed JOIN kept ON kept.id = closed.account_id
    ON CONFLICT (tenant_id, source, reference) DO NOTHING RETURNING id
)
SELECT closed.id, posted.id AS posting_id FROM closed LEFT JOIN posted ON true
""")
_VOID = text("""
WITH closed AS (
    UPDATE credit_hold SET state = 'voided', closed_at = :now
    WHERE id = :hold_id AND state = 'active' AND expires_at > :now RETURNING account_id, amount
)
UPDATE credit_account SET held = held - closed.amount FROM closed WHERE credit_account.id = closed.account_id
RETURNING credit_account.id
""")
# Whoever ends one of them meanwhile is left alone.
_EXTEND = text("""
UPDATE credit_hold SET expires_at = :until WHERE id IN (
    SELECT id FROM credit_hold WHERE state = 'active' AND expires_at <= :soon AND source = :source
    ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED)
RETURNING id
""")
_LOCK_DUE = text("""
SELECT id FROM credit_account WHERE id IN (
    SELECT account_id FROM credit_hold WHERE state = 'active' AND expires_at <= :now ORDER BY expires_at LIMIT :limit)
ORDER BY tenant_id, telegram_id FOR NO KEY UPDATE
""")
_EXPIRE = text("""
WITH expired AS (
    UPDATE credit_hold SET state = 'expired', closed_at = :now
    WHERE account_id = ANY(CAST(:accounts AS bigint[])) AND state = 'active' AND expires_at <= :now
    RETURNING account_id, amount
), freed AS (
    SELECT account_id, CAST(sum(amount) AS bigint) AS amount FROM expired GROUP BY account_id
), kept AS (
    UPDATE credit_account SET held = held - freed.amount FROM freed WHERE credit_account.id = freed.account_id
)
SELECT count(*) FROM expired
""")


def reserve(
    tenant_id: int,
    telegram_id: int,
    amount: int,
    *,
    source: str,
    reference: str,
    reason: str,
    lasts: timedelta,
) -> CreditHold:
    """Puts credits of a member aside for some time, once for `(source, reference)`.

    The same again answers the first hold, whatever became of it. Raises InsufficientCredits, ReferenceConflict
    (another hold or a posting has this reference) and BadInput.
    """
    new = NewPosting(telegram_id, -amount, source, reference, reason)
    if amount < 0 or not SHORTEST <= lasts <= LONGEST:
        raise BadInput
    values = {
        "tenant_id": tenant_id,
        "telegram_id": telegram_id,
        "amount": amount,
        "source": source,
        "reference": reference,
        "reason": reason,
        "expires_at": clock.now() + lasts,
    }
    row = db.session.execute(_RESERVE, values).first()
    if row is None and make(tenant_id, [telegram_id], -amount):
        row = db.session.execute(_RESERVE, values).one()
    if row is not None and row.id is not None:
        return get(tenant_id, row.id)
    return _earlier(tenant_id, new, 0 if row is None else row.available)


def _earlier(tenant_id: int, new: NewPosting, available: int) -> CreditHold:
    found = db.session.execute(
        select(CreditHold, CreditAccount.telegram_id)
        .join(CreditAccount, CreditAccount.id == CreditHold.account_id)
        .where(
            CreditHold.tenant_id == tenant_id,
            CreditHold.source == new.source,
            CreditHold.reference == new.reference,
        )
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        if find_earlier(tenant_id, [new.key]):
            raise ReferenceConflict
        raise InsufficientCredits(balance=available)
    hold: CreditHold = found[0]
    if (found[1], hold.amount, hold.reason) != (new.telegram_id, -new.amount, new.reason):
        raise ReferenceConflict
    return hold


def get(tenant_id: int, hold_id: int, source: str | None = None) -> CreditHold:
    """A hold as it is now; with `source`, only one of this source. Raises UnknownHold."""
    query = select(CreditHold).where(CreditHold.tenant_id == tenant_id, CreditHold.id == hold_id)
    if source is not None:
        query = query.where(CreditHold.source == source)
    hold = db.session.scalar(query.execution_options(populate_existing=True))
    if hold is None:
        raise UnknownHold
    return hold


def list_of(tenant_id: int, telegram_id: int) -> Sequence[CreditHold]:
    """A member's active holds, oldest first."""
    query = (
        select(CreditHold)
        .join(CreditAccount, CreditAccount.id == CreditHold.account_id)
        .where(
            CreditAccount.tenant_id == tenant_id,
            CreditAccount.telegram_id == telegram_id,
            CreditHold.state == HoldState.ACTIVE,
        )
        .order_by(CreditHold.id)
    )
    return db.session.scalars(query).all()


def capture(
    tenant_id: int, hold_id: int, amount: int | None = None, *, source: str | None = None
) -> tuple[CreditHold, Posting]:
    """Takes a hold's credits, or `amount` of them and frees the rest, by a posting of the hold's source and reference.

    The same again answers the first result. Raises HoldClosed, UnknownHold, BadInput (more than is held) and
    ReferenceConflict (the reference was posted past the hold).
    """
    account, wanted = _lock(tenant_id, hold_id, source), amount
    if wanted is None:
        wanted = account.amount
    if not 0 < wanted <= account.amount:
        raise BadInput
    values = {"hold_id": hold_id, "amount": wanted, "now": clock.now()}
    with db.session.begin_nested():
        row = db.session.execute(_CAPTURE, values).first()
        if row is not None and row.posting_id is None:
            raise ReferenceConflict
    hold = get(tenant_id, hold_id)
    if row is not None:
        return hold, Posting(row.posting_id, account.telegram_id, -wanted, account.balance - wanted)
    if hold.state is not HoldState.CAPTURED or hold.captured != wanted:
        raise _closed(hold)
    key = (hold.source, hold.reference)
    new = NewPosting(account.telegram_id, -wanted, hold.source, hold.reference, hold.reason)
    return hold, find_earlier(tenant_id, [key])[key].answer(new)


def void(tenant_id: int, hold_id: int, *, source: str | None = None) -> CreditHold:
    """Lets a hold's credits go; the same again changes nothing. Raises HoldClosed and UnknownHold."""
    _lock(tenant_id, hold_id, source)
    db.session.execute(_VOID, {"hold_id": hold_id, "now": clock.now()})
    hold = get(tenant_id, hold_id)
    if hold.state is not HoldState.VOIDED:
        raise _closed(hold)
    return hold


def extend(source: str, lasts: timedelta, limit: int) -> int:
    """Gives a source's holds that would run out within the hour more time, from now on; how many."""
    now = clock.now()
    values = {"source": source, "soon": now + _SOON, "until": now + lasts, "limit": limit}
    return len(db.session.execute(_EXTEND, values).all())


def expire_due(limit: int) -> int:
    """Frees holds whose time is over, of at least as many accounts as `limit` holds have; how many."""
    now = clock.now()
    accounts = db.session.scalars(_LOCK_DUE, {"now": now, "limit": limit}).all()
    if not accounts:
        return 0
    return int(db.session.execute(_EXPIRE, {"accounts": accounts, "now": now}).scalar_one())


def _lock(tenant_id: int, hold_id: int, source: str | None) -> Row[tuple[object, ...]]:
    """The hold's account, locked."""
    row = db.session.execute(_LOCK, {"tenant_id": tenant_id, "hold_id": hold_id}).first()
    if row is None or source not in {None, row.source}:
        raise UnknownHold
    return row


def _closed(hold: CreditHold) -> HoldClosed:
    """Of a hold whose time is over but which has not been freed yet, too."""
    return HoldClosed(state=str(HoldState.EXPIRED if hold.state is HoldState.ACTIVE else hold.state))
