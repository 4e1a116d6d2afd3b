"""Keeping the world in a file, so that demo bots and their chats survive a restart."""

from collections import OrderedDict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from sandbox.files import Stored
from sandbox.models import Bot, Chat, Person, Update, Webhook
from sandbox.shapes import Json
from sandbox.world import World

VERSION = 1
# After an unclean end ids go on this much later, so that no id is given out twice.
JUMP = 10_000
PLAIN = (
    "id", "token", "username", "name", "next_update_id", "next_message_id", "can_read_all", "allowed_updates", "commands",
)  # fmt: skip


def snapshot(world: World, *, clean: bool) -> bytes:
    """The world as JSON; `clean` says that nothing can have happened after it."""
    return orjson.dumps({
        "version": VERSION,
        "clean": clean,
        "bots": [bot_json(bot) for bot in world.bots.values()],
        "people": [asdict(person) for person in world.people.values()],
        "chats": [asdict(chat) for chat in world.chats.values()],
        "files": [asdict(stored) for stored in world.shelf.files.values()],
        "private": [
            {"bot": bot_id, "person": person_id, "messages": list(talk.messages.values()), "keyboard": talk.keyboard}
            for (bot_id, person_id), talk in world.private.items()
        ],
        "shared": [
            {"chat": chat_id, "messages": list(talk.messages.values())} for chat_id, talk in world.shared.items()
        ],
        "pingpong": world.desk.book.snapshot(),
        "stars": world.stars.snapshot(),
        "partners": world.partners.snapshot(),
    }, option=orjson.OPT_NON_STR_KEYS)  # fmt: skip


def bot_json(bot: Bot) -> Json:
    """One bot with its queue; waiting polls and pressed buttons are not kept."""
    plain: Json = {name: getattr(bot, name) for name in PLAIN}
    return {
        **plain,
        "blocked_by": list(bot.blocked_by),
        "known_people": list(bot.known_people),
        "webhook": asdict(bot.webhook) if bot.webhook else None,
        "updates": [
            {
                "id": update.id,
                "body": update.body.decode(),
                "expires_at": update.expires_at,
                "queue": update.queue,
            }
            for update in bot.updates.values()
        ],
    }


def save(world: World, path: Path, *, clean: bool) -> None:
    """Write the snapshot; the old file stays whole until the new one is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_bytes(snapshot(world, clean=clean))
    new.replace(path)
    world.dirty = world.desk.book.dirty = world.partners.dirty = False


def load(world: World, path: Path) -> None:
    """Fill an empty world from a snapshot, if there is one."""
    if not path.is_file():
        return
    data = orjson.loads(path.read_bytes())
    jump = 0 if data["clean"] else JUMP
    world.people = {person["id"]: Person(**person) for person in data["people"]}
    for chat in data["chats"]:
        chat["members"] = {int(member): status for member, status in chat["members"].items()}
        chat["boosts"] = {int(member): boosts for member, boosts in chat.get("boosts", {}).items()}
        world.chats[chat["id"]] = Chat(**chat)
    if "pingpong" in data:
        world.desk.book.restore(data["pingpong"])
    if "stars" in data:
        world.stars.restore(data["stars"])
    world.partners.restore(data.get("partners", []))
    world.shelf.files = {stored["file_id"]: Stored(**stored) for stored in data["files"]}
    for entry in data["bots"]:
        world.keep_bot(load_bot(entry, jump))
    for entry in data["private"]:
        talk = world.private_conversation(world.bots[entry["bot"]], world.person(entry["person"]))
        talk.restore(entry["messages"], entry["keyboard"])
    for entry in data["shared"]:
        last = max((message["message_id"] for message in entry["messages"]), default=0)
        talk = world.shared_conversation(world.chats[entry["chat"]], first_id=last + 1 + jump)
        talk.restore(entry["messages"], None)
    for bot in world.bots.values():
        world.deliveries.start(bot)


def load_bot(entry: dict[str, Any], jump: int) -> Bot:
    """One bot from its JSON."""
    bot = Bot(**{name: entry[name] for name in PLAIN})
    bot.next_update_id += jump
    bot.next_message_id += jump
    bot.blocked_by, bot.known_people = set(entry["blocked_by"]), set(entry["known_people"])
    bot.webhook = Webhook(**entry["webhook"]) if entry["webhook"] else None
    updates = [Update(**{**update, "body": update["body"].encode()}) for update in entry["updates"]]
    bot.updates = OrderedDict((update.id, update) for update in updates)
    bot.soonest_expiry = min((update.expires_at for update in updates), default=0.0)
    return bot
