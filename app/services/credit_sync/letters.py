"""Changes that a partner did not take, and those of the same account behind them.

Nothing of an account may overtake a letter of it, so whatever concerns one letter concerns all later ones of its account.
Who changes letters locks the partner's row first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, text, update

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.i18n import N_
from app.domain.credit_sync import OPEN_LETTERS, LetterState, PartnerState
from app.models import CreditAccount, CreditLetter, CreditPartner, CreditPosting
from app.services import audit
from app.services.credit_sync import partners

PAGE: Final = 50

_WRITE = text("""
INSERT INTO credit_letter (tenant_id, partner_id, posting_id, account_id, reason)
SELECT posting.tenant_id, :partner_id, posting.id, posting.account_id, refused.reason
FROM unnest(CAST(:ids AS bigint[]), CAST(:reasons AS text[])) AS refused (posting_id, reason)
JOIN credit_posting posting ON posting.tenant_id = :tenant_id AND posting.id = refused.posting_id
ON CONFLICT (partner_id, posting_id) DO NOTHING
""")
_REFUSE = text("""
UPDATE credit_letter letter SET state = 'dead', reason = refused.reason, attempts = letter.attempts + 1
FROM unnest(CAST(:ids AS bigint[]), CAST(:reasons AS text[])) AS refused (posting_id, reason)
WHERE letter.partner_id = :partner_id AND letter.posting_id = refused.posting_id AND letter.state = 'replaying'
""")
# Those that were refused before are dead again; the others were only behind them.
_HALT = text("""
UPDATE credit_letter letter SET state = CASE WHEN letter.attempts > 0 OR NOT EXISTS (
    SELECT FROM credit_letter first WHERE first.partner_id = letter.partner_id AND first.account_id = letter.account_id
      AND first.posting_id < letter.posting_id AND first.state IN ('dead', 'replaying')) THEN 'dead' ELSE 'behind' END
WHERE letter.partner_id = :partner_id AND letter.state = 'replaying' AND (:all OR EXISTS (
    SELECT FROM credit_letter dead WHERE dead.partner_id = letter.partner_id AND dead.account_id = letter.account_id
      AND dead.state = 'dead'))
""")
_RELEASE = text("""
UPDATE credit_letter letter SET state = 'replaying'
WHERE letter.partner_id = :partner_id AND letter.account_id = :account_id AND letter.state = 'behind'
  AND NOT EXISTS (
    SELECT FROM credit_letter dead WHERE dead.partner_id = letter.partner_id AND dead.account_id = letter.account_id
      AND dead.state = 'dead')
""")


class LetterClosed(Conflict):
    code = "letter_closed"
    message = N_("This change is on its way or settled already.")


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter and the posting that it is about."""

    id: int
    state: LetterState
    reason: str
    attempts: int
    created_at: datetime
    posting_id: int
    telegram_id: int
    amount: int
    source: str
    reference: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some letters of a longer list; pages count from 0. `more` = another page follows."""

    letters: list[Letter]
    number: int
    more: bool
    total: int


def list_open(partner_id: int, page: int = 0) -> Page:
    """What waits for the boss or is on its way again, in the order of the ledger."""
    wanted = CreditLetter.partner_id == partner_id, CreditLetter.state.in_(OPEN_LETTERS)
    total = db.session.scalar(select(func.count()).select_from(CreditLetter).where(*wanted)) or 0
    query = (
        select(
            CreditLetter.id,
            CreditLetter.state,
            CreditLetter.reason,
            CreditLetter.attempts,
            CreditLetter.created_at,
            CreditLetter.posting_id,
            CreditAccount.telegram_id,
            CreditPosting.amount,
            CreditPosting.source,
            CreditPosting.reference,
            CreditPosting.created_at,
        )
        .join(CreditPosting, CreditPosting.id == CreditLetter.posting_id)
        .join(CreditAccount, CreditAccount.id == CreditLetter.account_id)
        .where(*wanted)
        .order_by(CreditLetter.posting_id)
        .offset(page * PAGE)
        .limit(PAGE)
    )
    found = [Letter(*row) for row in db.session.execute(query)]
    return Page(found, page, (page + 1) * PAGE < total, total)


def replay(partner_id: int, letter_ids: Collection[int] | None = None) -> int:
    """Has these letters, and all others of their accounts, sent again in order; None = all. Says how many.

    Raises NotFound.
    """
    partner = partners.get(partner_id, lock=True)
    waiting = (CreditLetter.partner_id == partner_id) & CreditLetter.state.in_(
        [LetterState.DEAD, LetterState.BEHIND]
    )
    changed = update(CreditLetter).where(waiting)
    if letter_ids is not None:
        accounts = select(CreditLetter.account_id).where(waiting, CreditLetter.id.in_(letter_ids))
        changed = changed.where(CreditLetter.account_id.in_(accounts))
    rows = db.session.execute(
        changed.values(state=LetterState.REPLAYING)
        .returning(CreditLetter.id)
        .execution_options(synchronize_session=False)
    ).all()
    if rows:
        _try_now(partner)
        _record(partner, "replayed", {"letters": len(rows)})
    return len(rows)


def dismiss(letter_id: int) -> None:
    """The partner shall never have this change; what was only behind it is sent. Raises NotFound, LetterClosed."""
    letter = db.session.get(CreditLetter, letter_id)
    if letter is None:
        raise NotFound
    partner = partners.get(letter.partner_id, lock=True)
    dismissed = db.session.execute(
        update(CreditLetter)
        .where(CreditLetter.id == letter_id, CreditLetter.state.in_([LetterState.DEAD, LetterState.BEHIND]))
        .values(state=LetterState.DISMISSED, closed_at=clock.now())
        .returning(CreditLetter.id)
        .execution_options(synchronize_session=False)
    ).first()
    if dismissed is None:
        raise LetterClosed
    db.session.execute(_RELEASE, {"partner_id": partner.id, "account_id": letter.account_id})
    db.session.expire(letter)
    _record(partner, "dismissed", {"posting": letter.posting_id})


def write_dead(partner: CreditPartner, refused: Mapping[int, str]) -> None:
    """Postings, by id, that the partner refused with these words."""
    if refused:
        values = {"tenant_id": partner.tenant_id, "partner_id": partner.id}
        db.session.execute(_WRITE, values | _pairs(refused))


def close_replayed(partner_id: int, posting_ids: Sequence[int]) -> None:
    """The partner has taken them at last."""
    db.session.execute(
        update(CreditLetter)
        .where(
            CreditLetter.partner_id == partner_id,
            CreditLetter.posting_id.in_(posting_ids),
            CreditLetter.state == LetterState.REPLAYING,
        )
        .values(state=LetterState.DONE, closed_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def refuse_replayed(partner_id: int, refused: Mapping[int, str]) -> None:
    """The partner refused them once more; what is behind them waits again."""
    if refused:
        db.session.execute(_REFUSE, {"partner_id": partner_id} | _pairs(refused))
        db.session.execute(_HALT, {"partner_id": partner_id, "all": False})


def give_up_replaying(partner_id: int) -> None:
    """None of the letters that are on their way is sent."""
    db.session.execute(_HALT, {"partner_id": partner_id, "all": True})


def _pairs(refused: Mapping[int, str]) -> dict[str, object]:
    return {"ids": list(refused), "reasons": list(refused.values())}


def _record(partner: CreditPartner, verb: str, changes: dict[str, object]) -> None:
    target = ("credit_partner", partner.id, partner.name)
    audit.record(partner.tenant_id, f"credit_letter.{verb}", target, changes)


def _try_now(partner: CreditPartner) -> None:
    partner.letters_in_row = 0
    if partner.state is PartnerState.ACTIVE:
        partner.next_at = clock.now()
