"""A lottery in words: for the bot, for channels and for the boss's preview. Telegram's HTML, everything escaped.

Pure functions over dataclasses, so that a lottery that nobody has saved yet looks as it will.
"""

import html
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.i18n import N_
from app.domain.lotteries import LotterySpec, LotteryState, PrizeSpec
from app.domain.sending import MAX_CAPTION, MAX_TEXT, visible_length
from app.domain.wording import Place
from app.services.lotteries import wording
from app.services.lotteries.wording import bold

PARSE_MODE = "HTML"
MOST_NAMES = 30
"""Winners whose names a message shows; of more it says how many they are and where they stand."""
_SHOWN_HASH = 32
"""Half of it, in hex: nobody finds a second seed to 128 bits, and it fits into a line."""
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says beyond the boss's decisions. `now` lets it say how much time is left: not for posts that stay.

    `entries` None leaves the line out; `link` is the public page's address, or empty.
    """

    state: LotteryState = LotteryState.OPEN
    entries: int | None = 0
    commitment: str = ""
    root: str = ""
    """Of the sealed list, in hex: what a channel shows before the beacon speaks cannot be sealed anew after it."""
    link: str = ""
    now: datetime | None = None
    cancel_reason: str = ""


@dataclass(frozen=True, slots=True)
class Won:
    """A prize and the first names of those who hold it now, not yet masked."""

    prize: PrizeSpec
    names: Sequence[str]


def card(spec: LotterySpec, facts: Facts, place: Place, limit: int = MAX_TEXT) -> str:
    """The lottery as one message of at most `limit` units. The description gives way first, then the prizes."""

    def parts(description: str, most_prizes: int) -> list[str]:
        return [
            _head(spec, facts, place),
            html.escape(description, quote=False),
            wording.prizes(spec.prizes, place, most_prizes),
            wording.conditions(spec.conditions, place),
            wording.tickets(spec.tickets, place),
            _figures(spec, facts, place),
            _proof(facts, place),
        ]

    return _fitting(parts, spec.description, len(spec.prizes), limit)


def caption(spec: LotterySpec, facts: Facts, place: Place) -> str:
    """As `card`, short enough to stand under a picture."""
    return card(spec, facts, place, MAX_CAPTION)


def result(title: str, won: Sequence[Won], entries: int, place: Place, link: str = "") -> str:
    """Who won what, names masked; of many winners only how many they are."""
    head = [
        "🎉 " + bold(place.t(N_("Result: %(title)s"), title=title)),
        "👥 " + html.escape(place.t(N_("Entrants: %(count)s"), count=entries), quote=False),
    ]
    many = sum(len(one.names) for one in won) > MOST_NAMES
    lines = [_won(number, one, place, many=many) for number, one in enumerate(won)]
    tail = ["🔍 " + place.e(N_("Check this draw yourself: %(link)s"), link=link)] if link else []

    def parts(_: str, most: int) -> list[str]:
        shown = "\n".join(lines[:most]) + ("\n" + _ELLIPSIS if most < len(lines) else "")
        return ["\n".join(head), shown or place.e(N_("Nobody won this time.")), *tail]

    return _fitting(parts, "", len(lines), MAX_TEXT)


def masked(name: str) -> str:
    """A first name of which only the first letter is public; marks that nobody sees are no letters."""
    seen = "".join(each for each in name if not unicodedata.category(each).startswith("C"))
    return seen.strip()[:1] + "***"


def _won(number: int, one: Won, place: Place, *, many: bool) -> str:
    head = wording.prize_line(number, one.prize, place)
    if many:
        return f"{head}\n    " + place.e(N_("%(count)s winners"), count=len(one.names))
    # A right-to-left name must not turn its neighbours around.
    names = place.t(N_(", ")).join(f"\u2068{masked(name)}\u2069" for name in one.names)
    return f"{head}\n    {html.escape(names, quote=False) or '-'}"


def _head(spec: LotterySpec, facts: Facts, place: Place) -> str:
    lines = ["🎁 " + bold(spec.title)]
    state = {
        LotteryState.DRAWING: place.t(N_("⏳ Closed, the draw is running")),
        LotteryState.DRAWN: place.t(N_("✅ Drawn")),
        LotteryState.CANCELLED: place.t(N_("🚫 Cancelled: %(reason)s"), reason=facts.cancel_reason or "-"),
    }.get(facts.state)
    return "\n".join([*lines, bold(state)] if state else lines)


def _figures(spec: LotterySpec, facts: Facts, place: Place) -> str:
    lines = []
    waiting = facts.state in {LotteryState.DRAFT, LotteryState.SCHEDULED}
    if waiting and spec.opens_at is not None:
        lines.append("🕒 " + place.e(N_("Opens: %(time)s"), time=place.time(spec.opens_at)))
    if waiting or facts.state is LotteryState.OPEN:
        lines.append("⏰ " + _closing(spec, facts, place))
    if facts.entries is not None and not waiting:
        lines.append("👥 " + place.e(N_("Entrants: %(count)s"), count=_count(spec, facts.entries)))
    elif spec.max_entries:
        lines.append("👥 " + place.e(N_("Places: %(count)s"), count=spec.max_entries))
    if spec.claim_hours:
        lines.append("📦 " + place.e(N_("Winners claim within %(hours)s h"), hours=spec.claim_hours))
    return "\n".join(lines)


def _count(spec: LotterySpec, entries: int) -> str:
    return f"{entries} / {spec.max_entries}" if spec.max_entries else str(entries)


def _closing(spec: LotterySpec, facts: Facts, place: Place) -> str:
    time = place.time(spec.closes_at)
    if spec.closes_when_full and spec.max_entries:
        text = place.e(
            N_("Draw: when %(count)s have joined, %(time)s at the latest"), count=spec.max_entries, time=time
        )
    else:
        text = place.e(N_("Draw: %(time)s"), time=time)
    left = spec.closes_at - facts.now if facts.now else timedelta()
    if facts.state is LotteryState.OPEN and left > timedelta():
        text += place.e(N_(" (%(left)s left)"), left=place.span(left))
    return text


def _proof(facts: Facts, place: Place) -> str:
    lines = []
    for sign, words, value in (
        ("🔒 ", N_("Draw commitment: %(hash)s"), facts.commitment),
        ("📜 ", N_("Sealed list: %(hash)s"), facts.root),
    ):
        if value:
            line = place.e(words, hash="\0")
            lines.append(sign + line.replace("\0", f"<code>{html.escape(value[:_SHOWN_HASH])}</code>"))
    if facts.link:
        lines.append(f"🔗 {html.escape(facts.link)}")
    return "\n".join(lines)


def _fitting(parts: Callable[[str, int], list[str]], description: str, most: int, limit: int) -> str:
    """The parts as one text that fits: less of the description, then fewer of the lines, then less altogether."""

    def joined(text: str, lines: int, leave_out: int = 0) -> str:
        head, *rest = parts(text, lines)
        return "\n\n".join(part for part in [head, *rest[leave_out:]] if part)

    whole = joined(description, most)
    over = visible_length(whole) - limit
    if over > 0 and description:
        keep = max(0, len(description) - over - len(_ELLIPSIS))
        whole = joined(description[:keep].rstrip() + _ELLIPSIS if keep else "", most)
    while most > 0 and visible_length(whole) > limit:
        most -= 1
        whole = joined("", most)
    leave_out = 0
    while visible_length(whole) > limit:
        leave_out += 1
        whole = joined("", 0, leave_out)
    return whole
