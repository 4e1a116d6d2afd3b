"""Sends what waits in the outbox of one bot: claim (commit), send with no connection held, write the result (commit)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event

from app.core.queue import transaction
from app.domain.bots import BotConfig, BotState
from app.domain.sending import Priority
from app.services import outbox
from app.services.outbox import Claimed
from bots.telegram.errors import Blocked, Postpone, Refused, TokenRevoked, Unreachable
from bots.telegram.sender import Call, perform

SLICE_SECONDS = 20.0
AWAY_SECONDS = 5.0
_MOST_POSTPONED = 4


@dataclass(frozen=True, slots=True)
class _Result:
    write: Callable[[], object]
    postponed: bool = False
    stop: bool = False


def flush(config: BotConfig, stopping: Event) -> bool:
    """Sends due rows, oldest first, until none is left or the slice is over; True when there may be more.

    Ends early when `stopping` is set. Several may flush one bot at the same time. Runs in a scope that sees the bot's tenant.
    """
    if not config.enabled:
        return False
    if config.state is BotState.REVOKED:
        with transaction():
            outbox.hold_all(config.id)
        return False
    until = time.monotonic() + SLICE_SECONDS
    postponed = 0
    with transaction():
        claimed = outbox.claim(config.id)
    ending = False
    while claimed is not None:
        result = _send(config, claimed)
        postponed = postponed + 1 if result.postponed else 0
        # One row that must wait may be its chat's affair; after several in a row it is the bot's.
        ending = stopping.is_set() or time.monotonic() > until
        over = ending or result.stop or postponed >= _MOST_POSTPONED
        with transaction():
            result.write()
            claimed = None if over else outbox.claim(config.id)
    return ending


def _send(config: BotConfig, claimed: Claimed) -> _Result:
    """Makes the call and says what is to be written about it."""
    call = Call(config, claimed.method, Priority.IMPORTANT)
    try:
        answer = perform(call, {**claimed.payload, "chat_id": claimed.chat_id})
    except Postpone as error:
        return _Result(partial(outbox.postpone, claimed, error.seconds), postponed=True)
    except TokenRevoked:
        return _Result(partial(outbox.hold, claimed, config.id), stop=True)
    except (Blocked, Refused) as error:
        return _Result(partial(outbox.bury, claimed, str(error)))
    except Unreachable as error:
        # When Telegram is away the other rows need not find that out one by one.
        if not error.unclear and not error.code:
            return _Result(partial(outbox.postpone, claimed, AWAY_SECONDS), stop=True)
        return _Result(partial(outbox.retry, claimed, str(error), unclear=error.unclear), stop=True)
    message_id = answer.get("message_id") if isinstance(answer, dict) else None
    return _Result(partial(outbox.complete, claimed, message_id))
