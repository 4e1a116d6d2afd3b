"""The one door for HTTP to addresses that tenants and partners give us.

It reaches public web servers only: https on port 443, every address of the name public, the connection made to
the address that was checked. So nobody can make us speak to our own network, whatever a name resolves to a moment
later. What the operator names in OUTBOUND_ORIGINS, and nothing beside it, may be private or plain http.
"""

import http.client
import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import certifi

from app.core.errors import OutsideFailed
from app.core.safe_url import HTTPS_PORT, Origin, Target, UnsafeUrl, check_url, is_public, literal
from app.core.settings import get_settings

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
MAX_BYTES = 64 * 1024
# How many addresses of a name are tried; the time for connecting is shared.
ADDRESSES_TRIED = 3
STEP = 16 * 1024

Resolver = Callable[[str], Sequence[str]]


class FetchFailed(OutsideFailed):
    """No complete answer came: `reason` is dns, connect, tls, timeout, broken or too_large."""

    code = "fetch_failed"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return f"no answer: {self.reason}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete answer, whatever its status. Redirects are not followed. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def system_resolver(host: str) -> list[str]:
    """Every address of the name, in the order in which the system would try them."""
    found = socket.getaddrinfo(host, HTTPS_PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches by the rules above. `origins` are those that the operator allows.

    The other fields exist for tests: another resolver, addresses that may be reached though they are not public, the
    port that is dialled instead of 443, and a certificate to trust (PEM). Production uses `safe_fetch`.
    """

    resolver: Resolver = system_resolver
    allow: Collection[str] = ()
    port: int = HTTPS_PORT
    trust: str | None = field(default=None, repr=False)
    origins: Collection[Origin] = ()

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = TOTAL_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> Fetched:
        """One request, one answer. `timeout` is for everything together. Raises UnsafeUrl and FetchFailed."""
        target = check_url(url, self.origins)
        deadline = time.monotonic() + timeout
        connect_by = min(deadline, time.monotonic() + CONNECT_SECONDS)
        addresses = self._checked_addresses(target, connect_by)
        connection = http.client.HTTPConnection(target.host, target.port)
        with self._connect(target, addresses, connect_by) as line:
            connection.sock = cast(socket.socket, _TimedSocket(line, deadline))
            try:
                connection.request(
                    method, target.path, body=body, headers=_headers(target.authority, headers)
                )
                return _read(connection.getresponse(), max_bytes)
            except TimeoutError:
                raise FetchFailed("timeout") from None
            except (http.client.HTTPException, OSError):
                # Nothing of the other side's text goes on: it may repeat a secret of the request.
                raise FetchFailed("broken") from None

    def _checked_addresses(self, target: Target, until: float) -> Sequence[str]:
        host = target.host
        found = [host] if literal(host) else _in_time(lambda: self.resolver(host), until)
        if not found:
            raise FetchFailed("dns")
        if not target.allowed and not all(is_public(each) or each in self.allow for each in found):
            raise UnsafeUrl("leads to an address that is not public")
        return found[:ADDRESSES_TRIED]

    def _connect(self, target: Target, addresses: Sequence[str], until: float) -> socket.socket:
        """A connection to the first address that answers; of https with its certificate checked for the host."""
        reason = "connect"
        for address in addresses:
            try:
                port = target.port if target.allowed else self.port
                plain = socket.create_connection((address, port), timeout=_left(until))
                plain.settimeout(_left(until))
                if target.scheme == "http":
                    return plain
                return self._context().wrap_socket(plain, server_hostname=target.host)
            except TimeoutError:
                reason = "timeout"
            except ssl.SSLError:
                reason = "tls"
            except OSError:
                reason = "connect"
        raise FetchFailed(reason)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=certifi.where(), cadata=self.trust)
        return context


class _TimedSocket:
    """A socket as http.client uses it, each step of which ends at one deadline.

    The timeout of a plain socket starts anew with each byte, so a peer that drips could hold us for ever.
    """

    def __init__(self, line: socket.socket, deadline: float) -> None:
        self._line = line
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        for start in range(0, len(data), STEP):
            self._line.settimeout(_left(self._deadline))
            self._line.sendall(data[start : start + STEP])

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._line, self._deadline))

    def close(self) -> None:
        """Whoever opened the line closes it: http.client is done with it before the answer is read."""


class _TimedReader(io.RawIOBase):
    def __init__(self, line: socket.socket, deadline: float) -> None:
        self._line = line
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.settimeout(_left(self._deadline))
        return self._line.recv_into(buffer)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _in_time(resolve: Callable[[], Sequence[str]], until: float) -> Sequence[str]:
    """Resolving knows no timeout of its own, so it has a thread of its own. Empty when the name is unknown."""
    answer: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put(resolve())
        except (OSError, UnicodeError):
            answer.put([])

    threading.Thread(target=work, daemon=True, name="resolve").start()
    try:
        return answer.get(timeout=max(0.0, until - time.monotonic()))
    except queue.Empty:
        raise FetchFailed("timeout") from None


def _headers(authority: str, given: Mapping[str, str] | None) -> dict[str, str]:
    own = {
        "Host": authority,
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": "Laoban",
    }
    fixed = {"host", "accept-encoding", "connection"}
    return own | {name: value for name, value in (given or {}).items() if name.lower() not in fixed}


def _read(response: http.client.HTTPResponse, max_bytes: int) -> Fetched:
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise FetchFailed("too_large")
    if response.length:
        # Fewer bytes came than were announced.
        raise FetchFailed("broken")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Fetched(response.status, headers, body)


def production() -> Fetcher:
    """How this process fetches."""
    return Fetcher(origins=get_settings().outbound_origins)


def safe_fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = TOTAL_SECONDS,
    max_bytes: int = MAX_BYTES,
) -> Fetched:
    """Fetches from an address that somebody gave us. Raises UnsafeUrl and FetchFailed."""
    return production().fetch(
        url, method=method, headers=headers, body=body, timeout=timeout, max_bytes=max_bytes
    )
