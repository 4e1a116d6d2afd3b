"""Making postings: each once, whoever repeats it, and no account below its floor.

Whoever posts takes the rows in one order, so nobody waits in a circle: first accounts, by Telegram id, then
references. A transaction that posts for several members therefore posts them in one `post_many`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import text

from app.core import jsonb
from app.core.db import db
from app.core.errors import AppError
from app.domain.credits import (
    Earlier,
    InsufficientCredits,
    Key,
    NewPosting,
    NotPosted,
    Posting,
    ReferenceConflict,
    decide,
)
from app.services.credits.accounts import Account, lock, make

# The lock makes the balance that `account` reads the newest one, however old the statement's snapshot is.
_POST = text("""
WITH account AS (
    SELECT id, balance, held, floor FROM credit_account
    WHERE tenant_id = :tenant_id AND telegram_id = :telegram_id FOR NO KEY UPDATE
), posted AS (
    INSERT INTO credit_posting (tenant_id, account_id, amount, balance, source, reference, reason, details)
    SELECT :tenant_id, id, CAST(:amount AS bigint), balance + CAST(:amount AS bigint),
        :source, :reference, :reason, CAST(:details AS jsonb)
    FROM account WHERE balance - held + CAST(:amount AS bigint) >= floor
    ON CONFLICT (tenant_id, source, reference) DO NOTHING
    RETURNING id, account_id, amount
), kept AS (
    UPDATE credit_account SET balance = credit_account.balance + posted.amount
    FROM posted WHERE credit_account.id = posted.account_id
)
SELECT account.balance, account.held, posted.id FROM account LEFT JOIN posted ON true
""")
_EARLIER = text("""
SELECT posting.source, posting.reference, posting.id, telegram_id, amount, posting.balance, reason
FROM credit_posting posting JOIN credit_account account ON account.id = posting.account_id
WHERE posting.tenant_id = :tenant_id AND (posting.source, posting.reference) IN
  (SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:references AS text[])))
""")
# Ids are given in the order that was asked for, since a history is read by them, before references are taken in theirs.
# Where a reference is taken meanwhile, no balance moves: the postings that rely on its credits may not be covered.
_POST_MANY = text("""
WITH new AS MATERIALIZED (
    SELECT nextval('credit_posting_id_seq') AS id, asked.* FROM unnest(
        CAST(:accounts AS bigint[]), CAST(:amounts AS bigint[]), CAST(:balances AS bigint[]),
        CAST(:sources AS text[]), CAST(:references AS text[]), CAST(:reasons AS text[]), CAST(:details AS text[])
    ) AS asked (account_id, amount, balance, source, reference, reason, details)
), posted AS (
    INSERT INTO credit_posting (id, tenant_id, account_id, amount, balance, source, reference, reason, details)
    SELECT id, :tenant_id, account_id, amount, balance, source, reference, reason, CAST(details AS jsonb)
    FROM new ORDER BY source, reference
    ON CONFLICT (tenant_id, source, reference) DO NOTHING
    RETURNING id, account_id, amount, source, reference
), change AS (
    SELECT account_id, CAST(sum(amount) AS bigint) AS amount FROM posted GROUP BY account_id
), kept AS (
    UPDATE credit_account SET balance = credit_account.balance + change.amount
    FROM change WHERE credit_account.id = change.account_id AND :wanted = (SELECT count(*) FROM posted)
)
SELECT source, reference, id FROM posted
""")


class _ReferenceTaken(Exception):
    """Somebody has used one of the references for another account in this moment."""


def post(
    tenant_id: int,
    telegram_id: int,
    amount: int,
    *,
    source: str,
    reference: str,
    reason: str,
    details: dict[str, object] | None = None,
) -> Posting:
    """Changes a balance by `amount`, once for `(source, reference)`; the account is made when there is none.

    The same posting again answers the first result, with `duplicate`. Raises InsufficientCredits, ReferenceConflict
    (another amount, member or reason under this reference) and BadInput. One statement, unless it is a member's
    first, a duplicate or refused.
    """
    new = NewPosting(telegram_id, amount, source, reference, reason, details or {})
    values = {
        "tenant_id": tenant_id,
        "telegram_id": telegram_id,
        "amount": amount,
        "source": source,
        "reference": reference,
        "reason": reason,
        "details": _encoded(new),
    }
    row = db.session.execute(_POST, values).first()
    if row is None and make(tenant_id, [telegram_id], amount):
        row = db.session.execute(_POST, values).one()
    if row is not None and row.id is not None:
        return Posting(row.id, telegram_id, amount, row.balance + amount)
    earlier = find_earlier(tenant_id, [new.key]).get(new.key)
    if earlier is None:
        raise InsufficientCredits(balance=0 if row is None else row.balance - row.held)
    return earlier.answer(new)


def post_many(tenant_id: int, new: Sequence[NewPosting], *, atomic: bool = False) -> list[Posting | AppError]:
    """Makes many postings in this order; answers in the same order what `post` would return or raise for each.

    A refused one does not hinder the others, unless it is all or nothing (`atomic`): then nothing is written and those
    that could have been are NotPosted. A duplicate is not refused. The same reference twice in one call counts once.
    The number of statements does not depend on how many postings there are.
    """
    firsts: dict[Key, int] = {}
    for place, each in enumerate(new):
        firsts.setdefault(each.key, place)
    doomed = atomic and any(_differ(each, new[firsts[each.key]]) for each in new)
    different = [new[place] for place in firsts.values()]
    results = dict(
        zip(firsts, _post_different(tenant_id, different, atomic=atomic, doomed=doomed), strict=True)
    )
    return [
        results[each.key]
        if firsts[each.key] == place
        else _again(each, new[firsts[each.key]], results[each.key])
        for place, each in enumerate(new)
    ]


def _differ(each: NewPosting, first: NewPosting) -> bool:
    return (each.telegram_id, each.amount, each.reason) != (first.telegram_id, first.amount, first.reason)


def _again(each: NewPosting, first: NewPosting, result: Posting | AppError) -> Posting | AppError:
    if _differ(each, first):
        return ReferenceConflict()
    return result if isinstance(result, AppError) else replace(result, duplicate=True)


def _post_different(
    tenant_id: int, new: list[NewPosting], *, atomic: bool, doomed: bool
) -> list[Posting | AppError]:
    accounts = lock(tenant_id, sorted({each.telegram_id for each in new}))
    while True:
        decisions = decide(new, accounts, find_earlier(tenant_id, [each.key for each in new]))
        if doomed or (atomic and any(isinstance(one, AppError) for one in decisions)):
            return [NotPosted() if isinstance(one, int) else one for one in decisions]
        wanted = [(each, after) for each, after in zip(new, decisions, strict=True) if isinstance(after, int)]
        try:
            ids = _write(tenant_id, accounts, wanted)
        except _ReferenceTaken:
            # Its posting is committed now: the next look finds it.
            continue
        return [
            Posting(ids[each.key], each.telegram_id, each.amount, decision)
            if isinstance(decision, int)
            else decision
            for each, decision in zip(new, decisions, strict=True)
        ]


def find_earlier(tenant_id: int, keys: Iterable[Key]) -> dict[Key, Earlier]:
    """Those of the references that were used."""
    keys = list(keys)
    values = {
        "tenant_id": tenant_id,
        "sources": [source for source, _ in keys],
        "references": [reference for _, reference in keys],
    }
    rows = db.session.execute(_EARLIER, values)
    return {(source, reference): Earlier(*rest) for source, reference, *rest in rows}


def _write(
    tenant_id: int, accounts: dict[int, Account], wanted: Sequence[tuple[NewPosting, int]]
) -> dict[Key, int]:
    """Writes postings with the balances after them; their ids. Raises _ReferenceTaken and has then written nothing."""
    if not wanted:
        return {}
    values = {
        "tenant_id": tenant_id,
        "accounts": [accounts[new.telegram_id].id for new, _ in wanted],
        "amounts": [new.amount for new, _ in wanted],
        "balances": [after for _, after in wanted],
        "sources": [new.source for new, _ in wanted],
        "references": [new.reference for new, _ in wanted],
        "reasons": [new.reason for new, _ in wanted],
        "details": [_encoded(new) for new, _ in wanted],
        "wanted": len(wanted),
    }
    with db.session.begin_nested():
        rows = db.session.execute(_POST_MANY, values).all()
        if len(rows) < len(wanted):
            raise _ReferenceTaken
    return {(row.source, row.reference): row.id for row in rows}


def _encoded(new: NewPosting) -> str:
    return jsonb.dump(dict(new.details)).decode()
