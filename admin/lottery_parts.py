"""Words of the lotteries' pages, and which lottery a request means."""

import json
from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _l

from admin.acts import row_id
from admin.formatters import localtime
from admin.guard import tenant_id
from app.core.errors import NotFound
from app.domain.lotteries import CloseReason, LotteryState, WinnerState, is_erased
from app.domain.members import shown_name
from app.models import Lottery, LotteryEvent, Member
from app.services.lotteries import lookup

MINUTES = "yyyy-MM-dd HH:mm"
STATES: dict[LotteryState, tuple[str, Any]] = {
    LotteryState.DRAFT: ("idle", _l("Draft")),
    LotteryState.SCHEDULED: ("info", _l("Not open yet")),
    LotteryState.OPEN: ("ok", _l("Taking entries")),
    LotteryState.DRAWING: ("busy", _l("Drawing")),
    LotteryState.DRAWN: ("info", _l("Drawn")),
    LotteryState.CANCELLED: ("idle", _l("Cancelled")),
}
WINNER_STATES: dict[WinnerState, tuple[str, Any]] = {
    WinnerState.WON: ("warn", _l("Not claimed yet")),
    WinnerState.CLAIMED: ("info", _l("Claimed")),
    WinnerState.HANDED_OVER: ("ok", _l("Handed over")),
    WinnerState.EXPIRED: ("bad", _l("Claim ran out")),
    WinnerState.REPLACED: ("idle", _l("Drawn again")),
}
CLOSED_BY = {
    CloseReason.TIME: _l("Its time was over."),
    CloseReason.FULL: _l("All places were taken."),
    CloseReason.EARLY: _l("It was closed early by hand."),
}
EVENTS: dict[str, tuple[str, Any]] = {
    "opened": ("ok", _l("Opened")),
    "closed": ("", _l("Closed")),
    "sealed": ("", _l("The list of entrants is sealed")),
    "revealed": ("", _l("The seed is revealed")),
    "drawn": ("ok", _l("Drawn")),
    "redrawn": ("warn", _l("A prize was drawn again")),
    "cancelled": ("bad", _l("Cancelled")),
    "staff_added": ("warn", _l("Entrants added by staff")),
    "handed_over": ("ok", _l("A prize was handed over")),
    "hand_over_undone": ("warn", _l("A prize was not handed over after all")),
    "condition_dropped": ("warn", _l("Drawn without a condition")),
}


def chosen_lottery() -> Lottery:
    """The lottery that `id` names. NotFound for another tenant's, and where two are named."""
    ids = set(request.values.getlist("id"))
    if len(ids) != 1:
        raise NotFound
    lottery = lookup.get(row_id(ids.pop()))
    if lottery.tenant_id != tenant_id():
        raise NotFound
    return lottery


def person(member: Member | None, telegram_id: int) -> str:
    """What to call somebody."""
    if is_erased(telegram_id):
        return str(gettext("Erased person"))
    if member is None:
        return f"#{telegram_id}"
    return shown_name(member.first_name, member.last_name, telegram_id)


def event_words(event: LotteryEvent) -> tuple[str, str, str]:
    """(tone, title, details) of a link of the public record."""
    tone, title = EVENTS.get(event.kind, ("", event.kind))
    body = json.loads(event.body)
    return tone, str(title), _details(event.kind, body if isinstance(body, dict) else {})


def _details(kind: str, body: Mapping[str, Any]) -> str:
    if kind == "closed" and body.get("reason") in list(CloseReason):
        return str(CLOSED_BY[CloseReason(body["reason"])])
    if kind == "sealed":
        return str(
            gettext(
                "%(entries)s entrants, %(tickets)s tickets",
                entries=_number(body.get("entries")),
                tickets=_number(body.get("tickets")),
            )
        )
    if kind == "drawn":
        return str(gettext("%(count)s winners", count=len(body.get("winners", ()))))
    if kind == "staff_added":
        return str(gettext("%(count)s entrants", count=_number(body.get("count"))))
    if kind in {"redrawn", "cancelled", "condition_dropped"}:
        return str(body.get("reason") or "")
    return ""


def _number(value: object) -> str:
    return str(format_decimal(value)) if isinstance(value, int) else "0"


def next_step(lottery: Lottery) -> str:
    """What happens next, or what is to be done."""
    closes = localtime(lottery.closes_at, MINUTES)
    if lottery.state is LotteryState.OPEN:
        if lottery.closes_when_full and lottery.max_entries:
            return str(
                gettext("It draws itself at %(time)s, or as soon as all places are taken.", time=closes)
            )
        return str(gettext("It draws itself at %(time)s.", time=closes))
    if lottery.state is LotteryState.DRAWN:
        if lottery.settled_at is None:
            return str(gettext("Winners are being told now; a prize drawn again finds its winner."))
        return str(gettext("Winners were told. Mark the prizes that you have handed over."))
    return {
        LotteryState.DRAFT: str(gettext("Nobody sees it yet. Publish it when it is ready.")),
        LotteryState.SCHEDULED: str(
            gettext("It opens by itself at %(time)s.", time=localtime(lottery.opens_at, MINUTES))
        ),
        LotteryState.DRAWING: str(gettext("Nothing to do: the draw runs by itself.")),
    }.get(lottery.state, lottery.cancel_reason or "")
