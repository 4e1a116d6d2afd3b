"""Partners: their keys, trouble with them, and what they have received."""

import re

from sandbox.control.routes import Params, needed, route
from sandbox.control.services import turned
from sandbox.partner.book import Partner
from sandbox.partner.service import MOST_PARTNERS
from sandbox.shapes import Json
from sandbox.world import Refused, World

NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}", re.ASCII)
KEYS = ("key_id", "secret_key", "site", "source", "api_key", "api_secret")


def known(world: World, params: Params) -> Partner:
    """The partner that `name` names; raises Refused."""
    partner = world.partners.partners.get(str(needed(params, "name")))
    if partner is None:
        raise Refused("no_such_partner")
    return partner


@route("POST", "partner/keys")
def set_keys(world: World, params: Params) -> Json:
    """A new partner `name`, or other keys: `key_id` and `secret_key` of batches; `site`, `source`, `api_key` and `api_secret` of the ledger's API."""
    name = str(needed(params, "name"))
    if not NAME.fullmatch(name):
        raise Refused("name_invalid")
    if name not in world.partners.partners and len(world.partners.partners) >= MOST_PARTNERS:
        raise Refused("too_many_partners")
    partner = world.partners.partner(name)
    for key in KEYS:
        if key in params:
            setattr(partner, key, str(params[key]))
    world.partners.dirty = True
    return partner.as_json()


@route("GET", "partner")
def see(world: World, params: Params) -> Json:
    """What `name` has received: changes, balances, copies, late, conflicts, visits."""
    return known(world, params).as_json()


@route("POST", "partner/forget")
def forget(world: World, params: Params) -> Json:
    """The partner keeps its keys and forgets what it received."""
    old = known(world, params)
    world.partners.partners[old.name] = Partner(old.name, **{key: getattr(old, key) for key in KEYS})
    world.partners.dirty = True
    return world.partners.partners[old.name].as_json()


@route("POST", "partner/knobs")
def turn_partner(world: World, params: Params) -> Json:
    """Change switches for `who` (a partner's name) or everybody."""
    return turned(world.partners.knobs, params)
