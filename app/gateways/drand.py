"""drand's relays, and the beacon's chain. The rounds of it are read by `drand_rounds`.

A relay is not believed: what it says about the chain must hash to the chain that the settings name.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from app.core.errors import OutsideFailed
from app.core.i18n import N_
from app.core.settings import get_settings
from app.domain.beacon import QUICKNET, SCHEME, chain_hash
from app.domain.draw import BeaconChain

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
BODY_SECONDS = 10.0
"""For the whole answer: the limit above counts anew with each byte."""
MAX_ANSWER = 64 * 1024


class BeaconUnreachable(OutsideFailed):
    """Too few relays gave an answer that stands every check."""

    code = "beacon_unreachable"
    message = N_("The public beacon (drand) does not answer. The draw goes on by itself as soon as it does.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a relay said; `status` is 0 and `body` None where nothing usable came."""

    status: int
    body: dict[str, Any] | None = None


def chain() -> BeaconChain | None:
    """The chain that draws use, or None where no relay is set. Raises BeaconUnreachable."""
    settings = get_settings()
    if not settings.drand_urls:
        return None
    if settings.drand_chain == QUICKNET.hash:
        # A chain's hash stands for all of its parts, so what is known of this one needs no question.
        return QUICKNET
    return _asked_chain(tuple(settings.drand_urls), settings.drand_chain)


@cache
def _asked_chain(urls: tuple[str, ...], expected: str) -> BeaconChain:
    for answer in ask_all(urls, expected, "info"):
        found = _chain(answer, expected)
        if found:
            return found
    raise BeaconUnreachable


def _chain(answer: Answer, expected: str) -> BeaconChain | None:
    body = answer.body or {}
    metadata = body.get("metadata")
    try:
        found = BeaconChain(
            hash=expected,
            public_key=str(body["public_key"]),
            scheme=str(body["schemeID"]),
            genesis=int(body["genesis_time"]),
            period=int(body["period"]),
            group_hash=str(body["groupHash"]),
            beacon_id=str(metadata.get("beaconID", "default")) if isinstance(metadata, dict) else "default",
        )
        genuine = chain_hash(found) == expected
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return found if genuine and found.scheme == SCHEME and found.period > 0 else None


@cache
def _pool() -> urllib3.PoolManager:
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    return urllib3.PoolManager(maxsize=4, retries=False, timeout=timeout)


def ask_all(urls: Sequence[str], of: str, path: str) -> list[Answer]:
    """All relays together; an address may have the chain's hash at its end or not."""
    if not urls:
        return []
    bases = [f"{url.removesuffix(f'/{of}')}/{of}/{path}" for url in urls]
    with ThreadPoolExecutor(len(urls), thread_name_prefix="drand") as threads:
        return list(threads.map(_ask, bases))


def _ask(url: str) -> Answer:
    try:
        response = _pool().request("GET", url, redirect=False, preload_content=False)
        try:
            body = _body(response)
        finally:
            response.release_conn()
        data = orjson.loads(body) if response.status == 200 else None
    except (HTTPError, OSError, orjson.JSONDecodeError):
        return Answer(0)
    return Answer(response.status, data if isinstance(data, dict) else None)


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    until, body = monotonic() + BODY_SECONDS, b""
    while len(body) < MAX_ANSWER and (part := response.read1(MAX_ANSWER)):
        body += part
        if monotonic() > until:
            raise TimeoutError
    return body
