"""The credit ledger: postings are only added, and a balance is always the sum of its postings."""

from app.domain.credits import (
    InsufficientCredits,
    NewPosting,
    NotPosted,
    Posting,
    ReferenceConflict,
    Standing,
    TransferLimit,
    TransfersOff,
)
from app.services.credits.posting import post, post_many
from app.services.credits.reading import (
    Checked,
    Mismatch,
    balance,
    check,
    history,
    known,
    standing,
    standings,
)

__all__ = [
    "Checked",
    "InsufficientCredits",
    "Mismatch",
    "NewPosting",
    "NotPosted",
    "Posting",
    "ReferenceConflict",
    "Standing",
    "TransferLimit",
    "TransfersOff",
    "balance",
    "check",
    "history",
    "known",
    "post",
    "post_many",
    "standing",
    "standings",
]
