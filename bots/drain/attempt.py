"""One attempt at one update, and what it means for the next."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flask import Flask
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSlow

from app.core import logging as ids
from app.core.db import is_away
from app.core.redaction import redact_text
from app.domain.bots import BotConfig
from app.services.inbox.claims import Claimed
from bots.telegram.errors import Postpone

log = logging.getLogger(__name__)

Handle = Callable[[BotConfig, bytes], object]
Find = Callable[[int], BotConfig | None]

AWAY_SECONDS: Final = 1.0
ERROR_LENGTH: Final = 500


class Kind(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended; `error` of one that failed, `seconds` to wait of one that was postponed."""

    kind: Kind
    error: str = ""
    seconds: float = 0.0


DONE: Final = Verdict(Kind.DONE)
IGNORED: Final = Verdict(Kind.IGNORED)


def attempt_with(app: Flask, handle: Handle, find: Find) -> Callable[[Claimed], Verdict]:
    """The function that every thread calls. It never raises."""

    def attempt(update: Claimed) -> Verdict:
        try:
            with app.app_context():
                config = find(update.bot_id)
                # A removed bot has nobody left to answer, a disabled one is silent.
                if config is None or not config.enabled or handle(config, update.raw) is False:
                    return IGNORED
        except Postpone as wish:
            return Verdict(Kind.POSTPONED, seconds=wish.seconds)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a handler raises, the next update must go on
            return _judge(update, error)
        finally:
            ids.clear()
        return DONE

    return attempt


def _judge(update: Claimed, error: BaseException) -> Verdict:
    if isinstance(error, RedisAway | RedisSlow) or is_away(error):
        log.warning("update waits for a server", extra={"reason": str(error), **_ids(update)})
        return Verdict(Kind.POSTPONED, seconds=AWAY_SECONDS)
    log.warning("update failed", exc_info=error, extra={"attempt": update.attempts, **_ids(update)})
    return Verdict(Kind.FAILED, error=f"{type(error).__name__}: {redact_text(str(error))}"[:ERROR_LENGTH])


def _ids(update: Claimed) -> dict[str, int]:
    return {"tenant_id": update.tenant_id, "bot_id": update.bot_id, "update_id": update.update_id}
