"""The door: POST /partner/<name>/credits takes a batch."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable

import orjson

from sandbox.http import Cut, Request, Response
from sandbox.models import Clock
from sandbox.partner.book import NotABatch, Partner, Visit, read_batch
from sandbox.partner.service import Service, Switches
from sandbox.partner.signatures import NotGenuine, check
from sandbox.shapes import Json

PATH = re.compile(r"/partner/([A-Za-z0-9_.-]{1,32})/credits", re.ASCII)
MAX_BODY = 256 * 1024
FOREVER = 600.0
HUGE = 64


class Api:
    """Takes batches, as well as its switches let it."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One batch."""
        found = PATH.fullmatch(request.path)
        partner = self._service.partners.get(found[1]) if found else None
        if partner is None:
            return said({"error": "no such partner"}, 404)
        switches = self._service.knobs.use(partner.name)
        response = self._answer(partner, request, switches)
        self._service.dirty = True
        seconds = FOREVER if switches.mode == "hang" else switches.seconds
        return later(response, seconds) if seconds else response

    def _answer(self, partner: Partner, request: Request, switches: Switches) -> Response:
        """Looks at the request as it should, except where the switches have it fail before."""
        visit = Visit(int(self._clock.now()), "", 0, 0)
        partner.visits.append(visit)
        early = troubled(switches)
        if early is not None:
            visit.status, visit.what = early.status, switches.mode
            return early
        try:
            batch_id, changes = self._read(partner, request)
            response = self._take(partner, batch_id, changes, switches)
            visit.batch_id, visit.count = batch_id, len(changes)
        except NotGenuine as error:
            response, visit.what = said({"error": str(error)}, 401), str(error)
        except NotABatch as error:
            response, visit.what = said({"error": str(error)}, 400), str(error)
        visit.status = response.status
        return response

    def _read(self, partner: Partner, request: Request) -> tuple[str, list[Json]]:
        now = self._clock.now()
        check(request, partner.key_id, partner.secret_key, now)
        if not partner.is_new(request.headers["x-nonce"], now):
            raise NotGenuine("the nonce was used before")
        if len(request.body) > MAX_BODY:
            raise NotABatch("larger than 256 KiB")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise NotABatch("application/json expected")
        try:
            return read_batch(orjson.loads(request.body))
        except orjson.JSONDecodeError:
            raise NotABatch("no JSON") from None

    def _take(self, partner: Partner, batch_id: str, changes: list[Json], switches: Switches) -> Response:
        unwanted = set(switches.refuse.split(",")) - {""}
        refused = [
            {"id": change["id"], "message": "没有这位用户"}
            for change in changes
            if unwanted & {str(change["id"]), str(change["telegram_id"]), change["reference"]}
        ]
        if refused and switches.how == "whole":
            return said({"error": "some of it is refused"}, 422)
        without = {one["id"] for one in refused}
        for change in changes:
            if change["id"] not in without:
                partner.take(change, self._clock.now())
        if switches.mode == "lost":
            return Response(status=0)
        told: Json = {"batch_id": "other" if switches.mode == "other" else batch_id}
        return said({**told, "refused": refused} if refused else told)


def troubled(switches: Switches) -> Response | None:
    """What is answered without looking at the batch."""
    mode = switches.mode
    if mode in {"cut", "hang"}:
        return Response(status=0)
    if mode == "html":
        return Response("<!doctype html><h1>维护中</h1>".encode(), content_type="text/html; charset=utf-8")
    if mode in {"half", "huge"}:
        return Response(stream=half() if mode == "half" else huge())
    if not mode.isdigit():
        return None
    headers = {"Retry-After": str(switches.retry_after)} if switches.retry_after else {}
    if mode.startswith("3"):
        headers["Location"] = switches.location or "/elsewhere"
    return Response(orjson.dumps({"error": mode}), int(mode), headers=headers)


async def half() -> AsyncIterator[bytes]:
    """An answer that breaks off."""
    yield b'{"batch_'
    raise Cut


async def huge() -> AsyncIterator[bytes]:
    """Far more than anybody wants to read."""
    yield b'{"batch_id": "'
    for _ in range(HUGE):
        await asyncio.sleep(0)
        yield b"x" * 65536
    yield b'"}'


async def later(response: Response, seconds: float) -> Response:
    """The same answer, late."""
    await asyncio.sleep(seconds)
    return response


def said(content: Json, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(orjson.dumps(content), status)
