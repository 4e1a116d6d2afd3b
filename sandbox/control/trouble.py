"""Trouble on order, and how the sandbox itself behaves."""

from sandbox.control.routes import Params, done, find_bot_id, needed, number, route, whole
from sandbox.faults import Fault, Latency, Limits
from sandbox.shapes import Json
from sandbox.webhooks import Patience
from sandbox.world import World


@route("GET", "orders")
def orders(world: World, _params: Params) -> Json:
    """What is ordered now."""
    return world.faults.orders()


@route("POST", "errors")
def order_error(world: World, params: Params) -> Json:
    """Answer coming calls with an error.

    `status` (0 cuts the connection), `description`, `retry_after`, `migrate_to_chat_id`; for `bot` and `method` and
    `chat` or all of them; `count` calls, or until cleared.
    """
    fault = Fault(
        status=int(needed(params, "status")), description=str(params.get("description", "")),
        bot_id=find_bot_id(world, params), method=params.get("method"),
        chat_id=str(params["chat"]) if "chat" in params else None, retry_after=params.get("retry_after"),
        migrate_to_chat_id=params.get("migrate_to_chat_id"), count=params.get("count"),
    )  # fmt: skip
    world.faults.faults.append(fault)
    return done()


@route("POST", "latency")
def order_latency(world: World, params: Params) -> Json:
    """Hold answers back by `ms` (give or take `jitter_ms`), for `bot` and `method` or all."""
    order = Latency(
        number(params, "ms", 0),
        number(params, "jitter_ms", 0),
        find_bot_id(world, params),
        params.get("method"),
    )
    world.faults.latencies.append(order)
    return done()


@route("POST", "limits")
def order_limits(world: World, params: Params) -> Json:
    """Flood limits for `bot` or all: `per_second`, `per_chat` (a second), `per_group_minute`, `burst` in one chat."""
    limits = Limits(
        params.get("per_second"),
        params.get("per_chat"),
        params.get("per_group_minute"),
        whole(params, "burst", 1),
    )
    world.faults.limits[find_bot_id(world, params)] = limits
    return done()


@route("POST", "orders/clear")
def clear(world: World, _params: Params) -> Json:
    """No errors, slowness, limits, misbehaving relays and services any more."""
    world.faults.clear()
    world.relays.ordered.clear()
    world.desk.book.knobs.clear()
    world.yuanfenju.knobs.clear()
    world.deepseek.knobs.clear()
    world.partners.knobs.clear()
    return done()


@route("POST", "settings")
def change_settings(world: World, params: Params) -> Json:
    """`strict` (brakes on clients in a hurry), `retry_scale` and `webhook_timeout` of deliveries."""
    settings = world.settings
    settings.strict = bool(params.get("strict", settings.strict))
    settings.retry_scale = number(params, "retry_scale", settings.retry_scale)
    settings.webhook_timeout = number(params, "webhook_timeout", settings.webhook_timeout)
    world.deliveries.patience = Patience(settings.retry_scale, settings.webhook_timeout)
    for bot in world.bots.values():
        world.deliveries.start(bot)
    return done()


@route("POST", "clock")
def push_clock(world: World, params: Params) -> Json:
    """Let `seconds` pass for expiry and dates."""
    world.clock.ahead += number(params, "seconds", 0)
    return {"now": world.clock.now()}


@route("POST", "reset")
def reset(world: World, _params: Params) -> Json:
    """Forget everything: bots, chats, payments, calls and orders, and how far the clock was pushed."""
    world.clear()
    world.clock.ahead = 0.0
    world.faults.clear()
    world.relays.ordered.clear()
    world.journal.clear()
    world.shelf.clear()
    return done()
