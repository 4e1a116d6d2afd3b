"""Flask behind an ASGI server: views run in a few threads, bodies come and files leave without holding one.

A reader may take as long as he likes over a file, and a sender over his body. Were it a thread that waits for them, ten
slow ones would stop every page of the process, and anybody can be slow.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import nullcontext
from typing import Any

from a2wsgi import WSGIMiddleware
from werkzeug.wsgi import ClosingIterator

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
THREADS = 10
AWAITED = 256 * 1024
"""Bytes of a body that come before a thread is taken. Most bodies are shorter."""
LARGE_SHARE = 3
"""One of so many threads may read bodies that are larger than that."""
_FILE = "laoban.file"


class Pages:
    """The ASGI application around a WSGI one. Whoever sends nothing for `idle` seconds is not waited for."""

    def __init__(
        self, wsgi: Callable[[Any, Any], Iterable[bytes]], threads: int = THREADS, idle: float = 20.0
    ) -> None:
        self._wsgi = wsgi
        self._threads = WSGIMiddleware(self._in_thread, workers=threads)
        self._large = asyncio.Semaphore(max(threads // LARGE_SHARE, 1))
        self._idle = idle

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""

        async def send_with_file(message: Message) -> None:
            file = scope.pop(_FILE, None) if _is_end(message) else None
            if file is not None:
                await _send_file(file, send)
            await send(message)

        body = Body(receive, self._idle)
        if _has_body(scope) and not await body.begins():
            await _refuse(send)
            return
        try:
            async with self._large if body.goes_on else nullcontext():
                await self._threads(scope, body.receive, send_with_file)  # type: ignore[arg-type]
        finally:
            _close(scope.pop(_FILE, None))

    def _in_thread(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        # The server ends the body; without this flag a body of unknown length would be read as empty.
        environ["wsgi.input_terminated"] = True
        body = self._wsgi(environ, start_response)
        if isinstance(body, ClosingIterator | list | tuple):
            return body
        # Passed through as it is, so it is a file and needs nothing of the request any more.
        environ["asgi.scope"][_FILE] = body
        return ()


class Body:
    """What a request sends: its beginning awaited here, the rest of a large one by the thread that reads it."""

    def __init__(self, receive: Receive, idle: float) -> None:
        self._receive = receive
        self._idle = idle
        self._until = 0.0
        self._begin: bytearray | None = None
        self.goes_on = False

    async def begins(self) -> bool:
        """Whether the body came, or as much of it as is awaited."""
        self._begin, self.goes_on = bytearray(), True
        while self.goes_on and len(self._begin) <= AWAITED:
            try:
                message = await asyncio.wait_for(self._receive(), self._idle)
            except TimeoutError:
                return False
            if message["type"] != "http.request":
                return False
            self._begin += message.get("body", b"")
            self.goes_on = message.get("more_body", False)
        return True

    async def receive(self) -> Message:
        """As ASGI has it."""
        if self._begin is not None:
            begin, self._begin = bytes(self._begin), None
            # However steadily somebody drips, a thread is not his for ever.
            self._until = time.monotonic() + 6 * self._idle
            return {"type": "http.request", "body": begin, "more_body": self.goes_on}
        if not self.goes_on:
            return await self._receive()
        try:
            return await asyncio.wait_for(self._receive(), min(self._idle, self._until - time.monotonic()))
        except TimeoutError:
            return {"type": "http.disconnect"}


def _has_body(scope: Message) -> bool:
    return scope["type"] == "http" and any(
        name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"]
    )


async def _refuse(send: Send) -> None:
    """Of a body that does not come, the rest must not pass for another request."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 408, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _is_end(message: Message) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body")


async def _send_file(file: Iterable[bytes], send: Send) -> None:
    parts = iter(file)
    try:
        # The disk may keep one waiting, and the loop serves everybody.
        while part := await asyncio.to_thread(next, parts, b""):
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        _close(file)


def _close(file: object) -> None:
    close = getattr(file, "close", None)
    if close is not None:
        close()
