"""Asks Telegram whether somebody is in a channel or group, and how often he boosts it."""

import os
import re
import time
from functools import cache

from app.domain.bots import BotConfig
from app.domain.sending import Priority
from app.services.lotteries.errors import ConditionUnavailable
from bots.telegram.errors import Blocked, Refused
from bots.telegram.sender import Call, perform

REMEMBERED = 30.0
"""Seconds for which a member counts as one at joining. Never at the draw, and nobody is remembered as missing."""
_MOST = 50_000
_INSIDE = frozenset({"creator", "administrator", "member"})
# What Telegram says of somebody who never was there; anything else means that the bot can't see who is.
_NOBODY = re.compile(
    "(user|member) not found|user_not_participant|participant_id_invalid|user_id_invalid|invalid user_id",
    re.IGNORECASE,
)


def is_member(
    config: BotConfig, chat: str, telegram_id: int, priority: Priority = Priority.INTERACTIVE
) -> bool:
    """Raises ConditionUnavailable where Telegram does not tell the bot, Postpone, TokenRevoked or Unreachable."""
    try:
        found = _ask(config, "getChatMember", chat, telegram_id, priority)
    except (Refused, Blocked) as error:
        if error.code == 400 and _NOBODY.search(error.description):
            return False
        raise ConditionUnavailable(chat=chat) from error
    status = found.get("status")
    return status in _INSIDE or (status == "restricted" and found.get("is_member") is True)


def is_member_now(config: BotConfig, chat: str, telegram_id: int) -> bool:
    """The same for joining: who was seen there in the last 30 seconds is there."""
    seen, key = _seen(os.getpid()), (config.tenant_id, chat.lower(), telegram_id)
    if seen.get(key, 0.0) > time.monotonic():
        return True
    if not is_member(config, chat, telegram_id):
        return False
    if len(seen) >= _MOST:
        seen.clear()
    seen[key] = time.monotonic() + REMEMBERED
    return True


def boosts(config: BotConfig, chat: str, telegram_id: int) -> int:
    """How often somebody boosts a channel now. Raises as `is_member`."""
    try:
        found = _ask(config, "getUserChatBoosts", chat, telegram_id, Priority.INTERACTIVE)
    except (Refused, Blocked) as error:
        if error.code == 400 and _NOBODY.search(error.description):
            return 0
        raise ConditionUnavailable(chat=chat) from error
    given = found.get("boosts")
    return len(given) if isinstance(given, list) else 0


def forget() -> None:
    """Drops what this process remembers."""
    _seen(os.getpid()).clear()


def _ask(
    config: BotConfig, method: str, chat: str, telegram_id: int, priority: Priority
) -> dict[str, object]:
    answer = perform(Call(config, method, priority), {"chat_id": chat, "user_id": telegram_id})
    return answer if isinstance(answer, dict) else {}


@cache
def _seen(pid: int) -> dict[tuple[int, str, int], float]:  # noqa: ARG001 - one memory per process, also after a fork
    return {}
