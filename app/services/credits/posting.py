"""Making postings: each once, whoever repeats it, and no account below its floor.

Whoever posts takes the rows in one order, so nobody waits in a circle: first accounts, by Telegram id, then
references. A transaction that posts for several members therefore posts them in one `post_many`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from app.core import jsonb
from app.core.arrays import numbers, texts
from app.core.db import db
from app.core.errors import AppError
from app.core.tenancy import connection_of
from app.domain.credits import (
    MAX_BALANCE,
    BalanceTooLarge,
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

# Past the session and SQLAlchemy's compiling, which cost more than the posting itself.
# The lock makes the balance that `account` reads the newest one, however old the statement's snapshot is. An update,
# though, is tried on the row of the snapshot first, and the row's CHECK with it: so everything that the CHECK looks at
# comes from `account`, or whoever waited for credits to come in would fail on those that were there before.
_POST: Final = f"""
WITH account AS (
    SELECT id, balance, held, floor FROM credit_account
    WHERE tenant_id = %(tenant_id)s AND telegram_id = %(telegram_id)s FOR NO KEY UPDATE
), posted AS (
    INSERT INTO credit_posting (tenant_id, account_id, amount, balance, source, reference, reason, details)
    SELECT %(tenant_id)s, id, %(amount)s::bigint, balance + %(amount)s::bigint,
        %(source)s, %(reference)s, %(reason)s, %(details)s::jsonb
    FROM account WHERE balance - held + %(amount)s::bigint >= floor
        AND (%(amount)s::bigint < 0 OR balance + %(amount)s::bigint <= {MAX_BALANCE})
    ON CONFLICT (tenant_id, source, reference) DO NOTHING
    RETURNING id, account_id, amount
), kept AS (
    UPDATE credit_account SET balance = account.balance + posted.amount, held = account.held, floor = account.floor
    FROM posted, account WHERE credit_account.id = posted.account_id
)
SELECT account.balance, account.held, posted.id FROM account LEFT JOIN posted ON true
"""  # noqa: S608 - a constant
_EARLIER: Final = """
SELECT posting.source, posting.reference, posting.id, telegram_id, amount, posting.balance, reason
FROM credit_posting posting JOIN credit_account account ON account.id = posting.account_id
WHERE posting.tenant_id = %(tenant_id)s AND (posting.source, posting.reference) IN
  (SELECT * FROM unnest(%(sources)s::text[], %(references)s::text[]))
"""
# Ids are given in the order that was asked for, since a history is read by them, before references are taken in theirs.
# Where a reference is taken meanwhile, no balance moves: the postings that rely on its credits may not be covered.
_POST_MANY: Final = """
WITH new AS MATERIALIZED (
    SELECT nextval('credit_posting_id_seq') AS id, asked.* FROM unnest(
        %(accounts)s::bigint[], %(amounts)s::bigint[], %(balances)s::bigint[],
        %(sources)s::text[], %(references)s::text[], %(reasons)s::text[], %(details)s::text[]
    ) AS asked (account_id, amount, balance, source, reference, reason, details)
), posted AS (
    INSERT INTO credit_posting (id, tenant_id, account_id, amount, balance, source, reference, reason, details)
    SELECT id, %(tenant_id)s, account_id, amount, balance, source, reference, reason, details::jsonb
    FROM new ORDER BY source, reference
    ON CONFLICT (tenant_id, source, reference) DO NOTHING
    RETURNING id, account_id, amount
), change AS (
    SELECT account_id, sum(amount)::bigint AS amount FROM posted GROUP BY account_id
), kept AS (
    UPDATE credit_account SET balance = credit_account.balance + change.amount
    FROM change WHERE credit_account.id = change.account_id AND %(wanted)s = (SELECT count(*) FROM posted)
)
SELECT array_agg(id ORDER BY id) FROM posted
"""


def post(
    tenant_id: int,
    telegram_id: int,
    amount: int,
    *,
    source: str,
    reference: str,
    reason: str,
    details: dict[str, object] | None = None,
    admit: Callable[[], None] | None = None,
) -> Posting:
    """Changes a balance by `amount`, once for `(source, reference)`; the account is made when there is none.

    The same posting again answers the first result, with `duplicate`. Raises InsufficientCredits, BalanceTooLarge,
    ReferenceConflict (another amount, member or reason under this reference) and BadInput. `admit` is called where there is no account
    yet, and may raise something of its own. One statement, unless it is a member's first, a duplicate or refused.
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
    connection = connection_of(db.session())
    row = connection.exec_driver_sql(_POST, values).first()
    if row is None and admit is not None:
        admit()
    if row is None and make(tenant_id, [telegram_id], amount):
        row = connection.exec_driver_sql(_POST, values).one()
    if row is not None and row.id is not None:
        return Posting(row.id, telegram_id, amount, row.balance + amount)
    earlier = find_earlier(tenant_id, [new.key]).get(new.key)
    if earlier is None and amount > 0:
        raise BalanceTooLarge
    if earlier is None:
        raise InsufficientCredits(balance=0 if row is None else row.balance - row.held)
    return earlier.answer(new)


def post_many(tenant_id: int, new: Sequence[NewPosting], *, atomic: bool = False) -> list[Posting | AppError]:
    """Makes many postings in this order; answers in the same order what `post` would return or raise for each.

    A refused one does not hinder the others, unless it is all or nothing (`atomic`): then nothing is written and those
    that could have been are NotPosted. A duplicate is not refused. The same reference twice in one call counts once.
    The number of statements does not depend on how many postings there are.
    """
    keys = [each.key for each in new]
    if len(set(keys)) == len(new):
        return _post_different(tenant_id, new, keys, atomic=atomic)
    firsts: dict[Key, NewPosting] = {}
    for key, each in zip(keys, new, strict=True):
        firsts.setdefault(key, each)
    differ = atomic and any(_differ(each, firsts[each.key]) for each in new)
    different = _post_different(tenant_id, list(firsts.values()), list(firsts), atomic=atomic, doomed=differ)
    results = dict(zip(firsts, different, strict=True))
    return [
        results[key] if each is firsts[key] else _again(each, firsts[key], results[key])
        for key, each in zip(keys, new, strict=True)
    ]


def _differ(each: NewPosting, first: NewPosting) -> bool:
    return (each.telegram_id, each.amount, each.reason) != (first.telegram_id, first.amount, first.reason)


def _again(each: NewPosting, first: NewPosting, result: Posting | AppError) -> Posting | AppError:
    if _differ(each, first):
        return ReferenceConflict()
    return result if isinstance(result, AppError) else replace(result, duplicate=True)


def _post_different(
    tenant_id: int, new: Sequence[NewPosting], keys: list[Key], *, atomic: bool, doomed: bool = False
) -> list[Posting | AppError]:
    accounts = lock(tenant_id, sorted({each.telegram_id for each in new}))
    # Most batches are new and covered, which the writing itself proves. Used references are looked for where it does
    # not: where one is in the way, and before somebody is refused who may just repeat himself.
    decisions = decide(new, accounts, {})
    if doomed or any(isinstance(one, AppError) for one in decisions):
        decisions = decide(new, accounts, find_earlier(tenant_id, keys))
    while True:
        if doomed or (atomic and any(isinstance(one, AppError) for one in decisions)):
            return [NotPosted() if isinstance(one, int) else one for one in decisions]
        ids = _write(tenant_id, accounts, new, decisions)
        if ids is not None:
            break
        # The posting that was in the way is committed: the look finds it.
        decisions = decide(new, accounts, find_earlier(tenant_id, keys))
    return [
        Posting(next(ids), each.telegram_id, each.amount, decision) if isinstance(decision, int) else decision
        for each, decision in zip(new, decisions, strict=True)
    ]


def find_earlier(tenant_id: int, keys: Sequence[Key]) -> dict[Key, Earlier]:
    """Those of the references that were used."""
    values = {
        "tenant_id": tenant_id,
        "sources": texts(source for source, _ in keys),
        "references": texts(reference for _, reference in keys),
    }
    rows = connection_of(db.session()).exec_driver_sql(_EARLIER, values)
    return {(source, reference): Earlier(*rest) for source, reference, *rest in rows}


def _write(
    tenant_id: int,
    accounts: dict[int, Account],
    new: Sequence[NewPosting],
    decisions: Sequence[int | Posting | AppError],
) -> Iterator[int] | None:
    """Writes the postings that have a balance; their ids in order. None = a reference is taken; nothing is written."""
    wanted = [(each, after) for each, after in zip(new, decisions, strict=True) if isinstance(after, int)]
    if not wanted:
        return iter(())
    postings = [each for each, _ in wanted]
    values = {
        "tenant_id": tenant_id,
        "accounts": numbers(accounts[each.telegram_id].id for each in postings),
        "amounts": numbers(each.amount for each in postings),
        "balances": numbers(after for _, after in wanted),
        "sources": texts(each.source for each in postings),
        "references": texts(each.reference for each in postings),
        "reasons": texts(each.reason for each in postings),
        "details": texts(_encoded(each) for each in postings),
        "wanted": len(wanted),
    }
    connection = connection_of(db.session())
    savepoint = connection.begin_nested()
    ids: list[int] = connection.exec_driver_sql(_POST_MANY, values).scalar() or []
    if len(ids) < len(wanted):
        savepoint.rollback()
        return None
    savepoint.commit()
    return iter(ids)


def _encoded(new: NewPosting) -> str:
    return jsonb.dump(dict(new.details)).decode() if new.details else "{}"
