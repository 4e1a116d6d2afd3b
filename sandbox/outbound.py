"""A small HTTP/1.1 client with kept connections, for webhook deliveries."""

import asyncio
import ipaddress
import ssl
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import cast
from urllib.parse import SplitResult, urlsplit

from sandbox.wire import BadMessage, Body, header_fields

MAX_ANSWER = 1024 * 1024
Place = tuple[str, str, int]


class NoAnswer(Exception):
    """The other side could not be reached or did not answer; the text says why in Telegram's words."""


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


def place_of(url: str) -> tuple[Place, SplitResult]:
    """Scheme, host and port of a URL, and its parts; raises ValueError for a URL that has none."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("invalid URL")
    return (parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)), parts


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Exchange(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._head: Answer | None = None
        self._body: Body | None = None
        self._answer: asyncio.Future[Answer] | None = None

    @property
    def is_open(self) -> bool:
        """Whether another request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, data: bytes) -> "asyncio.Future[Answer]":
        """Send one request; the future raises NoAnswer."""
        self._head = self._body = None
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self._fail("Webhook connection closed")
        else:
            self._transport.write(data)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Collect the answer."""
        self._buffer += data
        try:
            self._read()
        except (BadMessage, ValueError):
            self._fail("Wrong response from the webhook: not HTTP")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """An answer without a length ends here; any other one is lost."""
        self._transport = None
        if self._head is not None and self._body is not None and "content-length" not in self._head.headers:
            self._finish()
        else:
            self._fail(
                "Read timeout expired" if isinstance(exc, TimeoutError) else "Webhook connection closed"
            )

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _read(self) -> None:
        if self._body is None and not self._read_head():
            return
        if cast("Body", self._body).feed(self._buffer):
            self._finish()

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, _, rest = self._buffer[:end].decode("latin-1").partition("\r\n")
        del self._buffer[: end + 4]
        _version, status, *reason = first.split(" ", 2)
        self._head = Answer(int(status), reason[0] if reason else "", header_fields(rest), b"")
        bodiless = self._head.status in {204, 304}
        self._body = Body({} if bodiless else self._head.headers, MAX_ANSWER, until_close=not bodiless)
        return True

    def _finish(self) -> None:
        head, body = cast("Answer", self._head), cast("Body", self._body)
        head.body = body.data()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(head)
        if head.headers.get("connection", "").lower() == "close":
            self.close()
        self._head = self._body = None

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswer(why))


class Client:
    """Connections by place, kept open between requests."""

    def __init__(self) -> None:
        self._idle: defaultdict[Place, list[Exchange]] = defaultdict(list)

    async def post(self, url: str, headers: dict[str, str], body: bytes, seconds: float) -> Answer:
        """POST JSON; raises NoAnswer."""
        place, parts = place_of(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{extra}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\nAccept-Encoding: gzip, deflate\r\n\r\n"
        )
        try:
            async with asyncio.timeout(seconds):
                exchange = await self._connection(place)
                try:
                    answer = await exchange.send(head.encode("latin-1") + body)
                except BaseException:
                    exchange.close()
                    raise
        except TimeoutError:
            raise NoAnswer("Read timeout expired") from None
        if exchange.is_open:
            self._idle[place].append(exchange)
        return answer

    def close(self) -> None:
        """End all idle connections."""
        for exchanges in self._idle.values():
            for exchange in exchanges:
                exchange.close()
        self._idle.clear()

    async def _connection(self, place: Place) -> Exchange:
        idle = self._idle[place]
        while idle:
            exchange = idle.pop()
            if exchange.is_open:
                return exchange
        scheme, host, port = place
        loop = asyncio.get_running_loop()
        try:
            _, exchange = await loop.create_connection(
                Exchange,
                host,
                port,
                ssl=tls_context(trusting=is_loopback(host)) if scheme == "https" else None,
            )
        except ssl.SSLError as error:
            raise NoAnswer(f"SSL error {{{error.reason or error}}}") from error
        except ConnectionRefusedError:
            raise NoAnswer("Connection refused") from None
        except OSError as error:
            raise NoAnswer(f"Can't connect to the webhook: {error.strerror or error}") from error
        return exchange


@cache
def tls_context(*, trusting: bool) -> ssl.SSLContext:
    """Certificates are checked, except on this machine itself where nobody has a real one."""
    context = ssl.create_default_context()
    if trusting:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
