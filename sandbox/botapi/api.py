"""The door for bots: /bot<token>/<method> and /file/bot<token>/<path>."""

import asyncio
from collections.abc import Awaitable
from typing import Any
from urllib.parse import unquote

import orjson

from sandbox.botapi import callbacks, chats, editing, me, sending, stars, updates
from sandbox.botapi.calls import METHODS, Call, Method, Told
from sandbox.botapi.errors import ApiError, bad_request, too_many
from sandbox.faults import Fault
from sandbox.http import Request, Response
from sandbox.journal import Call as Entry
from sandbox.models import Bot
from sandbox.params import BadParams, Params, read_params
from sandbox.shapes import Json
from sandbox.world import World, valid_token

# Loading these modules registers their methods.
AREAS = (callbacks, chats, editing, me, sending, stars, updates)
NO_FIELDS: frozenset[str] = frozenset()


class Api:
    """Answers bots."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One call of a bot."""
        token, _, name = unquote(request.path).removeprefix("/bot").rpartition("/")
        bot = self._world.bots_by_token.get(token)
        if bot is None:
            return error_response(stranger(token))
        params: Params = {}
        try:
            params = read_params(request)
        except BadParams as error:
            return self._answer(bot, name, params, NO_FIELDS, bad_request(str(error)))
        method = METHODS.get(name.lower())
        chat_id = str(params.get("chat_id", ""))
        fault = self._world.faults.take(bot.id, name, chat_id) if self._world.faults.faults else None
        if fault is not None:
            return self._answer(bot, name, params, NO_FIELDS, ordered(fault))
        if method is None:
            return self._answer(bot, name, params, NO_FIELDS, ApiError(404, "Not Found: method not found"))
        seconds = self._world.faults.over_limit(bot.id, method.name, chat_id, self._world.clock.now())
        if seconds:
            return self._answer(bot, method.name, params, method.check.known, too_many(seconds))
        return self._run(bot, method, params)

    def handle_file(self, request: Request) -> Response:
        """One download."""
        token, _, path = unquote(request.path).removeprefix("/file/bot").partition("/")
        if token not in self._world.bots_by_token:
            return error_response(stranger(token))
        stored = self._world.shelf.by_path(path)
        data = self._world.shelf.read(stored) if stored is not None else None
        if stored is None or data is None:
            return error_response(ApiError(404, "Not Found"))
        return Response(data, content_type=stored.content_type)

    def _run(self, bot: Bot, method: Method, params: Params) -> Response | Awaitable[Response]:
        try:
            result = method.function(Call(self._world, bot, method.check(params), params))
        except ApiError as error:
            return self._answer(bot, method.name, params, method.check.known, error)
        if isinstance(result, Awaitable):
            return self._wait(bot, method, params, result)
        return self._answer(bot, method.name, params, method.check.known, result)

    async def _wait(self, bot: Bot, method: Method, params: Params, result: Awaitable[Any]) -> Response:
        try:
            answer = await result
        except ApiError as error:
            answer = error
        response = self._answer(bot, method.name, params, method.check.known, answer)
        return response if isinstance(response, Response) else await response

    def _answer(
        self, bot: Bot, name: str, params: Params, known: frozenset[str], result: object
    ) -> Response | Awaitable[Response]:
        """Log the call and wrap its result, later if slowness was ordered."""
        world = self._world
        if isinstance(result, ApiError):
            status, text, response = result.code, result.description, error_response(result)
        else:
            status, text, response = 200, "", result_response(result)
        world.journal.note(Entry(world.clock.now(), bot.id, name, params, status, text, known))
        if world.faults.latencies:
            seconds = world.faults.delay(bot.id, name)
            if seconds:
                return later(response, seconds)
        return response


async def later(response: Response, seconds: float) -> Response:
    """An answer that is held back."""
    await asyncio.sleep(seconds)
    return response


def stranger(token: str) -> ApiError:
    """The error for a token that nobody has."""
    return ApiError(401, "Unauthorized") if valid_token(token) else ApiError(404, "Not Found")


def ordered(fault: Fault) -> ApiError:
    """An ordered error; a 429 without a text gets the usual one."""
    text = fault.description
    if not text and fault.retry_after:
        text = f"Too Many Requests: retry after {fault.retry_after}"
    return ApiError(
        fault.status, text or "Ordered by the control door",
        retry_after=fault.retry_after or 0, migrate_to_chat_id=fault.migrate_to_chat_id or 0,
    )  # fmt: skip


def result_response(result: object) -> Response:
    """An answer with "ok": true."""
    if isinstance(result, Told):
        return Response(orjson.dumps({"ok": True, "result": True, "description": result.description}))
    return Response(b'{"ok":true,"result":' + orjson.dumps(result) + b"}")


def error_response(error: ApiError) -> Response:
    """An answer with "ok": false."""
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    headers = {}
    if error.retry_after:
        body["parameters"] = {"retry_after": error.retry_after}
        headers["Retry-After"] = str(error.retry_after)
    elif error.migrate_to_chat_id:
        body["parameters"] = {"migrate_to_chat_id": error.migrate_to_chat_id}
    return Response(orjson.dumps(body), error.code, headers=headers)
