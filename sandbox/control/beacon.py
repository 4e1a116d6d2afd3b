"""The drand relays: how they behave."""

from sandbox import drand
from sandbox.control.routes import Params, done, number, route
from sandbox.shapes import Json
from sandbox.world import Refused, World


@route("GET", "drand")
def chain(world: World, _params: Params) -> Json:
    """The chain, as DRAND_CHAIN and the verifiers want it, its newest round, and the relays that misbehave."""
    newest = drand.newest_round(world.clock.now())
    relays = {name: {"mode": one.mode, "seconds": one.seconds} for name, one in world.relays.ordered.items()}
    return {**drand.info(), "newest": newest, "relays": relays}


@route("POST", "drand")
def order(world: World, params: Params) -> Json:
    """Let `relay` (or all) be "ok", "down", "late" by `seconds`, or "lying" in `mode`."""
    mode = str(params.get("mode", "ok"))
    if mode not in drand.MODES:
        raise Refused("mode_invalid")
    world.relays.order(str(params.get("relay", "*")), mode, number(params, "seconds", 60))
    return done()
