"""Words and figures of the broadcasts' pages."""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import ceil
from typing import IO, Any

from flask import request
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from admin.acts import row_id
from admin.formatters import localtime
from admin.forms import viewer_zone
from admin.guard import tenant_id
from app.core import csv_files
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import translate
from app.domain.broadcasts import (
    Audience,
    AudienceKind,
    BroadcastState,
    Progress,
    RecipientState,
    halt_words,
)
from app.models import Broadcast, Lottery, Product
from app.services import broadcasts

STATES: dict[BroadcastState, tuple[str, Any]] = {
    BroadcastState.DRAFT: ("idle", _l("Draft")),
    BroadcastState.SCHEDULED: ("info", _l("Scheduled")),
    BroadcastState.RUNNING: ("busy", _l("Being sent")),
    BroadcastState.PAUSED: ("warn", _l("Paused")),
    BroadcastState.DONE: ("ok", _l("Sent to all")),
    BroadcastState.CANCELLED: ("idle", _l("Cancelled")),
}
RESULTS: dict[RecipientState, tuple[str, Any]] = {
    RecipientState.SENT: ("ok", _l("Delivered")),
    RecipientState.BLOCKED: ("idle", _l("Blocked or gone")),
    RecipientState.FAILED: ("bad", _l("Failed")),
    RecipientState.UNKNOWN: ("warn", _l("Unclear")),
    RecipientState.PENDING: ("info", _l("Waiting")),
    RecipientState.SENDING: ("busy", _l("On its way")),
}
"""Tone and words."""


def chosen_broadcast() -> Broadcast:
    """The one that `id` names. NotFound for another tenant's, and where two are named."""
    ids = set(request.values.getlist("id"))
    if len(ids) != 1:
        raise NotFound
    broadcast = broadcasts.get(row_id(ids.pop()))
    if broadcast.tenant_id != tenant_id():
        raise NotFound
    return broadcast


def eta_words(seconds: float) -> str:
    """How long it will take, roughly."""
    if seconds < 60:
        return str(gettext("less than a minute left"))
    minutes = ceil(seconds / 60)
    if minutes < 120:
        return str(gettext("about %(minutes)s minutes left", minutes=minutes))
    return str(gettext("about %(hours)s hours left", hours=round(minutes / 60)))


def halted_words(error: str | None) -> str:
    """Why it paused by itself, in the viewer's language."""
    if not error:
        return ""
    text, params = halt_words(error)
    return translate(str(get_locale()), text, **params)


def slices(progress: Progress) -> list[tuple[str, Any, int, float, float]]:
    """The ring of results: (state, words, number, per cent, per cent before it)."""
    found, before = [], 0.0
    numbers = {
        RecipientState.SENT: progress.sent,
        RecipientState.BLOCKED: progress.blocked,
        RecipientState.FAILED: progress.failed,
        RecipientState.UNKNOWN: progress.unknown,
        RecipientState.PENDING: progress.left,
    }
    for state, number in numbers.items():
        share = 100 * number / max(progress.total, 1)
        found.append((state.value, RESULTS[state][1], number, round(share, 2), round(before, 2)))
        before += share
    return found


_NAMED = {
    AudienceKind.ENTRANTS: (Lottery.id, Lottery.title),
    AudienceKind.BUYERS: (Product.id, Product.name),
}


def titles(audiences: Iterable[Audience]) -> dict[Audience, str]:
    """The names of the lotteries and products that audiences name."""
    named = [one for one in audiences if one.value and one.kind in _NAMED]
    found: dict[Audience, str] = {}
    for kind, (id_, title) in _NAMED.items():
        ids = {one.number for one in named if one.kind is kind}
        rows = db.session.execute(select(id_, title).where(id_.in_(ids))) if ids else ()
        found |= {Audience(kind, str(row[0])): str(row[1]) for row in rows}
    return found


def moment_in(entered: str) -> datetime | None:
    """A moment of the tenant's wall clock as the browser sends it; None for what is none."""
    try:
        moment = datetime.fromisoformat(entered)
    except ValueError:
        return None
    return moment.replace(tzinfo=viewer_zone()).astimezone(UTC) if moment.tzinfo is None else None


def write_results(file: IO[bytes], rows: Iterable[broadcasts.Recipient]) -> None:
    """What became of each as CSV that spreadsheets open correctly."""
    titles = (_l("Telegram number"), _l("Name"), _l("Result"), _l("Reason"), _l("When"))
    cells = (
        (row.telegram_id, row.name, RESULTS[row.state][1], row.error, localtime(row.done_at)) for row in rows
    )
    csv_files.write(file, titles, cells)
