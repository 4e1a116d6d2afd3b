"""Chats whose members the bot could not see when somebody wanted to join, for the boss's page.

A hint that every further press gives again, so it is kept in Redis alone.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import RedisError

from app.core import clock
from app.core.redis import quick

log = logging.getLogger(__name__)
_ONE_DAY = 86_400


def note(lottery_id: int, chat: str) -> None:
    """Telegram did not tell the bot who is in `chat`."""
    try:
        with quick().pipeline() as pipe:
            pipe.hset(_key(lottery_id), chat, int(clock.now().timestamp()))
            pipe.expire(_key(lottery_id), _ONE_DAY)
            pipe.execute()
    except RedisError as error:
        log.info("problem of a lottery not noted", extra={"reason": type(error).__name__})


def find(lottery_id: int) -> dict[str, datetime]:
    """The chats that could not be asked within the last day, and when that happened last."""
    try:
        found: dict[Any, Any] = quick().hgetall(_key(lottery_id))
    except RedisError as error:
        log.info("problems of a lottery not read", extra={"reason": type(error).__name__})
        return {}
    return {chat.decode(): datetime.fromtimestamp(int(at), UTC) for chat, at in found.items()}


def _key(lottery_id: int) -> str:
    return f"laoban:lottery:blind:{lottery_id}"
