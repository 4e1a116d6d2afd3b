"""Accounts: making them, and locking them in one order, that of their Telegram ids."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import text

from app.core.arrays import numbers
from app.core.db import db
from app.core.tenancy import connection_of

_MAKE = text("""
INSERT INTO credit_account (tenant_id, telegram_id, floor)
SELECT :tenant_id, telegram_id,
    -coalesce((SELECT overdraft FROM credit_settings WHERE tenant_id = :tenant_id), 0)
FROM unnest(CAST(:telegram_ids AS bigint[])) AS wanted (telegram_id)
ORDER BY telegram_id ON CONFLICT (tenant_id, telegram_id) DO NOTHING
""")
_OVERDRAFT = text("SELECT overdraft FROM credit_settings WHERE tenant_id = :tenant_id")
# All or none: who held some while he makes the missing ones would break the order.
_LOCK: Final = """
SELECT telegram_id, id, balance, held, floor FROM credit_account
WHERE tenant_id = %(tenant_id)s AND telegram_id = ANY(%(telegram_ids)s::bigint[])
  AND %(wanted)s = (SELECT count(*) FROM credit_account
                    WHERE tenant_id = %(tenant_id)s AND telegram_id = ANY(%(telegram_ids)s::bigint[]))
ORDER BY telegram_id FOR NO KEY UPDATE
"""


class Account(NamedTuple):
    """A locked account."""

    id: int
    balance: int
    held: int
    floor: int


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
    connection = connection_of(db.session())
    values = {"tenant_id": tenant_id, "telegram_ids": numbers(telegram_ids), "wanted": len(telegram_ids)}
    rows = connection.exec_driver_sql(_LOCK, values).all()
    if len(rows) < len(telegram_ids):
        make(tenant_id, telegram_ids)
        rows = connection.exec_driver_sql(_LOCK, values).all()
    return {row[0]: Account(*row[1:]) for row in rows}
