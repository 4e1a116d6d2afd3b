"""Rules of the credit ledger."""

import re
from dataclasses import dataclass

MAX_AMOUNT = 10**12
MAX_REASON = 200
REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,200}", re.ASCII)
SOURCE = re.compile(r"[A-Za-z0-9_.-]{1,32}", re.ASCII)
LOTTERY = "lottery"
"""Internal sources; a partner's key can't post as one of them."""
INTERNAL_SOURCES = frozenset({LOTTERY, "order", "admin", "migration"})


@dataclass(frozen=True, slots=True)
class Posting:
    """What a posting did. `duplicate` = the same posting had been made before, and this is its first result."""

    id: int
    telegram_id: int
    amount: int
    balance: int
    duplicate: bool = False
