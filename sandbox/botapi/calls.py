"""The register of methods, and what a method gets to see."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.botapi.checks import METHOD_CHECKS, MethodCheck
from sandbox.models import Bot
from sandbox.params import Params
from sandbox.world import World


@dataclass(slots=True)
class Call:
    """One call: who asks and with which parameters, already in their right types.

    `raw` are the parameters as they came, for uploads that others refer to by "attach://name".
    """

    world: World
    bot: Bot
    args: Params
    raw: Params


@dataclass(slots=True)
class Told:
    """The result true, with a description beside it."""

    description: str


Function = Callable[[Call], Any | Awaitable[Any]]


@dataclass(slots=True, frozen=True)
class Method:
    """A method under its name in the Bot API; names are matched without regard to case."""

    name: str
    check: MethodCheck
    function: Function


METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Function], Function]:
    """Register a function as this Bot API method."""

    def register(function: Function) -> Function:
        METHODS[name.lower()] = Method(name, METHOD_CHECKS[name], function)
        return function

    return register
