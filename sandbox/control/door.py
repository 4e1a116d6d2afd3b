"""Answers /control/… requests."""

from collections.abc import Awaitable
from typing import Any
from urllib.parse import parse_qsl

import orjson

from sandbox.control import beacon, look, money, partner, people, services, stars, talk, trouble
from sandbox.control.routes import ROUTES
from sandbox.http import Request, Response
from sandbox.world import Refused, World

# Loading these modules registers their routes.
AREAS = (beacon, look, money, partner, people, services, stars, talk, trouble)


class Door:
    """The control door. It has no lock: listen on this machine only.

    POST wants JSON, which a foreign web page cannot send here without being asked first.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One control request."""
        function = ROUTES.get((request.method, request.path.removeprefix("/control/")))
        if function is None:
            return refused("unknown_request", 404)
        params: dict[str, Any] = dict(parse_qsl(request.query))
        if request.method == "POST":
            if not request.headers.get("content-type", "").startswith("application/json"):
                return refused("json_expected", 415)
            try:
                params.update(orjson.loads(request.body or b"{}"))
            except (orjson.JSONDecodeError, TypeError, ValueError):
                return refused("json_expected", 400)
        try:
            result = function(self._world, params)
        except Refused as error:
            return refused(str(error), 400)
        return (
            later(result)
            if isinstance(result, Awaitable)
            else Response(orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS))
        )


async def later(result: Awaitable[Any]) -> Response:
    """An answer that takes its time."""
    try:
        return Response(orjson.dumps(await result, option=orjson.OPT_NON_STR_KEYS))
    except Refused as error:
        return refused(str(error), 400)


def refused(error: str, status: int) -> Response:
    """An answer that something cannot be done; `error` is a word for programs."""
    return Response(orjson.dumps({"ok": False, "error": error}), status)
