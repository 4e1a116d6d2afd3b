"""The HTTP/1.1 server core: one small asyncio protocol per connection, nothing else.

Own code because 10,000 bots hold a connection each: an idle one costs only this object and its transport.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

from sandbox.wire import BadMessage, Body, header_fields

log = logging.getLogger("sandbox")

# A sync pyTelegramBotAPI call puts 4,096 Chinese characters into a 37 KB query string.
MAX_HEAD = 128 * 1024
MAX_BODY = 64 * 1024 * 1024
# What a client may send ahead while its request is still being answered.
MAX_AHEAD = 1024 * 1024

REASONS = {status.value: status.phrase for status in HTTPStatus}
JSON = "application/json"


@dataclass(slots=True)
class Request:
    """One request; `path` and `query` are still percent-encoded, header names are lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


class Cut(Exception):
    """Raised by a stream: the connection ends here, in the middle of the answer."""


@dataclass(slots=True)
class Response:
    """One answer. Status 0 stands for none at all: the connection is cut. A `stream` is sent piece by piece, chunked."""

    body: bytes = b""
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None

    def encode(self, *, keep_alive: bool, with_body: bool) -> bytes:
        """The bytes of the answer; of a stream only its head."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        size = "Transfer-Encoding: chunked" if self.stream else f"Content-Length: {len(self.body)}"
        head = (
            f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}\r\nServer: sandbox\r\n"
            f"Content-Type: {self.content_type}\r\n{size}\r\n{extra}"
            f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
        )
        return head.encode("latin-1") + (self.body if with_body else b"")


Handler = Callable[[Request], Response | Awaitable[Response]]


class Connection(asyncio.Protocol):
    """One client. Requests are answered one after the other; more of them may wait in the buffer."""

    __slots__ = ("_all", "_body", "_buffer", "_handler", "_pouring", "_request", "_task", "_transport")

    def __init__(self, handler: Handler, everybody: set["Connection"]) -> None:
        self._handler = handler
        self._all = everybody
        self._buffer = bytearray()
        self._request: Request | None = None
        self._body: Body | None = None
        self._task: asyncio.Future[Response] | None = None
        self._pouring: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way back."""
        self._transport = cast("asyncio.Transport", transport)
        self._all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Give up what this client was waiting for, so that a dead poller holds nothing."""
        self._all.discard(self)
        self._transport = None
        for work in (self._task, self._pouring):
            if work is not None:
                work.cancel()

    def close(self) -> None:
        """End the connection after what was written."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take in bytes and answer every request that is complete."""
        self._buffer += data
        if self._is_free:
            self._advance()
        elif len(self._buffer) > MAX_AHEAD and self._transport is not None:
            self._transport.pause_reading()

    @property
    def _is_free(self) -> bool:
        """Whether nothing is being answered."""
        return self._task is None and self._pouring is None

    def _advance(self) -> None:
        try:
            while self._transport is not None and self._is_free and self._read_request():
                self._dispatch(cast("Request", self._request))
        except BadMessage as error:
            self._write(Response(str(error).encode(), error.status, "text/plain"), keep_alive=False)

    def _read_request(self) -> bool:
        """True when a whole request is in `_request`."""
        if self._body is None and not self._read_head():
            return False
        body, request = cast("Body", self._body), cast("Request", self._request)
        if not body.feed(self._buffer):
            return False
        request.body = body.data()
        self._body = None
        return True

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadMessage(431)
            return False
        head = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 4]
        first, _, rest = head.partition("\r\n")
        try:
            method, target, _version = first.split(" ")
        except ValueError:
            raise BadMessage(400) from None
        path, _, query = target.partition("?")
        headers = header_fields(rest)
        self._request = Request(method, path, query, headers)
        self._body = Body(headers, MAX_BODY)
        if headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _dispatch(self, request: Request) -> None:
        try:
            result = self._handler(request)
        except Exception:
            log.exception("%s failed", request.path.rpartition("/")[2])
            result = Response(b'{"ok":false,"error_code":500,"description":"Internal Server Error"}', 500)
        if isinstance(result, Response):
            self._answer(result)
        else:
            self._task = asyncio.ensure_future(result)
            self._task.add_done_callback(self._finish)

    def _finish(self, task: "asyncio.Future[Response]") -> None:
        self._task = None
        if self._transport is None:
            if not task.cancelled() and task.exception() is not None:
                log.error("request of a client that left failed", exc_info=task.exception())
            return
        if task.cancelled():
            self._transport.abort()
            return
        error = task.exception()
        if error is not None:
            log.error("request failed", exc_info=error)
            self._answer(
                Response(b'{"ok":false,"error_code":500,"description":"Internal Server Error"}', 500)
            )
        else:
            self._answer(task.result())
        if self._transport is not None:
            self._transport.resume_reading()
            self._advance()

    def _answer(self, response: Response) -> None:
        request = cast("Request", self._request)
        keep_alive = request.headers.get("connection", "").lower() != "close"
        if response.stream is not None and self._transport is not None:
            self._transport.write(response.encode(keep_alive=keep_alive, with_body=False))
            self._pouring = asyncio.ensure_future(self._pour(response.stream, keep_alive=keep_alive))
            return
        self._write(response, keep_alive=keep_alive, with_body=request.method != "HEAD")

    async def _pour(self, stream: AsyncIterator[bytes], *, keep_alive: bool) -> None:
        """Send a stream; whoever makes it is stopped when the client leaves."""
        try:
            async for piece in stream:
                if self._transport is not None and piece:
                    self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        except Exception as error:
            if not isinstance(error, Cut):
                log.exception("a stream failed")
            if self._transport is not None:
                self._transport.abort()
            self._transport = None
        self._pouring = None
        if self._transport is None:
            return
        self._transport.write(b"0\r\n\r\n")
        if keep_alive:
            self._transport.resume_reading()
            self._advance()
        else:
            self.close()

    def _write(self, response: Response, *, keep_alive: bool, with_body: bool = True) -> None:
        transport = self._transport
        if transport is None:
            return
        if response.status == 0:
            transport.abort()
            self._transport = None
            return
        transport.write(response.encode(keep_alive=keep_alive, with_body=with_body))
        if not keep_alive:
            transport.close()
            self._transport = None
