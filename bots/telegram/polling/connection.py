"""HTTP/1.1 to the Bot API for ten thousand connections at once: a bare protocol, one request at a time, little memory.

A general client costs four times the CPU for each poll and six times the memory of an idle connection
(docs/performance.md). Understood are Content-Length, chunked bodies and bodies that end with the connection.
"""

import asyncio
import random
import ssl
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

HEAD_LIMIT: Final = 32 * 1024
BODY_LIMIT: Final = 32 * 1024 * 1024
CONNECT_SECONDS: Final = 15.0
ADDRESS_SECONDS: Final = 60.0
_END: Final = b"\r\n\r\n"


class Unreachable(Exception):
    """No answer came: the network, the certificate, or bytes that are not HTTP."""


class Answer(NamedTuple):
    """Status and body of a response."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One connection. After an error, a cancelled request or `Connection: close` it is closed for good."""

    __slots__ = ("_answer", "_buffer", "_reader", "_transport", "closed")

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._buffer = b""
        self._reader: _Reader | None = None
        self.closed = False

    async def ask(self, request: bytes) -> Answer:
        """Sends a whole request and returns the response to it. Raises Unreachable."""
        if self.closed or self._transport is None:
            raise Unreachable("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except asyncio.CancelledError:
            # The response would be taken for the next request's.
            self.close()
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        """At once, without waiting for anything."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._answer is None:
            self._fail("bytes that nobody asked for")
            return
        try:
            answer = self._feed(data)
        except (ValueError, IndexError) as error:
            self._fail(f"the answer is not HTTP: {error}")
            return
        if answer is not None:
            self._finish(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self.closed = True
        self._transport = None
        reader, self._reader = self._reader, None
        if reader is not None and reader.until_close:
            self._finish(Answer(reader.status, bytes(reader.body)))
        else:
            self._fail(str(exc) if exc else "the connection was closed")

    def _feed(self, data: bytes) -> Answer | None:
        if self._reader is None:
            self._buffer += data
            head, found, rest = self._buffer.partition(_END)
            if not found:
                if len(self._buffer) > HEAD_LIMIT:
                    raise ValueError("the head is too long")
                return None
            self._buffer = b""
            self._reader = _Reader(head)
            if self._reader.status < 200:
                self._reader = None
                return self._feed(rest)
            data = rest
        if not self._reader.feed(data):
            return None
        reader, self._reader = self._reader, None
        if reader.close:
            self.close()
        return Answer(reader.status, bytes(reader.body))

    def _finish(self, answer: Answer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def _fail(self, reason: str) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unreachable(reason))


class _Reader:
    """The body of one response. Raises ValueError for what is not HTTP."""

    def __init__(self, head: bytes) -> None:
        lines = head.split(b"\r\n")
        if not lines[0].startswith(b"HTTP/1."):
            raise ValueError("no status line")
        self.status = int(lines[0][9:12])
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        self.close = fields.get(b"connection", b"").lower() == b"close"
        self.body = bytearray()
        self._chunked = fields.get(b"transfer-encoding", b"").lower().endswith(b"chunked")
        length = fields.get(b"content-length")
        self._missing = int(length) if length is not None else 0
        self.until_close = length is None and not self._chunked and self.status != 204
        self._waiting = bytearray()
        self._chunk: int | None = None

    def feed(self, data: bytes) -> bool:
        """True when the body is complete."""
        if len(self.body) + len(self._waiting) + len(data) > BODY_LIMIT or self._missing > BODY_LIMIT:
            raise ValueError("the body is too long")
        if self._chunked:
            return self._feed_chunks(data)
        self.body += data
        if self.until_close or len(self.body) < self._missing:
            return False
        if len(self.body) > self._missing:
            raise ValueError("more came than was announced")
        return True

    def _feed_chunks(self, data: bytes) -> bool:
        waiting = self._waiting
        waiting += data
        while True:
            if self._chunk is None:
                end = waiting.find(b"\r\n")
                if end < 0:
                    return False
                self._chunk = int(waiting[:end].partition(b";")[0], 16)
                del waiting[: end + 2]
            if self._chunk == 0:
                # Nobody uses trailers; the empty line that ends them is enough.
                return waiting.endswith(_END) or waiting == b"\r\n"
            if len(waiting) < self._chunk + 2:
                return False
            self.body += waiting[: self._chunk]
            del waiting[: self._chunk + 2]
            self._chunk = None


class Address:
    """Where the Bot API is: opens connections, not too many at once, and asks for the name rarely."""

    def __init__(self, url: str, handshakes: int) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.path = parts.path.rstrip("/")
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self.netloc = parts.netloc.rpartition("@")[2]
        self._tls = _tls() if parts.scheme == "https" else None
        self._slots = asyncio.Semaphore(handshakes)
        self._found: list[str] = []
        self._found_until = 0.0

    async def connect(self) -> Connection:
        """A new connection. Raises Unreachable."""
        loop = asyncio.get_running_loop()
        async with self._slots:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    # One of several addresses: all of them serve, and one may be broken.
                    host = random.choice(await self._addresses(loop.time()))  # noqa: S311 - spreads load
                    _, connection = await loop.create_connection(
                        Connection,
                        host,
                        self._port,
                        ssl=self._tls,
                        server_hostname=self.host if self._tls else None,
                    )
            except (OSError, ValueError, TimeoutError) as error:
                self._found_until = 0.0
                raise Unreachable(str(error) or "no answer to the connection attempt") from error
        return connection

    async def _addresses(self, now: float) -> list[str]:
        if now >= self._found_until:
            found = await asyncio.get_running_loop().getaddrinfo(self.host, self._port, type=1)
            self._found = sorted({str(entry[4][0]) for entry in found})
            self._found_until = now + ADDRESS_SECONDS
        return self._found


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A ticket for resuming would be kept with every connection, and none is ever resumed.
    context.options |= ssl.OP_NO_TICKET
    return context
