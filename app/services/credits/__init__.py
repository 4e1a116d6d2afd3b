"""The credit ledger: postings are only added, and a balance is always the sum of its postings."""

from app.domain.credits import InsufficientCredits, NewPosting, Posting, ReferenceConflict
from app.services.credits.posting import post, post_many
from app.services.credits.reading import Checked, Mismatch, balance, check, history

__all__ = [
    "Checked",
    "InsufficientCredits",
    "Mismatch",
    "NewPosting",
    "Posting",
    "ReferenceConflict",
    "balance",
    "check",
    "history",
    "post",
    "post_many",
]
