"""Accounts: making them, and locking them in one order, that of their Telegram ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from app.core.db import db
from app.domain.credits import Standing

_MAKE = text("""
INSERT INTO credit_account (tenant_id, telegram_id, floor)
SELECT :tenant_id, telegram_id,
    -coalesce((SELECT overdraft FROM credit_settings WHERE tenant_id = :tenant_id), 0)
FROM unnest(CAST(:telegram_ids AS bigint[])) AS wanted (telegram_id)
ORDER BY telegram_id ON CONFLICT (tenant_id, telegram_id) DO NOTHING
""")
_OVERDRAFT = text("SELECT overdraft FROM credit_settings WHERE tenant_id = :tenant_id")
# All or none: who held some while he makes the missing ones would break the order.
_LOCK = text("""
SELECT telegram_id, id, balance, held, floor FROM credit_account
WHERE tenant_id = :tenant_id AND telegram_id = ANY(CAST(:telegram_ids AS bigint[]))
  AND :wanted = (SELECT count(*) FROM credit_account
                 WHERE tenant_id = :tenant_id AND telegram_id = ANY(CAST(:telegram_ids AS bigint[])))
ORDER BY telegram_id FOR NO KEY UPDATE
""")


@dataclass(frozen=True, slots=True)
class Account(Standing):
    """A locked account."""

    id: int = 0


def make(tenant_id: int, telegram_ids: Sequence[int], amount: int = 1) -> bool:
    """Makes the accounts that are missing, with the tenant's overdraft.

    None is made for taking `amount` (below zero) that no new account could cover; tells whether there are some now.
    """
    if amount < 0 and -amount > (db.session.scalar(_OVERDRAFT, {"tenant_id": tenant_id}) or 0):
        return False
    db.session.execute(_MAKE, {"tenant_id": tenant_id, "telegram_ids": telegram_ids})
    return True


def lock(tenant_id: int, telegram_ids: list[int]) -> dict[int, Account]:
    """The accounts of these members, made where there are none, and nobody else's until the transaction's end."""
    values = {"tenant_id": tenant_id, "telegram_ids": telegram_ids, "wanted": len(telegram_ids)}
    rows = db.session.execute(_LOCK, values).all()
    if len(rows) < len(telegram_ids):
        make(tenant_id, telegram_ids)
        rows = db.session.execute(_LOCK, values).all()
    return {row.telegram_id: Account(row.balance, row.held, row.floor, row.id) for row in rows}
