"""Rules of sending to Telegram: who goes first, how fast, and how long texts are cut."""

import html
import re
from dataclasses import dataclass
from enum import IntEnum

MAX_TEXT = 4096
"""UTF-16 units of one message."""
MAX_CAPTION = 1024
"""UTF-16 units under a picture."""
MAX_NOTE = 200
"""UTF-16 units of the answer to a pressed button."""
MAX_CALLBACK_DATA = 64
"""Bytes of a button's data."""
_BORDERS = (
    ("\n\n",),
    ("\n",),
    ("。", "！", "？", "…", ". ", "! ", "? "),
    ("；", "，", "、", "; ", ", ", " "),
)
_SHORTEST_SHARE = 4
_TAG = re.compile(r"<[^>]*>")


class Priority(IntEnum):
    """Who goes first. A lower class gets only what the ones above it leave."""

    INTERACTIVE = 0
    """Answers to what somebody just did."""
    IMPORTANT = 1
    """Messages that must arrive: the outbox."""
    BROADCAST = 2
    SPARE = 3
    """Niceties: they go out when the bot has room at once, or not at all."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: one token every `interval` milliseconds, `burst` of them kept for a rush."""

    interval: int
    burst: int


# Telegram names about 30/s for a bot, 1/s for a chat with short rushes, 20/min for a group, and says that the limits
# are soft. Rate and burst together stay at or under these within any second or minute.
BOT_RATE = Rate(interval=40, burst=5)
CALL_RATE = Rate(interval=5, burst=40)
"""Calls that put no message into a chat (answers to buttons, questions about members): the 30/s are about messages."""
CHAT_RATE = Rate(interval=1000, burst=3)
GROUP_RATE = Rate(interval=4000, burst=5)


def utf16_length(text: str) -> int:
    """Length as Telegram counts it: characters beyond the basic plane are two units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def visible_length(text: str) -> int:
    """Units of Telegram's HTML after its tags are read, which is what Telegram limits."""
    return utf16_length(html.unescape(_TAG.sub("", text)))


def split_text(text: str, limit: int = MAX_TEXT) -> list[str]:
    """Cuts a text into parts of at most `limit` units: between paragraphs, else lines, sentences or words.

    Nothing but white space around a cut is lost. A text that fits comes back as it is.
    """
    if len(text) * 2 <= limit or utf16_length(text) <= limit:
        return [text]
    parts, start = [], 0
    while start < len(text):
        window = _fitting(text[start : start + limit], limit)
        rest = start + len(window) < len(text)
        cut = _border(window) if rest else len(window)
        if part := text[start : start + cut].strip("\n ") if rest else text[start:].rstrip():
            parts.append(part)
        start += cut
    return parts


def _fitting(window: str, limit: int) -> str:
    """The longest beginning of `window` that has at most `limit` units."""
    while (over := utf16_length(window) - limit) > 0:
        window = window[: len(window) - (over + 1) // 2]
    return window


def _border(window: str) -> int:
    """Where to cut: after the last border of the best kind that leaves a part of some length."""
    shortest = len(window) // _SHORTEST_SHARE
    for borders in _BORDERS:
        best = max(window.rfind(border) + len(border) if border in window else 0 for border in borders)
        if best > shortest:
            return best
    return len(window)
