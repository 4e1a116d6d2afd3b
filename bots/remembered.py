"""Answers about a bot that the menu asks for at every message, kept for a minute."""

import os
import time
from collections.abc import Callable
from functools import cache, wraps
from typing import Final

from app.core.queue import transaction
from app.domain.bots import BotConfig

FRESH_SECONDS: Final = 60.0
_MOST: Final = 2000
_Memory = dict[int, tuple[int, float, bool]]


def for_a_minute(ask: Callable[[int], bool]) -> Callable[[BotConfig], bool]:
    """Makes a question about a tenant one about a bot, answered at most a minute late, at once for a new version.

    `ask` gets the tenant's id and runs in a transaction of its own.
    """

    @cache
    def memory(pid: int) -> _Memory:  # noqa: ARG001 - one memory per process, also after a fork
        return {}

    @wraps(ask)
    def answer(config: BotConfig) -> bool:
        known = memory(os.getpid())
        entry = known.get(config.id)
        if entry is not None and entry[0] == config.version and entry[1] > time.monotonic():
            return entry[2]
        with transaction():
            answered = ask(config.tenant_id)
        if len(known) >= _MOST:
            known.clear()
        known[config.id] = (config.version, time.monotonic() + FRESH_SECONDS, answered)
        return answered

    return answer
