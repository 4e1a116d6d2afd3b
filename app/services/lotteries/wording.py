"""Prizes, conditions and ticket rules in words, as lines of Telegram's HTML."""

import html
from collections.abc import Sequence

from app.core.i18n import N_
from app.domain.lotteries import Condition, ConditionKind, PrizeSpec, TicketRules
from app.domain.wording import Place

_MEDALS = ("🥇", "🥈", "🥉")
_OTHER_MEDAL = "🎖"
_TIMES = "\u00d7"
_LONGEST_NAME = 40


def bold(text: str) -> str:
    """A text of anybody's in bold."""
    return f"<b>{html.escape(text, quote=False)}</b>"


def prize_line(number: int, prize: PrizeSpec, place: Place) -> str:
    """A prize with its medal; `number` counts from 0."""
    medal = _MEDALS[number] if number < len(_MEDALS) else _OTHER_MEDAL
    line = f"{medal} {html.escape(prize.name, quote=False)} {_TIMES} {prize.quantity}"
    if prize.credits:
        line += place.e(N_(" (%(credits)s credits each)"), credits=f"{prize.credits:,}")
    return line


def prizes(found: Sequence[PrizeSpec], place: Place, most: int) -> str:
    """The list of prizes, the first `most` of them."""
    total = sum(prize.quantity for prize in found)
    lines = ["🏆 " + bold(place.t(N_("Prizes (%(count)s in all)"), count=total))]
    lines += [prize_line(number, prize, place) for number, prize in enumerate(found[:most])]
    if most < len(found):
        lines.append(place.e(N_("… and %(count)s more"), count=len(found) - most))
    return "\n".join(lines) if found else ""


def conditions(found: Sequence[Condition], place: Place) -> str:
    """What an entrant needs, or nothing where there is nothing to need."""
    if not found:
        return ""
    head = bold(place.t(N_("To join")))
    return "\n".join([f"📋 {head}", *(f"• {condition_html(one, place)}" for one in found)])


def condition(one: Condition, place: Place) -> str:
    """A condition in plain words."""
    if one.kind is ConditionKind.CHANNEL:
        return place.t(N_("Be in %(chat)s"), chat=chat_name(one))
    if one.kind is ConditionKind.INVITES:
        return place.t(N_("Invite %(count)s friends"), count=one.amount)
    if one.kind is ConditionKind.CREDITS:
        return place.t(N_("Pay %(credits)s credits"), credits=f"{one.amount:,}")
    return place.t(N_("Know this bot for at least %(days)s days"), days=one.amount)


def condition_html(one: Condition, place: Place) -> str:
    """The same, with the channel as a link where there is an address."""
    address = one.url or (f"https://t.me/{one.chat[1:]}" if one.chat.startswith("@") else "")
    if one.kind is not ConditionKind.CHANNEL or not address.startswith("https://"):
        return html.escape(condition(one, place), quote=False)
    name = html.escape(chat_name(one), quote=False)
    return place.e(N_("Be in %(chat)s"), chat="\0").replace(
        "\0", f'<a href="{html.escape(address)}">{name}</a>'
    )


def chat_name(one: Condition) -> str:
    """What the channel of a condition is called, cut to fit into a line."""
    name = one.title or one.chat
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def tickets(rules: TicketRules, place: Place) -> str:
    """How to hold more than one ticket, or nothing where one is all there is."""
    lines = []
    if rules.per_invite:
        lines.append(place.e(N_("• Each friend you invite: +%(count)s"), count=rules.per_invite))
    if rules.per_boost:
        lines.append(
            place.e(N_("• Each boost of %(chat)s: +%(count)s"), chat=rules.boost_chat, count=rules.per_boost)
        )
    if rules.price:
        lines.append(place.e(N_("• One more for %(credits)s credits"), credits=f"{rules.price:,}"))
    if not lines or rules.most <= 1:
        return ""
    head = bold(place.t(N_("More tickets, better chances (%(count)s at most)"), count=rules.most))
    return "\n".join([f"🎟 {head}", *lines])
