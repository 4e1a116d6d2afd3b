"""Calls of the credit API through the door in front of Flask, in this process."""

import asyncio
import json as json_module
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from app.http import credits_door
from app.http.serving import Pages
from app.services.credit_clients import lookup
from tests.crediting import Project
from tests.credits_calling import SHE, busy_project, give, posting

SYNC = "/api/credits/sync"
Step = Callable[["Doorway"], Awaitable[Any]]


@dataclass
class Sent:
    """A call as it goes over the wire."""

    headers: list[tuple[str, str]]
    body: bytes = b""
    path: str = SYNC
    method: str = "POST"


@dataclass
class Heard:
    """Its answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""

    @property
    def json(self) -> Any:
        return json_module.loads(self.data)


def signed(
    project: Project, body: object, *, path: str = SYNC, method: str = "POST", **overrides: Any
) -> Sent:
    """A signed call; `drop` and `more` = headers to leave out and to add."""
    raw = body if isinstance(body, bytes) else json_module.dumps(body).encode()
    drop, more = overrides.pop("drop", ()), overrides.pop("more", {})
    headers = {**project.headers(method, path, raw, **overrides), "Content-Type": "application/json", **more}
    return Sent([(name, value) for name, value in headers.items() if name not in drop], raw, path, method)


class Doorway:
    """The door with Flask behind it; counts what it passes on."""

    def __init__(self, flask: Flask) -> None:
        self.passed_on = 0
        self._pages = Pages(flask)
        self.app = credits_door.asgi_app(self._behind, flask)

    async def _behind(self, scope: Any, receive: Any, send: Any) -> None:
        self.passed_on += scope["type"] == "http"
        await self._pages(scope, receive, send)

    async def ask(self, sent: Sent) -> Heard:
        """One call."""
        heard = Heard()
        path, _, query = sent.path.partition("?")
        given = [("host", "localhost"), ("content-length", str(len(sent.body))), *sent.headers]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": sent.method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given],
            "client": ("127.0.0.1", 5),
            "server": ("localhost", 80),
        }
        parts = iter([sent.body])

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": next(parts, b""), "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                heard.status = message["status"]
                heard.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                heard.data += message.get("body", b"")

        await self.app(scope, receive, send)
        return heard


def through(flask: Flask, act: Step) -> tuple[Any, int]:
    """What `act` answers between start and end of a server, and how many calls went on to Flask."""

    async def live() -> tuple[Any, int]:
        doorway = Doorway(flask)
        commands: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        said: asyncio.Queue[Any] = asyncio.Queue()
        life = asyncio.create_task(doorway.app({"type": "lifespan"}, commands.get, said.put))
        await commands.put({"type": "lifespan.startup"})
        await said.get()
        try:
            return await act(doorway), doorway.passed_on
        finally:
            await commands.put({"type": "lifespan.shutdown"})
            await life

    return asyncio.run(live())


def together(flask: Flask, calls: Sequence[Sent]) -> tuple[list[Heard], int]:
    """Calls that come at the same moment."""

    async def act(doorway: Doorway) -> list[Heard]:
        return list(await asyncio.gather(*map(doorway.ask, calls)))

    return through(flask, act)


def one_by_one(flask: Flask, calls: Sequence[Sent]) -> tuple[list[Heard], int]:
    """Calls that each wait for the one before."""

    async def act(doorway: Doorway) -> list[Heard]:
        return [await doorway.ask(call) for call in calls]

    return through(flask, act)


def known(tenant_id: int, source: str = "shop", **key: Any) -> Project:
    """A project without limits, which this process has seen; SHE has 100 credits there."""
    give(tenant_id, SHE, 100)
    made = busy_project(tenant_id, source, **key)
    lookup.facts(made.key_id, "127.0.0.1")
    return made


def order(number: int, **changes: object) -> dict[str, object]:
    """The body of a posting of one credit."""
    return posting(**{"reference": f"order-{number}", "amount": 1, **changes})
