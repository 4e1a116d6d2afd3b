"""The bot about itself: getMe, its commands, logOut and close."""

import re
from typing import Any

import orjson

from sandbox.botapi.calls import Call, method
from sandbox.botapi.errors import ApiError, bad_request
from sandbox.shapes import Json

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
MAX_COMMANDS = 100


@method("getMe")
def get_me(call: Call) -> Json:
    """Who the bot is."""
    return {
        **call.bot.user(), "can_join_groups": True, "can_read_all_group_messages": call.bot.can_read_all,
        "supports_inline_queries": False, "can_connect_to_business": False, "has_main_web_app": False,
    }  # fmt: skip


@method("setMyCommands")
def set_my_commands(call: Call) -> bool:
    """Keep the commands of one scope and language."""
    commands = call.args["commands"]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    call.bot.commands[scope_of(call)] = [checked_command(command) for command in commands]
    call.world.dirty = True
    return True


@method("getMyCommands")
def get_my_commands(call: Call) -> list[Json]:
    """The commands of one scope and language."""
    return call.bot.commands.get(scope_of(call), [])


@method("deleteMyCommands")
def delete_my_commands(call: Call) -> bool:
    """Forget the commands of one scope and language."""
    call.bot.commands.pop(scope_of(call), None)
    call.world.dirty = True
    return True


@method("logOut")
def log_out(call: Call) -> bool:
    """Leave this server; here it only stops deliveries."""
    call.world.deliveries.stop(call.bot)
    return True


@method("close")
def close(call: Call) -> bool:
    """End the bot's instance on the server; here it only stops deliveries."""
    call.world.deliveries.stop(call.bot)
    return True


def scope_of(call: Call) -> str:
    """A key of scope and language; the default scope without a language is "default"."""
    scope = call.args.get("scope") or {"type": "default"}
    language = call.args.get("language_code", "")
    if scope == {"type": "default"}:
        return f"default {language}".strip()
    return f"{orjson.dumps(scope, option=orjson.OPT_SORT_KEYS).decode()} {language}".strip()


def checked_command(command: Any) -> Json:
    """A BotCommand; raises ApiError."""
    if not isinstance(command, dict):
        raise bad_request("expected an Object as a BotCommand")
    name, description = str(command.get("command", "")).removeprefix("/"), str(command.get("description", ""))
    if not COMMAND.fullmatch(name):
        raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= 256:
        raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description}
