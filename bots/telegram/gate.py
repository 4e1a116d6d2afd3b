"""The gate that every call to Telegram passes: its limits, shared by all processes."""

import random
import time
from hashlib import blake2s

from app.core import buckets
from app.core.buckets import Bucket
from app.domain.bots import BotConfig
from app.domain.sending import BOT_RATE, CALL_RATE, CHAT_RATE, GROUP_RATE, Priority, Rate
from app.services.sending import bot_key
from bots.telegram.errors import Postpone

LONGEST_WAIT = 1.5
"""Seconds that an answer may wait here; beyond that the update goes back to the inbox."""
CLOSED = 30.0
"""Seconds without a call after Telegram refused a token; its replacement may call at once."""
_JITTER = (0.2, 1.0)
_NO_LIMIT = 10**12
"""Milliseconds that a bucket may be overdrawn where only its park counts."""
# What a class leaves in the bot's bucket for the ones above it, in tokens.
_LEAVES = {
    Priority.INTERACTIVE: 0,
    Priority.IMPORTANT: 2,
    Priority.BROADCAST: BOT_RATE.burst - 1,
    Priority.SPARE: 1,
}


def wait_turn(config: BotConfig, chat: int | str | None, priority: Priority) -> None:
    """Takes a place in the bot's and the chat's limit, and sleeps until it is there.

    `chat` is None for calls that put nothing into a chat: they have a wider limit of their own, and wait like all
    others while the bot is parked. Raises Postpone when the place is too far away.
    """
    if chat is None:
        wanted = [Bucket(bot_key(config.id), 0, _NO_LIMIT), _bucket(_call_key(config), CALL_RATE)]
    else:
        wanted = [
            _bucket(bot_key(config.id), BOT_RATE, _LEAVES[priority]),
            _bucket(_chat_key(config, chat), _chat_rate(chat)),
        ]
    if priority is Priority.SPARE:
        # Nobody else waits for a nicety: the bot must have room at once. Its own chat may be a moment away.
        _take(config, wanted[:1], 0.0)
        _take(config, wanted[1:], LONGEST_WAIT)
    else:
        _take(config, wanted, LONGEST_WAIT if priority < Priority.BROADCAST else 0.0)


def _take(config: BotConfig, wanted: list[Bucket], longest: float) -> None:
    turn = buckets.take(wanted, tag=_tag(config), longest_wait=longest)
    if not turn.taken:
        raise Postpone(turn.wait, "Telegram's limits")
    if turn.wait:
        time.sleep(turn.wait)


def park(config: BotConfig, chat: int | str | None, seconds: float) -> float:
    """Telegram said 429: nobody sends there for `seconds` and a little more, which is returned.

    A group has a limit of its own; anywhere else the whole bot is meant.
    """
    wait = seconds + random.uniform(*_JITTER)  # noqa: S311 - spreads the return of the senders
    if chat is not None and _is_group(chat):
        buckets.park(_chat_key(config, chat), wait, tag=_tag(config), interval=GROUP_RATE.interval)
    else:
        buckets.park(bot_key(config.id), wait, tag=_tag(config), interval=BOT_RATE.interval)
    return wait


def close(config: BotConfig) -> None:
    """Telegram does not know this token: nobody calls with it for a while."""
    buckets.park(bot_key(config.id), CLOSED, tag=_tag(config), interval=BOT_RATE.interval)


def _bucket(key: str, rate: Rate, leave: int = 0) -> Bucket:
    return Bucket(key, rate.interval, (rate.burst - 1 - leave) * rate.interval)


def _call_key(config: BotConfig) -> str:
    return f"laoban:gate:{config.id}:calls"


def _chat_key(config: BotConfig, chat: int | str) -> str:
    return f"laoban:gate:{config.id}:{chat}"


def _is_group(chat: int | str) -> bool:
    """Groups and channels have negative ids or are named."""
    return isinstance(chat, str) or chat < 0


def _chat_rate(chat: int | str) -> Rate:
    return GROUP_RATE if _is_group(chat) else CHAT_RATE


def _tag(config: BotConfig) -> str:
    """Another token is another start: what Telegram held against the former one is over."""
    return blake2s(config.token.encode(), digest_size=6).hexdigest()
