"""Members, accounts and postings for tests of the pages about credits."""

import json
import re
from datetime import datetime
from html import unescape
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.models import CreditAccount, CreditPosting, Member
from app.services import credits as ledger


def member(home: Any, number: int, name: str) -> Member:
    """A member of a tenant."""
    row = Member(tenant_id=home.id, telegram_id=number, first_name=name)
    db.session.add(row)
    db.session.commit()
    return row


def account(home: Any, number: int, *amounts: int, source: str = "shop") -> int:
    """An account with these postings; its id."""
    for place, amount in enumerate(amounts):
        ledger.post(home.id, number, amount, source=source, reference=f"{number}-{place}", reason="a gift")
    db.session.commit()
    query = select(CreditAccount.id).where(
        CreditAccount.tenant_id == home.id, CreditAccount.telegram_id == number
    )
    return db.session.scalars(query).one()


def posted(
    home: Any, number: int, amount: int, at: datetime | None = None, source: str = "shop"
) -> CreditPosting:
    """A posting of a moment, as if it had been made then; the account's own balance is left alone."""
    owner = db.session.scalar(
        select(CreditAccount).where(CreditAccount.tenant_id == home.id, CreditAccount.telegram_id == number)
    ) or CreditAccount(tenant_id=home.id, telegram_id=number)
    db.session.add(owner)
    db.session.flush()
    row = CreditPosting(
        tenant_id=home.id,
        account_id=owner.id,
        amount=amount,
        balance=100 + amount,
        source=source,
        reference=uuid4().hex,
        reason="then",
        created_at=at or clock.now(),
    )
    db.session.add(row)
    db.session.commit()
    return row


def stats(page: str) -> dict[str, str]:
    """The figures at the top of a page, by their labels."""
    found = re.findall(
        r'class="stat-label">(?:<svg.*?</svg>)?(.*?)</span>\s*<span class="stat-value">(.*?)</span>',
        page,
        re.DOTALL,
    )
    return dict(found)


def chart(page: str) -> Any:
    """What a page's first chart draws."""
    drawn = re.search(r'data-chart="([^"]*)"', page)
    assert drawn
    return json.loads(unescape(drawn[1]))
