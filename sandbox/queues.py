"""A bot's queue of updates: putting in, confirming, waiting and expiry."""

import asyncio
from itertools import islice

import orjson

from sandbox.models import Bot, Clock, Poll, Update
from sandbox.shapes import Json

DAY = 86_400.0
CALLBACK_LIFE = 150.0


def put(bot: Bot, kind: str, payload: Json, queue: str, clock: Clock) -> Update | None:
    """Queue one update, or None when the bot did not subscribe to its kind.

    `queue` names what webhooks keep in order: the chat for messages, the person for pressed buttons.
    """
    if not bot.wants(kind):
        return None
    update_id = bot.next_update_id
    bot.next_update_id += 1
    life = CALLBACK_LIFE if kind in {"callback_query", "pre_checkout_query"} else DAY
    body = orjson.dumps({"update_id": update_id, kind: payload})
    update = Update(update_id, body, clock.now() + life, queue)
    if not bot.updates or update.expires_at < bot.soonest_expiry:
        bot.soonest_expiry = update.expires_at
    bot.updates[update_id] = update
    if bot.poll is not None:
        # Not at once: what one control request puts in together goes out in one answer.
        asyncio.get_running_loop().call_soon(wake, bot)
    return update


def wake(bot: Bot) -> None:
    """Answer the waiting poll if there is something to tell."""
    poll = bot.poll
    if poll is not None and bot.updates:
        finish(bot, list(islice(bot.updates.values(), poll.limit)))


def wait(bot: Bot, limit: int, seconds: float) -> asyncio.Future[list[Update]]:
    """A future of the next updates: an empty list after `seconds`, cancelled when a newer poll came."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Update]] = loop.create_future()
    bot.poll = Poll(answer, limit, loop.call_later(seconds, finish, bot, []))
    # Something may have come since the caller looked.
    wake(bot)
    return answer


def finish(bot: Bot, updates: list[Update]) -> None:
    """End the waiting poll with these updates."""
    poll, bot.poll = bot.poll, None
    if poll is not None:
        poll.timer.cancel()
        if not poll.answer.done():
            poll.answer.set_result(updates)


def interrupt(bot: Bot, error: Exception | None) -> None:
    """End the waiting poll with an error, or, without one, forget it because its client has left."""
    poll, bot.poll = bot.poll, None
    if poll is not None:
        poll.timer.cancel()
        if error is not None and not poll.answer.done():
            poll.answer.set_exception(error)


def confirm(bot: Bot, offset: int) -> None:
    """Forget what lies below `offset`; a negative one keeps only that many of the newest."""
    updates = bot.updates
    if offset < 0:
        while len(updates) > -offset:
            updates.popitem(last=False)
        return
    while updates and next(iter(updates)) < offset:
        updates.popitem(last=False)


def expire(bot: Bot, clock: Clock) -> None:
    """Forget what is too old."""
    now = clock.now()
    if not bot.updates or now < bot.soonest_expiry:
        return
    for update in [update for update in bot.updates.values() if update.expires_at <= now]:
        del bot.updates[update.id]
    bot.soonest_expiry = min((update.expires_at for update in bot.updates.values()), default=0.0)
