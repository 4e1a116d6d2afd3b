"""What partner projects ask of the ledger: under their own source, and about users whom the boss knows."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import select

from app.core.db import db
from app.core.errors import AppError
from app.domain.credit_clients import UnknownUser, WrongSource
from app.domain.credits import NewPosting, NotPosted, Posting, Standing
from app.models import CreditAccount, CreditDrift, CreditDriftLine, CreditHold, CreditPartner, CreditPosting
from app.services import credits as ledger
from app.services.credit_clients.checking import Caller
from app.services.credit_sync import drift
from app.services.credits import feed, holds, reading, settings
from app.services.credits.feed import Change

Result = Posting | AppError


@dataclass(frozen=True, slots=True)
class Held:
    """A hold, whose it is and how his credits stand after it."""

    hold: CreditHold
    telegram_id: int
    standing: Standing


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes, and where to go on."""

    changes: list[Change]
    cursor: int
    more: bool


def own_source(caller: Caller, named: str | None) -> str:
    """The caller's source. Raises WrongSource when he named another."""
    if named is not None and named != caller.source:
        raise WrongSource(source=caller.source)
    return caller.source


def post(caller: Caller, new: NewPosting) -> Posting:
    """One posting. Raises UnknownUser and what `credits.post` raises."""
    return ledger.post(
        caller.tenant_id,
        new.telegram_id,
        new.amount,
        source=new.source,
        reference=new.reference,
        reason=new.reason,
        details=dict(new.details),
        # Whoever has an account is known: asking first would cost each call a statement more.
        admit=partial(_admit, caller.tenant_id, new.telegram_id),
    )


def post_many(caller: Caller, asked: Sequence[NewPosting | AppError], *, atomic: bool) -> list[Result]:
    """A batch, of which some items may be refused already; a result for each.

    Atomic: when one is refused nothing is written, and those that could have been posted are NotPosted.
    """
    results: dict[int, Result] = {
        place: each for place, each in enumerate(asked) if isinstance(each, AppError)
    }
    new = {place: each for place, each in enumerate(asked) if isinstance(each, NewPosting)}
    strangers = _strangers(caller.tenant_id, {each.telegram_id for each in new.values()})
    results |= {place: UnknownUser() for place, each in new.items() if each.telegram_id in strangers}
    rest = {place: each for place, each in new.items() if each.telegram_id not in strangers}
    write = _pretend if atomic and results else ledger.post_many
    results |= dict(zip(rest, write(caller.tenant_id, list(rest.values()), atomic=atomic), strict=True))
    return [results[place] for place in range(len(asked))]


def _pretend(tenant_id: int, new: Sequence[NewPosting], *, atomic: bool) -> list[Result]:
    """What would become of postings that must not be made, because others of their batch can't be."""
    trial = db.session.begin_nested()
    found = ledger.post_many(tenant_id, new, atomic=not atomic)
    trial.rollback()
    return [NotPosted() if isinstance(each, Posting) and not each.duplicate else each for each in found]


def standing(caller: Caller, telegram_id: int) -> Standing:
    """A user's credits. Raises UnknownUser."""
    _admit(caller.tenant_id, telegram_id)
    return reading.standing(caller.tenant_id, telegram_id)


def standings(caller: Caller, telegram_ids: Iterable[int]) -> list[tuple[int, Standing, bool]]:
    """Several users' credits in the order asked, and whether they are known."""
    wanted = list(telegram_ids)
    found = reading.standings(caller.tenant_id, wanted)
    known = reading.known(caller.tenant_id, wanted)
    return [(each, found.get(each) or Standing(0, 0, 0), each in known) for each in wanted]


def history(
    caller: Caller, telegram_id: int, before: int | None, limit: int
) -> tuple[list[CreditPosting], int | None]:
    """A page of a user's postings, and the cursor of the next one. Raises UnknownUser."""
    _admit(caller.tenant_id, telegram_id)
    rows = list(ledger.history(caller.tenant_id, telegram_id, before, limit + 1))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def changes(
    caller: Caller,
    settled: int,
    after: int,
    limit: int,
    *,
    source: str | None = None,
    except_source: str | None = None,
) -> Page:
    """Changes after a cursor; `settled` = what `feed.advance` answered before, in a transaction of its own."""
    sources = (source,) if source else ()
    found = feed.changes(caller.tenant_id, after, limit + 1, sources=sources, except_source=except_source)
    more, shown = len(found) > limit, list(found[:limit])
    last = shown[-1].id if shown else after
    return Page(shown, last if more else max(last, settled), more)


def reserve(
    caller: Caller, telegram_id: int, amount: int, *, reference: str, reason: str, lasts: timedelta
) -> Held:
    """Puts credits aside. Raises UnknownUser and what `holds.reserve` raises."""
    _admit(caller.tenant_id, telegram_id)
    hold = holds.reserve(
        caller.tenant_id,
        telegram_id,
        amount,
        source=caller.source,
        reference=reference,
        reason=reason,
        lasts=lasts,
    )
    return _held(caller, hold)


def show_hold(caller: Caller, hold_id: int) -> Held:
    """One of the caller's holds. Raises UnknownHold."""
    return _held(caller, holds.get(caller.tenant_id, hold_id, caller.source))


def capture(caller: Caller, hold_id: int, amount: int | None) -> Held:
    """Takes what was put aside, or a part of it. Raises UnknownHold, HoldClosed and BadInput."""
    hold, _posting = holds.capture(caller.tenant_id, hold_id, amount, source=caller.source)
    return _held(caller, hold)


def void(caller: Caller, hold_id: int) -> Held:
    """Lets go what was put aside. Raises UnknownHold and HoldClosed."""
    return _held(caller, holds.void(caller.tenant_id, hold_id, source=caller.source))


def compare(
    caller: Caller, name: str | None, balances: Sequence[tuple[int, int]]
) -> tuple[CreditDrift, list[CreditDriftLine]]:
    """How the caller's balances compare with ours, and the first 100 that differ; the boss finds it too.

    What he has not been sent yet explains differences, where exactly one partner is the caller: its feed leaves out his
    source. Raises BadInput.
    """
    partners = db.session.scalars(
        select(CreditPartner.id).where(
            CreditPartner.tenant_id == caller.tenant_id, CreditPartner.except_source == caller.source
        )
    ).all()
    partner_id = partners[0] if len(partners) == 1 else None
    found = drift.compare(
        caller.tenant_id, name or caller.source, balances, by=caller.source, partner_id=partner_id
    )
    drift.keep_latest(caller.tenant_id, caller.source)
    return found, [*drift.lines(found.id).lines, *drift.lines(found.id, 1).lines]


def _held(caller: Caller, hold: CreditHold) -> Held:
    account = db.session.scalars(
        select(CreditAccount)
        .where(CreditAccount.tenant_id == caller.tenant_id, CreditAccount.id == hold.account_id)
        .execution_options(populate_existing=True)
    ).one()
    return Held(hold, account.telegram_id, Standing(account.balance, account.held, account.floor))


def _admit(tenant_id: int, telegram_id: int) -> None:
    if _strangers(tenant_id, {telegram_id}):
        raise UnknownUser


def _strangers(tenant_id: int, telegram_ids: Collection[int]) -> set[int]:
    """Those whom nobody knows here, unless the boss lets anybody have an account."""
    unknown = set(telegram_ids) - reading.known(tenant_id, telegram_ids)
    return set() if unknown and settings.get(tenant_id).auto_create else unknown
