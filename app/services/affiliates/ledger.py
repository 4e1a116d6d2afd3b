"""The ledger of commissions: entries are only added, and a balance is always the sum of its entries."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from app.core.db import ADD_UP, db
from app.core.errors import BadInput
from app.core.i18n import N_
from app.domain.affiliates import EntryKind
from app.models import PromoterAccount

MOST_MISMATCHES = 100

# The lock makes the balance that `account` reads the newest one, however old the statement's snapshot is.
_POST = text("""
WITH account AS (
    SELECT id, balance FROM promoter_account
    WHERE tenant_id = :tenant_id AND promoter_id = :promoter_id AND currency = :currency FOR NO KEY UPDATE
), posted AS (
    INSERT INTO commission_entry
        (tenant_id, account_id, kind, amount, balance, reference, order_id, withdrawal_id, level, note)
    SELECT :tenant_id, id, :kind, CAST(:amount AS bigint), balance + CAST(:amount AS bigint), :reference,
        CAST(:order_id AS bigint), CAST(:withdrawal_id AS bigint), CAST(:level AS integer), :note
    FROM account WHERE (:overdraw OR CAST(:amount AS bigint) > 0)
        OR balance + CAST(:amount AS bigint) >= 0
    ON CONFLICT (tenant_id, reference) DO NOTHING
    RETURNING id, account_id, amount
), kept AS (
    UPDATE promoter_account SET balance = promoter_account.balance + posted.amount
    FROM posted WHERE promoter_account.id = posted.account_id
)
SELECT account.id AS account_id, account.balance, posted.id FROM account LEFT JOIN posted ON true
""")
_MAKE = text("""
INSERT INTO promoter_account (tenant_id, promoter_id, currency) VALUES (:tenant_id, :promoter_id, :currency)
ON CONFLICT (promoter_id, currency) DO NOTHING
""")
_KNOWN = text(
    "SELECT EXISTS (SELECT FROM commission_entry WHERE tenant_id = :tenant_id AND reference = :reference)"
)
_COUNTS = text("""
SELECT (SELECT count(*) FROM promoter_account WHERE tenant_id = :tenant_id) AS accounts,
       (SELECT count(*) FROM commission_entry WHERE tenant_id = :tenant_id) AS entries
""")
_MISMATCHES = text("""
WITH running AS (
    SELECT account_id, amount, balance, sum(amount) OVER (PARTITION BY account_id ORDER BY id) AS total
    FROM commission_entry WHERE tenant_id = :tenant_id
), summed AS (
    SELECT account_id, sum(amount) AS total, bool_and(balance = total) AS in_step FROM running GROUP BY account_id
)
SELECT account.id, promoter_id, currency, balance, CAST(coalesce(total, 0) AS bigint) AS entries
FROM promoter_account account LEFT JOIN summed ON account_id = account.id
WHERE account.tenant_id = :tenant_id AND (balance <> coalesce(total, 0) OR NOT coalesce(in_step, true))
ORDER BY account.id LIMIT :most
""")


class BalanceTooLow(BadInput):
    code = "balance_too_low"
    message = N_("The balance is not enough for this amount.")


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a promoter's balance in one currency. `amount` are minor units, never 0."""

    promoter_id: int
    currency: str
    kind: EntryKind
    amount: int
    reference: str
    order_id: int | None = None
    withdrawal_id: int | None = None
    level: int | None = None
    note: str = ""


def post(tenant_id: int, change: Change, *, overdraw: bool) -> int | None:
    """Posts a change once for its reference: the balance after it, or None when the reference is known already.

    `overdraw` = the balance may fall below zero; else what takes it there is refused. Raises BalanceTooLow.
    """
    values: dict[str, object] = {
        "tenant_id": tenant_id,
        "promoter_id": change.promoter_id,
        "currency": change.currency,
        "kind": change.kind.value,
        "amount": change.amount,
        "reference": change.reference,
        "order_id": change.order_id,
        "withdrawal_id": change.withdrawal_id,
        "level": change.level,
        "note": change.note,
        "overdraw": overdraw,
    }
    row = db.session.execute(_POST, values).first()
    if row is None:
        db.session.execute(_MAKE, {name: values[name] for name in ("tenant_id", "promoter_id", "currency")})
        row = db.session.execute(_POST, values).one()
    if row.id is not None:
        return int(row.balance) + change.amount
    known = db.session.execute(_KNOWN, {"tenant_id": tenant_id, "reference": change.reference}).scalar_one()
    if known:
        return None
    raise BalanceTooLow


def balances(promoter_id: int) -> dict[str, int]:
    """Minor units by currency; currencies in which he never earned are not among them."""
    rows = db.session.execute(
        select(PromoterAccount.currency, PromoterAccount.balance)
        .where(PromoterAccount.promoter_id == promoter_id)
        .order_by(PromoterAccount.currency)
    )
    return {currency: balance for currency, balance in rows}  # noqa: C416 - rows are no pairs to the type checker


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An account whose balance, or a balance along its history, is not the sum of its entries."""

    account_id: int
    promoter_id: int
    currency: str
    balance: int
    entries: int


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at, and up to 100 mismatches."""

    accounts: int
    entries: int
    mismatches: Sequence[Mismatch]


def check(tenant_id: int) -> Checked:
    """Adds up every entry of a tenant."""
    db.session.execute(ADD_UP)
    counts = db.session.execute(_COUNTS, {"tenant_id": tenant_id}).one()
    rows = db.session.execute(_MISMATCHES, {"tenant_id": tenant_id, "most": MOST_MISMATCHES})
    return Checked(counts.accounts, counts.entries, [Mismatch(*row) for row in rows])
