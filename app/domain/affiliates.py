"""Rules of promoters: who is bound to whom, what is earned, and the ledger of commissions."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DEFAULT_WINDOW_DAYS: Final = 30
MAX_WINDOW_DAYS: Final = 3650
MAX_TERMS: Final = 2000
MAX_NOTE: Final = 200
MAX_PAY_TO: Final = 300
"""Characters of where a promoter wants his money."""
PERCENT: Final = 10_000
"""Percentages are basis points: 1,000 = 10 %."""


class CommissionKind(StrEnum):
    """How a product's commission is reckoned."""

    NONE = "none"
    PERCENT = "percent"
    FIXED = "fixed"


class PromoterState(StrEnum):
    """A paused promoter binds nobody and earns nothing, but keeps what he has."""

    ACTIVE = "active"
    PAUSED = "paused"


class Referral(StrEnum):
    """What came of somebody who opened a promoter's link."""

    BOUND = "bound"
    SELF = "self"
    """His own link."""
    KNOWN = "known"
    """He had used one of the boss's bots before."""
    TAKEN = "taken"
    """Another promoter was first."""
    LOOP = "loop"
    """He is, directly or not, this promoter's own promoter."""
    PAUSED = "paused"


class EntryKind(StrEnum):
    """Why a promoter's balance changed."""

    EARNED = "earned"
    REVERSED = "reversed"
    WITHDRAWAL = "withdrawal"
    RETURNED = "returned"
    """A withdrawal was refused or cancelled."""
    ADJUSTED = "adjusted"


class WithdrawalState(StrEnum):
    """requested -> approved -> paid; requested or approved -> refused; requested -> cancelled by the promoter."""

    REQUESTED = "requested"
    APPROVED = "approved"
    PAID = "paid"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Commission:
    """What a product pays its promoters. Values are basis points of the price, or minor units when fixed."""

    kind: CommissionKind = CommissionKind.NONE
    first: int = 0
    second: int = 0

    def of(self, price_minor: int, level: int) -> int:
        """Minor units for the promoter of this level (1 or 2), rounded down; both levels never exceed the price."""
        rate = self.first if level == 1 else self.second
        if self.kind is CommissionKind.NONE:
            return 0
        if self.kind is CommissionKind.PERCENT:
            return price_minor * rate // PERCENT
        taken = min(self.first, price_minor)
        return taken if level == 1 else min(self.second, price_minor - taken)


def read_commission(kept: object) -> Commission:
    """A commission as `{"kind", "first", "second"}`, the form in which products and orders keep it; none without one."""
    if not isinstance(kept, dict) or not kept:
        return Commission()
    first, second = kept.get("first", 0), kept.get("second", 0)
    return Commission(CommissionKind(kept.get("kind", "none")), int(first), int(second))
