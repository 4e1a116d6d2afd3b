"""How much a bot may still send right now, for its health card."""

from app.core import buckets
from app.domain.sending import BOT_RATE


def bot_key(bot_id: int) -> str:
    """The bucket of a bot, shared by all processes."""
    return f"laoban:gate:{bot_id}"


def budget(bot_id: int) -> float | None:
    """What is free of the bot's limit at Telegram, 0.0 (none, or told to wait by 429) to 1.0; None when unknown."""
    return buckets.fill(bot_key(bot_id), interval=BOT_RATE.interval, burst=BOT_RATE.burst)
