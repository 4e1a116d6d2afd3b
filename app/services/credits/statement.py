"""A member's postings as he reads them himself, page by page, with the other side of transfers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import exists, select

from app.core.db import db
from app.domain.credit_transfers import other_side, references
from app.domain.credits import TRANSFER
from app.domain.members import visible_name
from app.models import CreditAccount, CreditPosting, Member
from app.services.credits.reading import postings_of

OPEN: Final = "points"
"""The bot's button that opens a member's page of credits."""
PAGE: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A posting; `other` is who gave or got it where it was a transfer, empty for whoever is gone or shows no name."""

    id: int
    at: datetime
    amount: int
    balance: int
    source: str
    reference: str
    reason: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class OtherSide:
    """The account on the other side of a transfer. `name` is that of the member of now, empty where there is none."""

    account_id: int
    telegram_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Page:
    """Postings, latest first, and whether there are others on both sides."""

    lines: list[Line]
    newer: bool = False
    older: bool = False


def page(tenant_id: int, telegram_id: int, *, before: int | None = None, after: int | None = None) -> Page:
    """The latest postings, or those next to an id on either side."""
    mine = postings_of(tenant_id, telegram_id)
    if after is not None:
        rows = list(
            db.session.scalars(
                mine.where(CreditPosting.id > after).order_by(CreditPosting.id).limit(PAGE + 1)
            )
        )
        if len(rows) > PAGE:
            return Page(_lines(tenant_id, rows[PAGE - 1 :: -1]), newer=True, older=True)
        before = None
    if before is not None:
        mine = mine.where(CreditPosting.id < before)
    rows = list(db.session.scalars(mine.order_by(CreditPosting.id.desc()).limit(PAGE + 1)))
    if before is not None and not rows:
        return page(tenant_id, telegram_id)
    return Page(_lines(tenant_id, rows[:PAGE]), newer=before is not None, older=len(rows) > PAGE)


def find_sent(tenant_id: int, telegram_id: int, key: str) -> Line | None:
    """What a member gave away by `transfers.transfer(…, key=key)`; None where he did not."""
    sent = CreditPosting.source == TRANSFER, CreditPosting.reference == references(key)[0]
    found = db.session.scalars(postings_of(tenant_id, telegram_id).where(*sent)).all()
    return next(iter(_lines(tenant_id, found)), None)


def is_used(tenant_id: int) -> bool:
    """Whether anybody of the tenant has an account."""
    return bool(db.session.scalar(select(exists().where(CreditAccount.tenant_id == tenant_id))))


def _lines(tenant_id: int, postings: Iterable[CreditPosting]) -> list[Line]:
    postings = list(postings)
    others = other_sides(tenant_id, [one.reference for one in postings if one.source == TRANSFER])
    return [
        Line(
            one.id,
            one.created_at,
            one.amount,
            one.balance,
            one.source,
            one.reference,
            one.reason,
            others[one.reference].name if one.source == TRANSFER and one.reference in others else "",
        )
        for one in postings
    ]


def other_sides(tenant_id: int, transfers: Iterable[str]) -> dict[str, OtherSide]:
    """Who gave or got what these references of transfers stand for, by the reference."""
    wanted = {other_side(reference): reference for reference in transfers}
    if not wanted:
        return {}
    rows = db.session.execute(
        select(
            CreditPosting.reference,
            CreditAccount.id,
            CreditAccount.telegram_id,
            Member.first_name,
            Member.last_name,
        )
        .join(CreditAccount, CreditAccount.id == CreditPosting.account_id)
        .outerjoin(
            Member,
            (Member.tenant_id == CreditAccount.tenant_id) & (Member.telegram_id == CreditAccount.telegram_id),
        )
        .where(
            CreditPosting.tenant_id == tenant_id,
            CreditPosting.source == TRANSFER,
            CreditPosting.reference.in_(wanted),
        )
    )
    return {
        wanted[reference]: OtherSide(account_id, telegram_id, visible_name(first or "", last or ""))
        for reference, account_id, telegram_id, first, last in rows
    }
