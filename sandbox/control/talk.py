"""People talk: single messages, presses, raw updates and crowds."""

import asyncio
from collections.abc import Awaitable, Iterator
from itertools import islice
from typing import Any

from sandbox import actions
from sandbox.control.routes import Params, bot_of, needed, number, person_of, route, whole
from sandbox.models import Bot, Person
from sandbox.shapes import Json
from sandbox.world import FIRST_PERSON, Refused, World

# Who speaks in a crowd, unless the request says otherwise.
CROWD = FIRST_PERSON + 1_000_000
# How often a crowd that speaks at a rate is let in, in seconds.
TICK = 0.02


@route("POST", "say")
def say(world: World, params: Params) -> Json:
    """`user` writes `text` to `bot`, or in `chat` (a group, or a channel that he administers)."""
    person, text = person_of(world, params), str(needed(params, "text"))
    if params.get("chat"):
        chat = world.get_chat(params["chat"])
        return actions.say_in(world, chat, person, text, whole(params, "reply_to"))
    return actions.say(world, bot_of(world, params), person, text)


@route("POST", "press")
def press(world: World, params: Params) -> Json:
    """`user` presses a button of `bot`: by `message_id` and `data`, or by its label `text`. In `chat` for groups."""
    person = person_of(world, params)
    if params.get("chat"):
        conversation = world.shared_conversation(world.get_chat(params["chat"]))
    else:
        conversation = world.private_conversation(bot_of(world, params), person)
    if params.get("data") is None:
        message_id, data = actions.find_button(conversation, str(needed(params, "text")))
    else:
        data = str(params["data"])
        message_id = whole(params, "message_id") or holder(conversation.messages, data)
    return actions.press(world, conversation, person, message_id, data)


def holder(messages: dict[int, Json], data: str) -> int:
    """The newest message with a button of this callback data; raises Refused."""
    for message in reversed(messages.values()):
        if data in actions.buttons_of(message):
            return int(message["message_id"])
    raise Refused("no_such_button")


@route("POST", "updates")
def inject(world: World, params: Params) -> Json:
    """Queue raw `updates` for `bot`: each {kind: payload}. Ids are given here, payloads go out unseen.

    Where an update is a message, its chat gets known to the bot.
    """
    bot = bot_of(world, params)
    given = needed(params, "updates")
    if not isinstance(given, list):
        raise Refused("updates_invalid")
    return {"update_ids": [inject_one(world, bot, dict(update)) for update in given]}


def inject_one(world: World, bot: Bot, update: Json) -> int:
    """One raw update."""
    update.pop("update_id", None)
    if len(update) != 1:
        raise Refused("updates_invalid")
    ((kind, payload),) = update.items()
    chat = (
        payload.get("chat") or payload.get("message", {}).get("chat", {}) if isinstance(payload, dict) else {}
    )
    sender = payload.get("from", {}) if isinstance(payload, dict) else {}
    if chat.get("type") == "private":
        bot.known_people.add(int(chat["id"]))
    queue = f"user {sender.get('id')}" if kind == "callback_query" else str(chat.get("id", 0))
    return world.notify(bot, kind, payload, queue)


@route("POST", "crowd")
def crowd(world: World, params: Params) -> Json | Awaitable[Json]:
    """Many people write: `users` of them (from `first_user` on) send `text` `each` times to each of `bots`.

    "{n}" in the text becomes the running number. Without `rate` all at once, else so many a second.
    `bots` is a list, or "*" for all; updates go round over bots and people.
    """
    names = params.get("bots", params.get("bot", "*"))
    bots = list(world.bots.values()) if names == "*" else [world.get_bot(name) for name in as_list(names)]
    first = whole(params, "first_user", CROWD)
    people = [world.person(first + offset) for offset in range(whole(params, "users", 1))]
    talk = speeches(world, bots, people, params)
    rate = number(params, "rate", 0)
    return at_rate(talk, rate) if rate else {"update_ids": list(talk)}


def speeches(world: World, bots: list[Bot], people: list[Person], params: Params) -> Iterator[int]:
    """Say everything, one update id after the other."""
    text, running = str(params.get("text", "/start")), 0
    for _ in range(whole(params, "each", 1)):
        for person in people:
            for bot in bots:
                running += 1
                yield actions.say(world, bot, person, text.replace("{n}", str(running)))["update_id"]


async def at_rate(talk: Iterator[int], rate: float) -> Json:
    """Let people speak at a steady rate, in small steps."""
    loop = asyncio.get_running_loop()
    start, update_ids = loop.time(), list[int]()
    while True:
        due = int((loop.time() - start) * rate) + 1 - len(update_ids)
        batch = list(islice(talk, due))
        update_ids += batch
        if len(batch) < due:
            return {"update_ids": update_ids, "seconds": loop.time() - start}
        await asyncio.sleep(TICK)


def as_list(value: Any) -> list[Any]:
    """A list of what may be one thing."""
    return value if isinstance(value, list) else [value]
