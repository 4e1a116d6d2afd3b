"""Erasing somebody's account.

It goes with its postings, by the same flag that lets a tenant's go. Keeping them under another number would not do:
references and reasons come from outside and may say anything about him, and his own number stands in those of
lotteries, where it would keep him from joining again if he came back. What is left agrees: every balance is still the
sum of its postings, and the log tells what was lost. His holds go along, and what stands about him in lists for
partners: letters that they did not take, and lines of comparisons.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func, select

from app.core.db import db
from app.models import CreditAccount, CreditDriftLine, CreditHold, CreditLetter, CreditPosting


@dataclass(frozen=True, slots=True)
class Erased:
    """The balance that was lost, and how many postings made it."""

    balance: int = 0
    postings: int = 0


def erase(tenant_id: int, telegram_id: int) -> Erased:
    """Deletes a Telegram user's account and history. Needs `laoban.erasing`, without which the ledger only grows.

    A reference of his may be used once more afterwards, for whoever is credited then.
    """
    db.session.execute(
        delete(CreditDriftLine).where(
            CreditDriftLine.tenant_id == tenant_id, CreditDriftLine.telegram_id == telegram_id
        )
    )
    account = db.session.scalar(
        select(CreditAccount)
        .where(CreditAccount.tenant_id == tenant_id, CreditAccount.telegram_id == telegram_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if account is None:
        return Erased()
    own = CreditPosting.account_id == account.id
    postings = db.session.scalar(select(func.count()).select_from(CreditPosting).where(own)) or 0
    db.session.execute(
        delete(CreditLetter).where(CreditLetter.tenant_id == tenant_id, CreditLetter.account_id == account.id)
    )
    db.session.execute(delete(CreditHold).where(CreditHold.account_id == account.id))
    db.session.execute(delete(CreditPosting).where(own))
    db.session.delete(account)
    db.session.flush()
    return Erased(account.balance, postings)
