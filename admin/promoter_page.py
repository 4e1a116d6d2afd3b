"""The parts of one promoter's page: his people, his entries, what he earned day by day."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext

from admin.amounts import money, sums
from admin.guard import tenant_id, viewer
from admin.promoter_parts import ENTRIES, OUTCOMES, STATES, WITHDRAWALS, decimal, members_of, name_of
from app.core import clock
from app.domain.affiliates import PromoterState
from app.models import Promoter
from app.services.affiliates import figures, promoters, withdrawals
from app.services.affiliates.figures import Figures

SHOWN = 20
CHART_DAYS = 30


def people(promoter: Promoter) -> dict[str, Any]:
    """Who came by his link, who stands above and below him."""
    before = request.args.get("people", type=int)
    came = figures.visitors(promoter.id, before, SHOWN + 1)
    parent = promoters.get(promoter.parent_id) if promoter.parent_id is not None else None
    below = figures.brought(promoter.id)
    known = members_of(
        [one.telegram_id for one in came]
        + [one.telegram_id for one in (*below, *([parent] if parent else []))]
    )
    return {
        "came": came[:SHOWN],
        "came_more": came[SHOWN - 1].id if len(came) > SHOWN else None,
        "parent": parent,
        "below": below,
        "known": known,
        "name_of": name_of,
        "outcomes": OUTCOMES,
        "states": STATES,
        "active": PromoterState.ACTIVE,
    }


def entries(promoter: Promoter) -> dict[str, Any]:
    """His ledger, and his latest withdrawals."""
    before = request.args.get("entries", type=int)
    lines = figures.lines(promoter.id, before, SHOWN + 1)
    return {
        "lines": lines[:SHOWN],
        "lines_more": lines[SHOWN - 1].id if len(lines) > SHOWN else None,
        "kinds": ENTRIES,
        "wishes": withdrawals.list_of(promoter.id),
        "wish_states": WITHDRAWALS,
        "money": money,
        "sums": sums,
    }


def chart(promoter: Promoter, found: Figures) -> dict[str, Any]:
    """What he earned on each of the last days, in the currency that is looked at."""
    currencies = figures.busy_currencies(tenant_id(), promoter.id)
    asked = request.args.get("currency", "")
    currency = asked if asked in currencies else (currencies[0] if currencies else "")
    if not currency or not found.total:
        return {"chart_spec": None, "currencies": [], "currency": ""}
    zone = viewer().timezone
    today = clock.now().astimezone(ZoneInfo(zone)).date()
    days = (today - timedelta(days=CHART_DAYS - 1), today)
    points = figures.by_day(tenant_id(), promoter.id, currency, days, zone)
    values = [float(decimal(amount, currency)) for _, amount in points]
    series = [{"name": gettext("Commissions in %(currency)s", currency=currency), "values": values}]
    spec = {"type": "bar", "labels": [f"{day:%m-%d}" for day, _ in points], "series": series}
    return {"chart_spec": spec, "currencies": currencies, "currency": currency}
