"""Looking and waiting: calls, counters, messages, what is new in a chat."""

import asyncio
import re
from collections.abc import Callable

from sandbox.control.routes import Params, bot_of, find_bot_id, needed, number, route, whole
from sandbox.conversations import Conversation
from sandbox.shapes import Json
from sandbox.world import World

LONGEST_WAIT = 120.0


@route("GET", "calls")
def calls(world: World, params: Params) -> Json:
    """The newest calls: of `bot`, of `method`, with a number above `after`; `limit` (1,000)."""
    found = world.journal.find(
        find_bot_id(world, params), params.get("method"), whole(params, "after"), whole(params, "limit", 1000)
    )
    return {"calls": found, "last": world.journal.number}


@route("GET", "counters")
def counters(world: World, _params: Params) -> Json:
    """How often each method was called, errors by status, and how much waits."""
    return {
        "calls": dict(world.journal.counters), "total": world.journal.number, "bots": len(world.bots),
        "polled": sum(bot.poll is not None for bot in world.bots.values()),
        "pending_updates": sum(len(bot.updates) for bot in world.bots.values()),
    }  # fmt: skip


@route("GET", "queue")
def queue(world: World, params: Params) -> Json:
    """What waits for `bot`, and how it gets it."""
    bot = bot_of(world, params)
    return {
        "pending": list(bot.updates), "next_update_id": bot.next_update_id, "is_polled": bot.poll is not None,
        "webhook_url": bot.webhook.url if bot.webhook else "", "allowed_updates": bot.allowed_updates,
    }  # fmt: skip


@route("GET", "messages")
def messages(world: World, params: Params) -> Json:
    """The newest messages of `bot` in `chat` (a person's id, a group's id or @channel), oldest first."""
    conversation = world.conversation(bot_of(world, params), needed(params, "chat"))
    found = conversation.last(whole(params, "limit", 100))
    return {"messages": found, "keyboard": conversation.keyboard, "revision": conversation.revision}


@route("GET", "wait")
async def wait(world: World, params: Params) -> Json:
    """Wait up to `timeout` seconds (10) for a message of a bot in `chat` that holds `text`.

    Only what came or changed after revision `after` counts. `regex` instead of `text` for a pattern.
    Without success `message` is null and `seen` holds the texts that were there.
    """
    conversation = world.conversation(bot_of(world, params), needed(params, "chat"))
    after = whole(params, "after")
    pattern = re.compile(
        params["regex"] if "regex" in params else re.escape(params.get("text", "")), re.DOTALL
    )

    def look() -> Json | None:
        found = [
            message
            for message in conversation.newer(after)
            if is_bots(message) and pattern.search(words(message))
        ]
        return (
            {"message": found[0], "revision": conversation.revision_of(found[0]["message_id"])}
            if found
            else None
        )

    found = await patiently(conversation, number(params, "timeout", 10), look)
    if found is not None:
        return found
    seen = [words(message) for message in conversation.last(20)]
    return {"message": None, "seen": seen, "revision": conversation.revision}


@route("GET", "wait_answer")
async def wait_answer(world: World, params: Params) -> Json:
    """Wait up to `timeout` seconds for the answer to `callback_query_id` in `chat` of `bot`; null when none came."""
    conversation = world.conversation(bot_of(world, params), needed(params, "chat"))
    query_id = str(needed(params, "callback_query_id"))

    def look() -> Json | None:
        return next((note for note in conversation.notes if note.get("callback_query_id") == query_id), None)

    return {"answer": await patiently(conversation, number(params, "timeout", 10), look)}


@route("GET", "feed")
async def feed(world: World, params: Params) -> Json:
    """What is new in a chat after revision `after`; waits up to `timeout` seconds (25) when nothing is."""
    conversation = world.conversation(bot_of(world, params), needed(params, "chat"))
    after = whole(params, "after")
    # A page from before a reset or restart knows a revision that was never reached again.
    restarted = after > conversation.revision
    after = 0 if restarted else after
    await conversation.changed(after, min(LONGEST_WAIT, number(params, "timeout", 25)))
    found = sorted(conversation.newer(after), key=lambda message: int(message["message_id"]))
    return {
        "restarted": restarted, "revision": conversation.revision, "messages": found,
        "notes": conversation.newer_notes(after) if after else [], "keyboard": conversation.keyboard,
        "now": world.clock.now(),
    }  # fmt: skip


async def patiently(
    conversation: Conversation, seconds: float, look: Callable[[], Json | None]
) -> Json | None:
    """Look again at every change until there is something or the time is over."""
    deadline = asyncio.get_running_loop().time() + min(LONGEST_WAIT, seconds)
    while True:
        revision, found = conversation.revision, look()
        left = deadline - asyncio.get_running_loop().time()
        if found is not None or left <= 0:
            return found
        await conversation.changed(revision, left)


def is_bots(message: Json) -> bool:
    """Whether a bot wrote it."""
    return "sender_chat" in message or bool(message.get("from", {}).get("is_bot"))


def words(message: Json) -> str:
    """What can be read in a message: text, or caption, file name and an invoice's title."""
    file_name, title = (
        message.get("document", {}).get("file_name", ""),
        message.get("invoice", {}).get("title", ""),
    )
    return str(message.get("text") or " ".join([message.get("caption", ""), file_name, title]))
