"""Channels and groups as a lottery's bot sees them: whether it is in there, may post there and may ask who is in there."""

from dataclasses import dataclass
from enum import StrEnum

from app.gateways import telegram
from app.gateways.telegram import TelegramRefused, TelegramUnreachable


class Sight(StrEnum):
    """What came out of looking."""

    READY = "ready"
    """The bot is an administrator: it may post and ask."""
    MEMBER = "member"
    """It is in a group as everybody is: it may post, and Telegram need not say who else is in there."""
    NO_RIGHTS = "no_rights"
    """It is in the chat but no administrator, so that in a channel it can neither post nor ask."""
    OUTSIDE = "outside"
    """Telegram knows the chat, the bot is not in it."""
    UNKNOWN = "unknown"
    """Telegram shows the bot no such chat."""
    AWAY = "away"
    """Telegram did not answer."""


@dataclass(frozen=True)
class Looked:
    """`url` leads people to the chat; empty where there is no public address."""

    chat: str
    sight: Sight
    title: str = ""
    url: str = ""


def look(token: str, chat: str) -> Looked:
    """Asks Telegram as the bot with this token; no transaction may be open meanwhile."""
    try:
        found = telegram.get_chat(token, chat)
    except TelegramRefused as error:
        return Looked(chat, Sight.OUTSIDE if error.code == 403 else Sight.UNKNOWN)
    except TelegramUnreachable:
        return Looked(chat, Sight.AWAY)
    url = f"https://t.me/{found.username}" if found.username else found.invite
    return Looked(chat, _sight(token, chat, found.kind), found.title, url)


def _sight(token: str, chat: str, kind: str) -> Sight:
    try:
        place = telegram.get_chat_member(token, chat, int(token.partition(":")[0]))
    except TelegramRefused:
        return Sight.OUTSIDE
    except TelegramUnreachable:
        return Sight.AWAY
    if not place.inside:
        return Sight.OUTSIDE
    if place.status in {"creator", "administrator"}:
        return Sight.READY if kind != "channel" or place.posts else Sight.NO_RIGHTS
    return Sight.NO_RIGHTS if kind == "channel" else Sight.MEMBER
