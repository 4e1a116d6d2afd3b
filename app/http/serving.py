"""Flask behind an ASGI server: views run in a few threads, and files leave without holding one.

A reader may take as long as he likes over a file. Were it a thread that waits for him, ten slow readers would stop
every page of the process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware
from werkzeug.wsgi import ClosingIterator

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
THREADS = 10
_FILE = "laoban.file"


class Pages:
    """The ASGI application around a WSGI one."""

    def __init__(self, wsgi: Callable[[Any, Any], Iterable[bytes]], threads: int = THREADS) -> None:
        self._wsgi = wsgi
        self._threads = WSGIMiddleware(self._in_thread, workers=threads)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""

        async def send_with_file(message: Message) -> None:
            file = scope.pop(_FILE, None) if _is_end(message) else None
            if file is not None:
                await _send_file(file, send)
            await send(message)

        try:
            await self._threads(scope, receive, send_with_file)  # type: ignore[arg-type]
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
