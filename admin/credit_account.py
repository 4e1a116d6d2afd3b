"""What the page of one account shows: what can be spent, the balance day by day, active holds, the postings."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select

from admin.credit_parts import (
    day_starts,
    leads_to,
    members_of,
    name_of,
    other_sides,
    source_names,
)
from admin.guard import tenant_id, viewer
from app.core.db import db
from app.domain.credit_holds import HoldState
from app.models import CreditAccount, CreditHold, CreditPosting
from app.services import credits as ledger
from app.services.credits import figures
from app.services.shop_figures import days

PAGE: Final = 50
CHART_DAYS: Final = 90
MOST_HOLDS: Final = 50


def facts_of(account: CreditAccount, before: int | None) -> dict[str, Any]:
    """The page's values; `before` = the id of the last posting of the page before."""
    postings = ledger.history(tenant_id(), account.telegram_id, before, PAGE)
    waiting = _active_holds(account)
    return {
        "model": account,
        "member": members_of([account.telegram_id]).get(account.telegram_id),
        "spendable": account.balance - account.held - account.floor,
        "holds": waiting,
        "orders": {one.id: leads_to(one.source, one.reference) for one in waiting},
        "postings": postings,
        "others": _others(postings),
        "links": {one.id: leads_to(one.source, one.reference) for one in postings},
        "more": len(postings) == PAGE,
        "first": before is None,
        "sources": source_names({row.source for row in postings} | {row.source for row in waiting}),
        "chart_spec": _chart(account) if before is None else None,
    }


def _active_holds(account: CreditAccount) -> Sequence[CreditHold]:
    query = (
        select(CreditHold)
        .where(CreditHold.account_id == account.id, CreditHold.state == HoldState.ACTIVE)
        .order_by(CreditHold.expires_at)
        .limit(MOST_HOLDS)
    )
    return db.session.scalars(query).all()


def _others(postings: Sequence[CreditPosting]) -> dict[int, tuple[int, str]]:
    """(account, name) of the other member of each transfer, by the posting's id."""
    found = other_sides(postings)
    known = members_of(number for _, number in found.values())
    return {posting: (account, name_of(number, known)) for posting, (account, number) in found.items()}


def _chart(account: CreditAccount) -> dict[str, object] | None:
    """The balance at the end of each day; None where it never changed in them."""
    span = days.span(viewer().timezone, CHART_DAYS)
    values = figures.balances(account.id, day_starts(span.days, span.zone))
    known = [(day, value) for day, value in zip(span.days, values, strict=True) if value is not None]
    moved = next((place for place, (_, value) in enumerate(known) if value != known[0][1]), None)
    if moved is None and (not known or known[0][1] == 0):
        return None
    # A young account's line begins a day before its first posting, not with weeks of nothing.
    begun = max((moved or 0) - 1, 0) if known[0][1] == 0 else 0
    shown = known[begun:]
    return {
        "type": "line",
        "labels": [f"{day:%m-%d}" for day, _ in shown],
        "series": [{"name": "", "values": [value for _, value in shown]}],
    }
