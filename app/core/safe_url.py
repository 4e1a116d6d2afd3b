"""Which addresses that tenants and partners give us may be connected to at all."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from app.core.errors import BadInput
from app.core.i18n import N_

HTTPS_PORT = 443
PORTS: Final = {"http": 80, "https": HTTPS_PORT}
MAX_URL = 2048

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# `is_global` of Python lets these pass. They carry IPv4 addresses inside, or lead to a cloud host's own services.
_REFUSED = tuple(
    ipaddress.ip_network(each)
    for each in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's platform services
        "2001::/23",  # protocol assignments, Teredo
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
# What an IPv4 address may look like to a lenient parser: `2130706433`, `0x7f.1`, `0177.0.0.1`, `127.1`.
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|\d+)\.?", re.IGNORECASE)


class UnsafeUrl(BadInput):
    """An address that we do not connect to. The reason is for the log, not for whoever gave the address."""

    code = "unsafe_url"
    message = N_("This address can't be used. It must be a public https address.")

    def __init__(self, reason: str) -> None:
        super().__init__(field="url")
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Origin(NamedTuple):
    """A web server: the beginning of a URL up to its path."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL: the host as the certificate names it, and path with query.

    `allowed` = the operator allows its origin, so none of the rules about public addresses concerns it.
    """

    host: str
    path: str
    scheme: str = "https"
    port: int = HTTPS_PORT
    allowed: bool = False

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def read_origin(text: str) -> Origin:
    """`http://127.0.0.1:8081`: scheme, host and perhaps a port, and nothing behind. Raises ValueError."""
    try:
        parts = parse_url(text)
    except LocationParseError:
        raise ValueError("an origin is scheme://host:port") from None
    host = _host(parts.host)
    if (
        parts.scheme not in PORTS
        or not host
        or parts.auth is not None
        or parts.path not in {None, "", "/"}
        or parts.query is not None
        or parts.fragment is not None
        or re.search(r"[\x00-\x20\x7f\\*@]", text)
    ):
        raise ValueError("an origin is http://host:port or https://host:port, and nothing behind")
    return Origin(parts.scheme, host, parts.port or PORTS[parts.scheme])


def check_url(url: str, origins: Collection[Origin] = ()) -> Target:
    """Looks at the text alone; nothing is resolved. For forms that take a URL. Raises UnsafeUrl.

    `origins` are what the operator allows although it is not public, or not https.
    """
    if len(url) > MAX_URL or re.search(r"[\x00-\x20\x7f\\]", url):
        raise UnsafeUrl("too long, or blanks, control characters or backslashes in it")
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise UnsafeUrl("no URL") from None
    if parts.auth is not None or "@" in re.split(r"[/?#]", url.partition("://")[2])[0]:
        raise UnsafeUrl("user or password in it")
    host = _host(parts.host)
    if parts.scheme in PORTS and host:
        origin = Origin(parts.scheme, host, parts.port or PORTS[parts.scheme])
        if origin in origins:
            return Target(host, parts.request_uri, origin.scheme, origin.port, allowed=True)
    if parts.scheme != "https":
        raise UnsafeUrl("not https")
    if parts.port not in {None, HTTPS_PORT}:
        raise UnsafeUrl("another port than 443")
    _check_host(host)
    return Target(host, parts.request_uri)


def _host(text: str | None) -> str:
    return (text or "").strip("[]").removesuffix(".").lower()


def _check_host(host: str) -> None:
    if not host:
        raise UnsafeUrl("no host")
    if literal(host) is None:
        if "." not in host or _NUMERIC_END.fullmatch(host):
            raise UnsafeUrl("no public host name")
    elif not is_public(host):
        raise UnsafeUrl("an address that is not public")


def is_public(text: str) -> bool:
    """True for an address of the public internet."""
    address = literal(text)
    if address is None or "%" in text or not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        # NAT64, IPv4-mapped, site-local and whatever else may hide another address.
        return False
    return not any(address in network for network in _REFUSED)


def literal(host: str) -> Address | None:
    """The address where the host is one, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
