"""Rules of the credit ledger."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.core.errors import AppError, BadInput, Conflict, LimitReached, NotAllowed
from app.core.i18n import N_, translate

MAX_AMOUNT = 10**12
MAX_BALANCE = 2**53 - 1
"""The largest whole number that every program reads alike; no posting lifts a balance above it."""
MAX_REASON = 200
REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,200}", re.ASCII)
SOURCE = re.compile(r"[A-Za-z0-9_.-]{1,32}", re.ASCII)
LOTTERY = "lottery"
ORDER = "order"
ADMIN = "admin"
TRANSFER = "transfer"
MIGRATION = "migration"
OWN_SOURCES = frozenset({LOTTERY, ORDER, ADMIN, TRANSFER, MIGRATION})
"""Sources of postings that we make ourselves; no project may have their names."""
# PostgreSQL keeps no NUL, and UTF-8 has no lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Key = tuple[str, str]
"""Source and reference: what makes a posting the same one."""


class HowMany(AppError):
    """An error that says how many, with the thousands apart."""

    def text(self, locale: str) -> str:
        params = {
            name: f"{value:,}" if isinstance(value, int) else value for name, value in self.params.items()
        }
        return translate(locale, self.message, **params)


class InsufficientCredits(HowMany, Conflict):
    """Less than what was to be taken is there and not held. The reference stays free for a later try."""

    code = "insufficient_credits"
    message = N_("There are not enough credits: %(balance)s can be taken.")

    def __init__(self, message: str | None = None, **params: object) -> None:
        super().__init__(message, **params)
        self.adding(balance=params.get("balance", 0))


class BalanceTooLarge(Conflict):
    code = "balance_too_large"
    message = N_("No balance can be that large.")


class ReferenceConflict(Conflict):
    code = "reference_conflict"
    message = N_("This reference was already used for another posting.")


class NotPosted(Conflict):
    """A posting of an atomic batch that was refused because of another one."""

    code = "not_posted"
    message = N_("This was not posted, because another posting of the batch was refused.")


class TransfersOff(NotAllowed):
    code = "transfers_off"
    message = N_("Giving credits to others is turned off here.")


class TransferLimit(HowMany, LimitReached):
    code = "transfer_limit"
    message = N_("This is more than may be given away in a day: %(left)s are left for today.")


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account has. Without one, nothing."""

    balance: int = 0
    held: int = 0
    floor: int = 0
    """What `available` may not fall below; below zero where an overdraft is allowed."""

    @property
    def available(self) -> int:
        """What is not held."""
        return self.balance - self.held


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


class Account(Protocol):
    """What a decision needs to know of an account."""

    @property
    def balance(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def floor(self) -> int: ...


def decide(
    new: Iterable[NewPosting], accounts: Mapping[int, Account], known: Mapping[Key, Earlier]
) -> list[int | Posting | AppError]:
    """What becomes of each posting when they come in this order; no two of them have the same reference.

    A number is the balance after a posting that is to be written. `accounts` are by Telegram id.
    """
    balances = {telegram_id: account.balance for telegram_id, account in accounts.items()}
    lowest = {telegram_id: account.floor + account.held for telegram_id, account in accounts.items()}
    decisions: list[int | Posting | AppError] = []
    for each in new:
        member = each.telegram_id
        after = balances[member] + each.amount
        if known and each.key in known:
            decisions.append(_answer(known[each.key], each))
        elif after < lowest[member]:
            decisions.append(InsufficientCredits(balance=balances[member] - accounts[member].held))
        elif after > MAX_BALANCE and each.amount > 0:
            decisions.append(BalanceTooLarge())
        else:
            balances[member] = after
            decisions.append(after)
    return decisions


def _answer(earlier: Earlier, new: NewPosting) -> Posting | AppError:
    try:
        return earlier.answer(new)
    except ReferenceConflict as conflict:
        return conflict
