"""Balances and histories, and the proof that they agree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select, text

from app.core.arrays import numbers
from app.core.db import ADD_UP, db
from app.core.tenancy import connection_of
from app.domain.credits import Standing
from app.models import CreditAccount, CreditPosting, Tenant

MOST_MISMATCHES = 100
_COUNTS = text("""
SELECT (SELECT count(*) FROM credit_account WHERE tenant_id = tenant.id) AS accounts,
       (SELECT count(*) FROM credit_posting WHERE tenant_id = tenant.id) AS postings
FROM tenant WHERE id = :tenant_id
""")
# Past the session, like postings: it stands before each group of them.
_KNOWN = """
SELECT telegram_id FROM credit_account
WHERE tenant_id = %(tenant_id)s AND telegram_id = ANY(%(telegram_ids)s::bigint[])
UNION SELECT telegram_id FROM member
WHERE tenant_id = %(tenant_id)s AND telegram_id = ANY(%(telegram_ids)s::bigint[])
"""
_MISMATCHES = text("""
WITH running AS (
    SELECT account_id, amount, balance, sum(amount) OVER (PARTITION BY account_id ORDER BY id) AS total
    FROM credit_posting WHERE tenant_id = :tenant_id
), summed AS (
    SELECT account_id, sum(amount) AS total, bool_and(balance = total) AS in_step FROM running GROUP BY account_id
), reserved AS (
    SELECT account_id, sum(amount) AS total FROM credit_hold
    WHERE tenant_id = :tenant_id AND state = 'active' GROUP BY account_id
)
SELECT account.tenant_id, telegram_id, balance, CAST(coalesce(summed.total, 0) AS bigint) AS postings
FROM credit_account account LEFT JOIN summed ON summed.account_id = account.id
    LEFT JOIN reserved ON reserved.account_id = account.id
WHERE account.tenant_id = :tenant_id AND (balance <> coalesce(summed.total, 0) OR NOT coalesce(in_step, true)
    OR held <> coalesce(reserved.total, 0) OR balance - held < floor)
ORDER BY telegram_id LIMIT :most
""")


def balance(tenant_id: int, telegram_id: int) -> int:
    """What a member has now; 0 without an account."""
    found = db.session.scalar(
        select(CreditAccount.balance).where(
            CreditAccount.tenant_id == tenant_id, CreditAccount.telegram_id == telegram_id
        )
    )
    return found or 0


def standing(tenant_id: int, telegram_id: int) -> Standing:
    """What a member has, how much of it is held, and how low it may fall."""
    return standings(tenant_id, [telegram_id]).get(telegram_id, Standing())


def standings(tenant_id: int, telegram_ids: Iterable[int]) -> dict[int, Standing]:
    """The same of many members; without those who have no account."""
    query = select(
        CreditAccount.telegram_id, CreditAccount.balance, CreditAccount.held, CreditAccount.floor
    ).where(CreditAccount.tenant_id == tenant_id, CreditAccount.telegram_id.in_(list(telegram_ids)))
    return {telegram_id: Standing(*rest) for telegram_id, *rest in db.session.execute(query)}


def known(tenant_id: int, telegram_ids: Iterable[int]) -> set[int]:
    """Those of these Telegram users who have an account or have talked with one of the tenant's bots."""
    values = {"tenant_id": tenant_id, "telegram_ids": numbers(telegram_ids)}
    return set(connection_of(db.session()).exec_driver_sql(_KNOWN, values).scalars())


def postings_of(tenant_id: int, telegram_id: int) -> Select[CreditPosting]:
    """The question for a member's postings, in no order."""
    return (
        select(CreditPosting)
        .join(CreditAccount, CreditAccount.id == CreditPosting.account_id)
        .where(CreditAccount.tenant_id == tenant_id, CreditAccount.telegram_id == telegram_id)
    )


def history(
    tenant_id: int, telegram_id: int, before: int | None = None, limit: int = 50
) -> Sequence[CreditPosting]:
    """A member's postings, latest first; `before` = the id of the last one of the page before."""
    query = postings_of(tenant_id, telegram_id).order_by(CreditPosting.id.desc()).limit(limit)
    if before is not None:
        query = query.where(CreditPosting.id < before)
    return db.session.scalars(query).all()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An account whose balance, or a balance along its history, is not the sum of its postings.

    Also one whose held credits are not the sum of its active holds, or that is below its floor.
    """

    tenant_id: int
    telegram_id: int
    balance: int
    postings: int


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at, and up to 100 mismatches of each tenant."""

    accounts: int
    postings: int
    mismatches: list[Mismatch]


def check(tenant_id: int | None = None) -> Checked:
    """Adds up every posting of a tenant, or of all tenants (in the system scope)."""
    db.session.execute(ADD_UP)
    tenants = select(Tenant.id).order_by(Tenant.id)
    tenant_ids = [tenant_id] if tenant_id is not None else db.session.scalars(tenants).all()
    accounts = postings = 0
    mismatches: list[Mismatch] = []
    for each in tenant_ids:
        counts = db.session.execute(_COUNTS, {"tenant_id": each}).first()
        accounts, postings = (
            accounts + (counts.accounts if counts else 0),
            postings + (counts.postings if counts else 0),
        )
        rows = db.session.execute(_MISMATCHES, {"tenant_id": each, "most": MOST_MISMATCHES})
        mismatches += [Mismatch(*row) for row in rows]
    return Checked(accounts, postings, mismatches)
