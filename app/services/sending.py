"""How much bots may still send right now, for their health cards."""

from collections.abc import Sequence

from app.core import buckets
from app.domain.sending import BOT_RATE


def bot_key(bot_id: int) -> str:
    """The bucket of a bot, shared by all processes."""
    return f"laoban:gate:{bot_id}"


def budgets(bot_ids: Sequence[int]) -> list[float | None]:
    """What is free of each bot's limit at Telegram, 0.0 (none, or told to wait by 429) to 1.0; None when unknown."""
    return buckets.fills(list(map(bot_key, bot_ids)), interval=BOT_RATE.interval, burst=BOT_RATE.burst)
