"""Comparing our balances with somebody else's, and what became of earlier comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, text

from app.core.db import db
from app.core.errors import BadInput, NotFound, TooLarge
from app.core.i18n import N_
from app.domain.credit_sync import MAX_NAME, clean
from app.models import CreditDrift, CreditDriftLine, CreditPartner

MOST_PAIRS: Final = 100_000
MOST_LINES: Final = 10_000
KEPT: Final = 50
"""Comparisons of one project; those of people are all kept for their time."""
"""Differing accounts that are kept of one comparison; all are counted."""
PAGE: Final = 50
_LARGEST_ID: Final = 10**18
_LARGEST_BALANCE: Final = 10**18

# Balances and what is undelivered come from one statement, so from one moment. An account that only one side knows is
# no difference when there is nothing on it.
_COMPARE = text("""
WITH theirs AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:balances AS bigint[])) AS given (telegram_id, balance)
), ours AS (
    SELECT id, telegram_id, balance FROM credit_account WHERE tenant_id = :tenant_id
), waiting AS (
    SELECT c.account_id, c.id, c.amount FROM credit_partner p JOIN credit_posting c
        ON c.tenant_id = p.tenant_id AND c.id > p.cursor
        AND (p.sources = '[]' OR jsonb_exists(p.sources, c.source)) AND c.source IS DISTINCT FROM p.except_source
    WHERE p.id = :partner_id AND NOT EXISTS (
        SELECT FROM credit_letter l WHERE l.partner_id = p.id AND l.posting_id = c.id)
    UNION ALL
    SELECT c.account_id, c.id, c.amount FROM credit_letter l JOIN credit_posting c
        ON c.tenant_id = l.tenant_id AND c.id = l.posting_id
    WHERE l.partner_id = :partner_id AND l.state IN ('dead', 'behind', 'replaying')
), undelivered AS (
    SELECT account_id, CAST(sum(amount) AS bigint) AS amount FROM waiting GROUP BY account_id
), differing AS MATERIALIZED (
    SELECT coalesce(ours.telegram_id, theirs.telegram_id) AS telegram_id, ours.balance AS ours, theirs.balance AS theirs,
        coalesce(undelivered.amount, 0) AS undelivered,
        coalesce(ours.balance, 0) - coalesce(theirs.balance, 0) AS difference
    FROM theirs FULL JOIN ours ON ours.telegram_id = theirs.telegram_id
    LEFT JOIN undelivered ON undelivered.account_id = ours.id
    WHERE coalesce(ours.balance, 0) <> coalesce(theirs.balance, 0) AND (:whole OR theirs.telegram_id IS NOT NULL)
), written AS (
    INSERT INTO credit_drift_line (tenant_id, drift_id, telegram_id, ours, theirs, undelivered)
    SELECT :tenant_id, :drift_id, telegram_id, ours, theirs, undelivered FROM differing
    ORDER BY difference = undelivered, abs(difference) DESC, telegram_id LIMIT :most
)
UPDATE credit_drift SET (differing, unknown_here, unknown_there, explained) = (
    SELECT count(*), count(*) FILTER (WHERE ours IS NULL), count(*) FILTER (WHERE theirs IS NULL),
        count(*) FILTER (WHERE difference = undelivered)
    FROM differing)
WHERE id = :drift_id
""")


_THIN = text("""
DELETE FROM credit_drift WHERE tenant_id = :tenant_id AND by = :by AND id < (
    SELECT id FROM credit_drift WHERE tenant_id = :tenant_id AND by = :by ORDER BY id DESC OFFSET :others LIMIT 1)
""")


class TooManyPairs(TooLarge):
    code = "too_many_pairs"
    message = N_("No more than %(most)s balances can be compared at once.")


@dataclass(frozen=True, slots=True)
class Drifts:
    """Some comparisons of a longer list; pages count from 0. `more` = another page follows."""

    drifts: list[CreditDrift]
    number: int
    more: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """Some accounts of a longer list; pages count from 0. `more` = another page follows."""

    lines: list[CreditDriftLine]
    number: int
    more: bool


def compare(
    tenant_id: int,
    name: str,
    pairs: Sequence[tuple[int, int]],
    *,
    by: str,
    partner_id: int | None = None,
    whole: bool = False,
) -> CreditDrift:
    """Compares with (telegram_id, balance) pairs of somebody; counts what differs and keeps the worst MOST_LINES.

    `whole` = they are all that the other side has, so accounts that are missing there are told too. With a partner,
    what he has not been sent explains differences. Four statements, however many pairs. Raises BadInput, TooManyPairs
    and NotFound.
    """
    _check(name, pairs)
    if partner_id is not None:
        _check_partner(tenant_id, partner_id)
    drift = CreditDrift(
        tenant_id=tenant_id, name=clean(name), partner_id=partner_id, by=by, compared=len(pairs)
    )
    db.session.add(drift)
    db.session.flush()
    db.session.execute(
        _COMPARE,
        {
            "tenant_id": tenant_id,
            "drift_id": drift.id,
            "partner_id": partner_id,
            "ids": [telegram_id for telegram_id, _ in pairs],
            "balances": [balance for _, balance in pairs],
            "whole": whole,
            "most": MOST_LINES,
        },
    )
    db.session.refresh(drift)
    return drift


def keep_latest(tenant_id: int, by: str) -> None:
    """Forgets all but the last KEPT comparisons of somebody who may make any number of them."""
    db.session.execute(_THIN, {"tenant_id": tenant_id, "by": by, "others": KEPT - 1})


def get(drift_id: int) -> CreditDrift:
    """Raises NotFound."""
    drift = db.session.scalar(select(CreditDrift).where(CreditDrift.id == drift_id))
    if drift is None:
        raise NotFound
    return drift


def list_(tenant_id: int, page: int = 0) -> Drifts:
    """Comparisons of the last 90 days, latest first."""
    query = select(CreditDrift).where(CreditDrift.tenant_id == tenant_id).order_by(CreditDrift.id.desc())
    found = db.session.scalars(query.offset(page * PAGE).limit(PAGE + 1)).all()
    return Drifts(list(found[:PAGE]), page, len(found) > PAGE)


def lines(drift_id: int, page: int = 0) -> Lines:
    """The accounts that differed: first what nothing explains, the largest difference first."""
    line = CreditDriftLine
    difference = func.coalesce(line.ours, 0) - func.coalesce(line.theirs, 0)
    query = (
        select(line)
        .where(line.drift_id == drift_id)
        .order_by(difference == line.undelivered, func.abs(difference).desc(), line.telegram_id)
    )
    found = db.session.scalars(query.offset(page * PAGE).limit(PAGE + 1)).all()
    return Lines(list(found[:PAGE]), page, len(found) > PAGE)


def _check_partner(tenant_id: int, partner_id: int) -> None:
    known = select(CreditPartner.id).where(
        CreditPartner.id == partner_id, CreditPartner.tenant_id == tenant_id
    )
    if db.session.scalar(known) is None:
        raise NotFound


def _check(name: str, pairs: Sequence[tuple[int, int]]) -> None:
    if len(pairs) > MOST_PAIRS:
        raise TooManyPairs(most=MOST_PAIRS)
    if not clean(name) or len(name) > MAX_NAME or len({telegram_id for telegram_id, _ in pairs}) < len(pairs):
        raise BadInput
    if not all(
        0 < telegram_id < _LARGEST_ID and abs(balance) <= _LARGEST_BALANCE for telegram_id, balance in pairs
    ):
        raise BadInput
