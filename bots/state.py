"""What a person is in the middle of: kept in Redis by bot, chat and user, and forgotten after a while.

Nothing of value lives here. It raises RedisError when Redis is away; the dispatcher then tries the update again later.
"""

from dataclasses import dataclass, field

import orjson

from app.core.redis import wire
from app.core.settings import get_settings

MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Step:
    """What the bot waits for, named by the conversation that asked, and what it has heard so far."""

    name: str
    data: dict[str, object] = field(default_factory=dict)


def load(bot_id: int, chat_id: int, user_id: int) -> Step | None:
    """The step that this person is at in this chat, if any."""
    raw = wire()("GET", _key(bot_id, chat_id, user_id))
    if not isinstance(raw, bytes):
        return None
    try:
        name, data = orjson.loads(raw)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        return None
    return Step(name, data) if isinstance(name, str) and isinstance(data, dict) else None


def save(bot_id: int, chat_id: int, user_id: int, step: Step) -> None:
    """Replaces the person's step in one command; raises ValueError when its data is no small JSON."""
    raw = orjson.dumps([step.name, step.data])
    if len(raw) > MAX_BYTES:
        raise ValueError("conversation state is too large; keep it in PostgreSQL")
    wire()("SET", _key(bot_id, chat_id, user_id), raw, "EX", get_settings().conversation_ttl)


def clear(bot_id: int, chat_id: int, user_id: int) -> bool:
    """Ends whatever the person was in the middle of; says whether there was something."""
    return bool(wire()("DEL", _key(bot_id, chat_id, user_id)))


def _key(bot_id: int, chat_id: int, user_id: int) -> str:
    return f"laoban:talk:{bot_id}:{chat_id}:{user_id}"
