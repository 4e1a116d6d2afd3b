"""Yuanfenju and DeepSeek: keys, trouble and counters."""

from typing import Any

from sandbox.control.routes import Params, needed, number, route, whole
from sandbox.knobs import EVERYBODY, Knobs, NoSuchKnob
from sandbox.shapes import Json
from sandbox.world import Refused, World


def turned(knobs: Knobs[Any], params: Params) -> Json:
    """Change switches for `who` or everybody."""
    values = {name: value for name, value in params.items() if name != "who"}
    try:
        knobs.turn(str(params.get("who", EVERYBODY)), values)
    except NoSuchKnob as error:
        raise Refused(str(error)) from None
    return knobs.as_json()


@route("POST", "yuanfenju/keys")
def add_yuanfenju_key(world: World, params: Params) -> Json:
    """One more `key`, or a known one, with `calls` left (100,000)."""
    world.yuanfenju.keys[str(needed(params, "key"))] = whole(params, "calls", 100_000)
    return {"keys": world.yuanfenju.keys}


@route("POST", "yuanfenju/knobs")
def turn_yuanfenju(world: World, params: Params) -> Json:
    """Change switches for `who` (a key) or everybody."""
    return turned(world.yuanfenju.knobs, params)


@route("GET", "yuanfenju/counters")
def count_yuanfenju(world: World, _params: Params) -> Json:
    """Calls by method, and charts that were answered."""
    return {"calls": dict(world.yuanfenju.counters), "keys": world.yuanfenju.keys}


@route("POST", "deepseek/keys")
def add_deepseek_key(world: World, params: Params) -> Json:
    """One more `key`, or a known one, with `balance` US dollars (10)."""
    world.deepseek.keys[str(needed(params, "key"))] = number(params, "balance", 10.0)
    return {"keys": world.deepseek.keys}


@route("POST", "deepseek/knobs")
def turn_deepseek(world: World, params: Params) -> Json:
    """Change switches for `who` (a key) or everybody."""
    return turned(world.deepseek.knobs, params)


@route("GET", "deepseek/counters")
def count_deepseek(world: World, _params: Params) -> Json:
    """Requests asked, answered (paid for), finished and left, refusals by status, tokens, most at once, active."""
    return {**world.deepseek.counters, "active": world.deepseek.active, "keys": world.deepseek.keys}


@route("GET", "deepseek/requests")
def see_requests(world: World, params: Params) -> Json:
    """The newest requests as they came, oldest first; `limit` (100)."""
    return {"requests": list(world.deepseek.requests)[-whole(params, "limit", 100) :]}
