"""HTTP/1.1 to the Bot API over kept connections, without the machinery of urllib3 and http.client on each call.

urllib3 connects and checks certificates; the few lines of HTTP that a Bot API speaks are written and read here, in a
quarter of the time. Errors tell what kind of failure it was and never an address, which holds the token.
"""

import io
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from urllib3 import HTTPConnectionPool, connection_from_url
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout
from urllib3.util.wait import wait_for_read

LONGEST_LINE: Final = 65_536
LONGEST_BODY: Final = 16 * 1024 * 1024
MOST_HEADERS: Final = 100


class NotConnected(Exception):
    """Not a byte of the request was sent."""


class BrokenAnswer(Exception):
    """The request may have arrived, but no whole answer came back."""


@dataclass(frozen=True, slots=True)
class _Line:
    """An open connection; `owner` is urllib3's and keeps the socket alive."""

    owner: Any
    socket: socket.socket
    reader: io.BufferedIOBase

    def close(self) -> None:
        self.reader.close()
        self.owner.close()


class Lines:
    """Connections to one server, for all threads: one for each call under way, kept for the next."""

    def __init__(self, base: str, connect: float, read: float) -> None:
        self._pool: HTTPConnectionPool = connection_from_url(
            base, timeout=Timeout(connect=connect, read=read)
        )
        self._connect, self._read = connect, read
        default = self._pool.port in {None, 80, 443}
        self._host = self._pool.host if default else f"{self._pool.host}:{self._pool.port}"
        self._idle: deque[_Line] = deque()

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """(status, body). Raises NotConnected or BrokenAnswer; nothing is repeated."""
        request = self._request(path, headers, body)
        line = self._kept() or self._new()
        keep = False
        try:
            status, answer, keep = _converse(line, request)
        except (OSError, ValueError) as error:
            raise BrokenAnswer(type(error).__name__) from None
        finally:
            if keep:
                self._idle.append(line)
            else:
                line.close()
        return status, answer

    def close(self) -> None:
        """Closes what is kept; the next call opens a new connection."""
        while self._idle:
            self._idle.pop().close()

    def _request(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if not path.isascii() or not path.isprintable() or " " in path:
            raise ValueError("the path holds what no path may hold")
        lines = [f"POST {path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("ascii") + body

    def _kept(self) -> _Line | None:
        """The connection that was used last, unless the other side has closed it meanwhile."""
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:
                return None
            # Nobody speaks unasked, so something to read is the end of the connection.
            if not wait_for_read(line.socket, timeout=0.0):
                return line
            line.close()
        return None

    def _new(self) -> _Line:
        connection: Any = self._pool._new_conn()  # noqa: SLF001 - a pool's way to make one as it was told
        try:
            connection.timeout = self._connect
            connection.connect()
            connection.sock.settimeout(self._read)
        except (HTTPError, OSError) as error:
            connection.close()
            raise NotConnected(type(error).__name__) from None
        return _Line(connection, connection.sock, connection.sock.makefile("rb"))


def _converse(line: _Line, request: bytes) -> tuple[int, bytes, bool]:
    """(status, body, whether the connection may be used again). Raises OSError or ValueError."""
    line.socket.sendall(request)
    reader = line.reader
    while True:
        version, status = _status(_line(reader))
        headers = _headers(reader)
        # 1xx only announces the real answer.
        if status >= 200:
            break
    keep = version != b"HTTP/1.0" and headers.get(b"connection", b"").lower() != b"close"
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return status, _chunks(reader), keep
    if b"content-length" in headers:
        return status, _exactly(reader, int(headers[b"content-length"])), keep
    return status, reader.read(LONGEST_BODY), False


def _status(line: bytes) -> tuple[bytes, int]:
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError("not HTTP/1")
    return version, int(rest[:3])


def _headers(reader: io.BufferedIOBase) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for _ in range(MOST_HEADERS):
        line = _line(reader)
        if not line:
            return headers
        name, _colon, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    raise ValueError("too many headers")


def _line(reader: io.BufferedIOBase) -> bytes:
    line = reader.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise ValueError("the answer ended early")
    return line.rstrip(b"\r\n")


def _exactly(reader: io.BufferedIOBase, length: int) -> bytes:
    if not 0 <= length <= LONGEST_BODY:
        raise ValueError("no length to accept")
    body = reader.read(length)
    if len(body) != length:
        raise ValueError("the answer ended early")
    return body


def _chunks(reader: io.BufferedIOBase) -> bytes:
    body = b""
    while length := int(_line(reader).partition(b";")[0], 16):
        body += _exactly(reader, length)
        _line(reader)
        if len(body) > LONGEST_BODY:
            raise ValueError("too long")
    while _line(reader):
        pass
    return body
