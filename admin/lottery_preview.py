"""A lottery's card on a page as Telegram shows it: also of a lottery that is only being typed."""

import html
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from markupsafe import Markup, escape

from app.core import clock
from app.core.i18n import N_
from app.domain import lottery_spec
from app.domain.lotteries import MAX_DESCRIPTION, Condition, LotterySpec, LotteryState, PrizeSpec, TicketRules
from app.domain.lottery_fields import BadSpec
from app.domain.wording import Place
from app.models import Lottery
from app.services.lotteries import cards, showing

T = TypeVar("T")
_PLAIN = {
    ("", "b"): Markup("<b>"),
    ("/", "b"): Markup("</b>"),
    ("", "code"): Markup("<code>"),
    ("/", "code"): Markup("</code>"),
    ("/", "a"): Markup("</a>"),
}
_TAG = re.compile(r'<(/?)(b|code|a)(?: href="(https://[^"<>\s]{1,300})")?>')


def telegram_html(text: str) -> Markup:
    """A message's HTML for a page: bold, code and https links stay, everything else is text."""
    made, at = Markup(), 0
    for tag in _TAG.finditer(text):
        made += escape(html.unescape(text[at : tag.start()])) + _tag(*tag.groups())
        at = tag.end()
    return made + escape(html.unescape(text[at:]))


def _tag(end: str, name: str, url: str | None) -> Markup:
    if name == "a" and not end:
        link = Markup('<a href="{}" target="_blank" rel="noopener noreferrer">')
        return link.format(html.unescape(url or ""))
    return _PLAIN[end, name]


def shown_card(lottery: Lottery, entries: int) -> Markup:
    """The card of a saved lottery as people see it now."""
    return telegram_html(showing.card_with(lottery, entries, showing.place_of(lottery)))


def typed_card(body: Mapping[str, Any], closes_at: datetime, place: Place) -> Markup:
    """The card of what stands in a form right now; what is not complete yet is left out or stood in for."""
    now = clock.now()
    opens_at = datetime.fromisoformat(body["opens_at"]) if body.get("opens_at") else None
    scheduled = opens_at is not None and opens_at > now
    typed = LotterySpec(
        title=str(body.get("title") or "") or place.t(N_("Your title stands here")),
        description=str(body.get("description") or "")[:MAX_DESCRIPTION],
        prizes=[_prize(row) for row in body.get("prizes") or ()],
        closes_at=closes_at,
        opens_at=opens_at,
        max_entries=body.get("max_entries"),
        closes_when_full=bool(body.get("closes_when_full") and body.get("max_entries")),
        conditions=[one for row in body.get("conditions") or () for one in _conditions(row)],
        tickets=_read(lambda: lottery_spec.read_tickets(body.get("tickets"))) or TicketRules(),
        claim_hours=body.get("claim_hours"),
    )
    facts = cards.Facts(state=LotteryState.SCHEDULED if scheduled else LotteryState.OPEN)
    written = cards.caption if body.get("picture_id") else cards.card
    return telegram_html(written(typed, facts, place))


def _prize(row: Mapping[str, Any]) -> PrizeSpec:
    quantity = row.get("quantity")
    return PrizeSpec(
        str(row.get("name")), max(quantity if isinstance(quantity, int) else 1, 1), row.get("credits")
    )


def _conditions(row: object) -> tuple[Condition, ...]:
    return _read(lambda: lottery_spec.read_conditions([row])) or ()


def _read(reader: Callable[[], T]) -> T | None:
    try:
        return reader()
    except BadSpec:
        return None
