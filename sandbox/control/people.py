"""Bots, people, groups and channels: made, listed and changed."""

from dataclasses import asdict

from sandbox import actions
from sandbox.botapi.errors import ApiError
from sandbox.control.routes import Params, bot_of, done, needed, person_of, route, whole
from sandbox.models import Bot
from sandbox.queues import interrupt
from sandbox.shapes import Json
from sandbox.world import World

STATUSES = ("creator", "administrator", "member", "restricted", "left", "kicked")
PAGE = 200


def bot_json(bot: Bot) -> Json:
    """A bot for lists."""
    return {
        "id": bot.id, "username": bot.username, "name": bot.name, "token": bot.token,
        "pending_updates": len(bot.updates), "webhook_url": bot.webhook.url if bot.webhook else "",
        "is_polled": bot.poll is not None,
    }  # fmt: skip


@route("GET", "bots")
def list_bots(world: World, params: Params) -> Json:
    """Some bots, the first ones first: `offset`, `limit` (200)."""
    offset, limit = whole(params, "offset"), whole(params, "limit", PAGE)
    bots = list(world.bots.values())[offset : offset + limit]
    return {"bots": [bot_json(bot) for bot in bots], "total": len(world.bots)}


@route("POST", "bots")
def create_bot(world: World, params: Params) -> Json:
    """Make a bot: `username`, `name`, and `token` where it must be a certain one.

    With `if_missing` an existing bot of that username is answered as it is, with its own token.
    """
    username = str(needed(params, "username")).removeprefix("@")
    found = world.find_bot(username) if params.get("if_missing") else None
    return bot_json(
        found or world.create_bot(username, str(params.get("name", "")), str(params.get("token", "")))
    )


@route("POST", "bots/bulk")
def create_bots(world: World, params: Params) -> Json:
    """Make `count` bots called `prefix`1_bot and so on."""
    prefix = params.get("prefix", "load")
    bots = [
        world.create_bot(f"{prefix}{number}_bot", "") for number in range(1, whole(params, "count", 1) + 1)
    ]
    return {"tokens": [bot.token for bot in bots]}


@route("POST", "bots/revoke")
def revoke_token(world: World, params: Params) -> Json:
    """Give `bot` a new token; calls with the old one get 401, also the poll that waits."""
    bot = bot_of(world, params)
    interrupt(bot, ApiError(401, "Unauthorized"))
    world.replace_token(bot)
    return bot_json(bot)


@route("POST", "bots/delete")
def delete_bot(world: World, params: Params) -> Json:
    """Remove `bot`."""
    bot = bot_of(world, params)
    interrupt(bot, ApiError(401, "Unauthorized"))
    world.remove_bot(bot)
    return done()


@route("POST", "bots/privacy")
def set_privacy(world: World, params: Params) -> Json:
    """With `enabled` false the bot reads everything in groups."""
    bot_of(world, params).can_read_all = not params.get("enabled", True)
    return done()


@route("GET", "users")
def list_users(world: World, params: Params) -> Json:
    """The first people."""
    limit = whole(params, "limit", PAGE)
    return {
        "users": [asdict(person) for person in list(world.people.values())[:limit]],
        "total": len(world.people),
    }


@route("POST", "users")
def change_user(world: World, params: Params) -> Json:
    """Make or change a person: `id`, first_name, last_name, username, language_code, deactivated."""
    person = world.person(whole(params, "id") or world.new_person_id())
    for name in ("first_name", "last_name", "username", "language_code"):
        if name in params:
            setattr(person, name, str(params[name]))
    person.deactivated = bool(params.get("deactivated", person.deactivated))
    world.dirty = True
    return asdict(person)


@route("POST", "block")
def block(world: World, params: Params) -> Json:
    """`user` blocks `bot`: it gets 403, and a my_chat_member update."""
    actions.block(world, bot_of(world, params), person_of(world, params))
    return done()


@route("POST", "unblock")
def unblock(world: World, params: Params) -> Json:
    """`user` unblocks `bot`."""
    actions.unblock(world, bot_of(world, params), person_of(world, params))
    return done()


@route("GET", "chats")
def list_chats(world: World, params: Params) -> Json:
    """Groups and channels; with `bot` those that it belongs to."""
    chats = list(world.chats.values())
    if params.get("bot"):
        bot = bot_of(world, params)
        chats = [chat for chat in chats if bot in actions.bots_in(world, chat)]
    return {"chats": [asdict(chat) for chat in chats[: whole(params, "limit", PAGE)]], "total": len(chats)}


@route("POST", "chats")
def create_chat(world: World, params: Params) -> Json:
    """Make a chat: `type` (group, supergroup, channel), `title`, `username`, `id`, `members` {id: status}."""
    kind, title = str(params.get("type", "supergroup")), str(needed(params, "title"))
    chat = world.create_chat(kind, title, str(params.get("username", "")), whole(params, "id"))
    for member, status in params.get("members", {}).items():
        set_member(world, {"chat": chat.id, "user": member, "status": status})
    return asdict(chat)


@route("POST", "members")
def set_member(world: World, params: Params) -> Json:
    """Set the `status` of `user` (a person's id, or a bot by id or username) in `chat`."""
    chat, status = world.get_chat(needed(params, "chat")), params.get("status", "member")
    if status not in STATUSES:
        return {"ok": False, "error": "status_invalid"}
    name = needed(params, "user")
    bot = world.find_bot(name)
    member_id = bot.id if bot is not None else world.person(int(name)).id
    by = world.person(whole(params, "by") or (member_id if bot is None else next(iter(world.people))))
    actions.set_member(world, chat, member_id, status, by)
    return done()


@route("POST", "boosts")
def give_boosts(world: World, params: Params) -> Json:
    """Let `user` boost `chat` so many times (`count`, 1); 0 takes them back."""
    chat, person = world.get_chat(needed(params, "chat")), person_of(world, params)
    chat.boosts[person.id] = whole(params, "count", 1)
    world.dirty = True
    return done()


@route("POST", "chats/migrate")
def migrate(world: World, params: Params) -> Json:
    """Upgrade a group to a supergroup; the old id answers 400 with migrate_to_chat_id."""
    return asdict(actions.migrate(world, world.get_chat(needed(params, "chat"))))
