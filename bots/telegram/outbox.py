"""Sends what waits in the outbox of one bot: claim (commit), send with no connection held, write the result (commit)."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event

from flask import Flask

from app.core.queue import transaction
from app.domain.bots import BotConfig, BotState
from app.domain.sending import Priority
from app.services import outbox
from app.services.fulfilment import delivery
from app.services.lotteries import posts
from app.services.outbox import Claimed
from bots.heartbeat import scope_in_thread, this_app, wait_renewing, write_down
from bots.telegram import documents, photos
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
    with transaction():
        claimed = outbox.claim(config.id)
    if claimed is None:
        return False
    with ThreadPoolExecutor(1, thread_name_prefix=f"outbox-{config.id}") as caller:
        return _flush(config, claimed, caller, stopping)


def _flush(config: BotConfig, first: Claimed, caller: ThreadPoolExecutor, stopping: Event) -> bool:
    app = this_app()
    claimed: Claimed | None = first
    until = time.monotonic() + SLICE_SECONDS
    postponed, ending = 0, False
    while claimed is not None:
        call = caller.submit(_send, app, config, claimed)
        (result,) = wait_renewing([call], outbox.lease_seconds(), partial(outbox.renew, claimed))
        postponed = postponed + 1 if result.postponed else 0
        # One row that must wait may be its chat's affair; after several in a row it is the bot's.
        ending = stopping.is_set() or time.monotonic() > until
        over = ending or result.stop or postponed >= _MOST_POSTPONED
        # Within the lease: what is sent and not written down before its end comes a second time.
        claimed = write_down(partial(_go_on, result, None if over else config.id), outbox.lease_seconds())
    return ending


def _go_on(result: _Result, bot_id: int | None) -> Claimed | None:
    """Writes down how a row ended, and claims the next one of this bot."""
    result.write()
    return None if bot_id is None else outbox.claim(bot_id)


def _send(app: Flask, config: BotConfig, claimed: Claimed) -> _Result:
    """Makes the call, in a thread of its own, and says what is to be written about it."""
    try:
        with scope_in_thread(app, config.tenant_id):
            answer = _call(config, claimed)
    except Postpone as error:
        return _Result(partial(outbox.postpone, claimed, error.seconds), postponed=True)
    except TokenRevoked:
        return _Result(partial(outbox.hold, claimed, config.id), stop=True)
    except (Blocked, Refused) as error:
        return _Result(partial(_buried, claimed, str(error)))
    except Unreachable as error:
        # When Telegram is away the other rows need not find that out one by one.
        if not error.unclear and not error.code:
            return _Result(partial(outbox.postpone, claimed, AWAY_SECONDS), stop=True)
        again = partial(
            outbox.retry, claimed, str(error), unclear=error.unclear, patient=_of_order(claimed) is not None
        )
        return _Result(again, stop=True)
    return _Result(partial(_sent, claimed, answer))


def _call(config: BotConfig, claimed: Claimed) -> object:
    """What a payload holds for us and not for Telegram is taken out of it."""
    params = {"chat_id": claimed.chat_id, **claimed.payload}
    picture_id, file_id = params.pop("picture_id", None), params.pop("stored_file_id", None)
    earlier = params.pop("message_of", None)
    for ours in ("lottery_post_id", "order_id"):
        params.pop(ours, None)
    call = Call(config, claimed.method, Priority.IMPORTANT)
    if isinstance(earlier, str):
        params["message_id"] = _message_id(call, claimed.tenant_id, earlier)
    if isinstance(file_id, int):
        return documents.send(call, params, file_id)
    return photos.send(call, params, picture_id) if isinstance(picture_id, int) else perform(call, params)


def _message_id(call: Call, tenant_id: int, dedupe_key: str) -> int:
    """An edit means a message that left before it, since those of a chat leave in their order."""
    with transaction():
        found = outbox.find_message_id(tenant_id, dedupe_key)
    if found is None:
        raise Refused(call.method, 400, "message to edit not found")
    return found


def _sent(claimed: Claimed, answer: object) -> None:
    message = answer if isinstance(answer, dict) else {}
    if not outbox.complete(claimed, message.get("message_id")):
        return
    if post := _number(claimed, "lottery_post_id"):
        posts.sent(post, message.get("chat", {}).get("id"), message.get("message_id"))
    if order := _of_order(claimed):
        delivery.heard(order)


def _buried(claimed: Claimed, reason: str) -> None:
    if not outbox.bury(claimed, reason):
        return
    if post := _number(claimed, "lottery_post_id"):
        posts.refused(post, reason)
    if order := _of_order(claimed):
        delivery.heard(order)


def _of_order(claimed: Claimed) -> int | None:
    return _number(claimed, "order_id")


def _number(claimed: Claimed, name: str) -> int | None:
    found = claimed.payload.get(name)
    return found if isinstance(found, int) else None
