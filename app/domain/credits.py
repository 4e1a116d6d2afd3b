"""Rules of the credit ledger."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.core.errors import AppError, BadInput, Conflict
from app.core.i18n import N_

MAX_AMOUNT = 10**12
MAX_REASON = 200
REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,200}", re.ASCII)
SOURCE = re.compile(r"[A-Za-z0-9_.-]{1,32}", re.ASCII)
LOTTERY = "lottery"
ADMIN = "admin"
"""Sources of postings that we make ourselves."""
# PostgreSQL keeps no NUL, and UTF-8 has no lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Key = tuple[str, str]
"""Source and reference: what makes a posting the same one."""


class InsufficientCredits(Conflict):
    """The balance is smaller than what was to be taken. The reference stays free for a later try."""

    code = "insufficient_credits"
    message = N_("There are not enough credits: the balance is %(balance)s.")


class ReferenceConflict(Conflict):
    code = "reference_conflict"
    message = N_("This reference was already used for another posting.")


@dataclass(frozen=True, slots=True)
class Posting:
    """What a posting did. `duplicate` = the same posting had been made before, and this is its first result."""

    id: int
    telegram_id: int
    amount: int
    balance: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class NewPosting:
    """A change of a balance that somebody asks for. Raises BadInput when it can't be one."""

    telegram_id: int
    amount: int
    source: str
    reference: str
    reason: str
    details: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fits = (
            self.amount != 0
            and abs(self.amount) <= MAX_AMOUNT
            and SOURCE.fullmatch(self.source)
            and REFERENCE.fullmatch(self.reference)
            and 0 < len(self.reason) <= MAX_REASON
            and not _UNSTORABLE.search(self.reason)
        )
        if not fits:
            raise BadInput

    @property
    def key(self) -> Key:
        return self.source, self.reference


@dataclass(frozen=True, slots=True)
class Earlier:
    """A posting that the ledger has."""

    id: int
    telegram_id: int
    amount: int
    balance: int
    reason: str

    def answer(self, new: NewPosting) -> Posting:
        """The first result again. Raises ReferenceConflict when `new` is another posting under its reference."""
        if (new.telegram_id, new.amount, new.reason) != (self.telegram_id, self.amount, self.reason):
            raise ReferenceConflict
        return Posting(self.id, self.telegram_id, self.amount, self.balance, duplicate=True)


def decide(
    new: Iterable[NewPosting], balances: Mapping[int, int], known: Mapping[Key, Earlier]
) -> list[int | Posting | AppError]:
    """What becomes of each posting when they come in this order; no two of them have the same reference.

    A number is the balance after a posting that is to be written. `balances` are by Telegram id.
    """
    left = dict(balances)
    decisions: list[int | Posting | AppError] = []
    for each in new:
        after = left[each.telegram_id] + each.amount
        if each.key in known:
            decisions.append(_answer(known[each.key], each))
        elif after < 0:
            decisions.append(InsufficientCredits(balance=left[each.telegram_id]))
        else:
            left[each.telegram_id] = after
            decisions.append(after)
    return decisions


def _answer(earlier: Earlier, new: NewPosting) -> Posting | AppError:
    try:
        return earlier.answer(new)
    except ReferenceConflict as conflict:
        return conflict
