"""The register of control requests, and reading their parameters."""

from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.models import Bot, Person
from sandbox.shapes import Json
from sandbox.world import Refused, World

Params = dict[str, Any]
Function = Callable[[World, Params], Any | Awaitable[Any]]

ROUTES: dict[tuple[str, str], Function] = {}


def route(verb: str, path: str) -> Callable[[Function], Function]:
    """Register a function for "GET /control/<path>" or its like."""

    def register(function: Function) -> Function:
        ROUTES[verb, path] = function
        return function

    return register


def needed(params: Params, name: str) -> Any:
    """A parameter that must be there; raises Refused."""
    value = params.get(name)
    if value is None or value == "":
        raise Refused(f"{name}_missing")
    return value


def number(params: Params, name: str, default: float) -> float:
    """A number, also when it came in the query; raises Refused."""
    try:
        return float(params.get(name, default))
    except (TypeError, ValueError):
        raise Refused(f"{name}_invalid") from None


def whole(params: Params, name: str, default: int = 0) -> int:
    """A whole number; raises Refused."""
    return int(number(params, name, default))


def bot_of(world: World, params: Params) -> Bot:
    """The bot that `bot` names: id, username or token."""
    return world.get_bot(needed(params, "bot"))


def find_bot_id(world: World, params: Params) -> int | None:
    """The id of the bot that `bot` names, None for all bots ("*" or nothing)."""
    return None if params.get("bot", "*") == "*" else bot_of(world, params).id


def person_of(world: World, params: Params, name: str = "user") -> Person:
    """The person that `user` names by id, made up at first sight."""
    return world.person(whole(params, name, int(needed(params, name))))


def done() -> Json:
    """The answer where there is nothing to tell."""
    return {"ok": True}
