"""drand's relays: the beacon's chain, and the signature of a round once it is published.

A relay is not believed: what it says about the chain must hash to the chain that the settings name, a signature must
be the chain's own, and two relays must say the same.
"""

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from app.core.errors import OutsideFailed
from app.core.i18n import N_
from app.core.settings import get_settings
from app.domain.beacon import QUICKNET, SCHEME, chain_hash, is_genuine, randomness
from app.domain.draw import BeaconChain

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
MAX_ANSWER = 64 * 1024
NOT_YET = frozenset({404, 425})
HEX = re.compile(r"([0-9a-f]{2})+", re.ASCII)


class BeaconUnreachable(OutsideFailed):
    """Too few relays gave an answer that stands every check."""

    code = "beacon_unreachable"
    message = N_("The public beacon (drand) does not answer. The draw goes on by itself as soon as it does.")


@dataclass(frozen=True, slots=True)
class _Answer:
    """`body` is None where no usable answer came."""

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


def signature(of: BeaconChain, round_number: int) -> str | None:
    """A round's signature in hex, or None while it isn't published. Raises BeaconUnreachable."""
    urls = get_settings().drand_urls
    answers = _ask_all(urls, of.hash, f"public/{round_number}")
    enough = max(1, min(2, len(urls)))
    said = Counter(found for answer in answers if (found := _signature(answer, round_number)))
    for found, times in said.most_common():
        if times >= enough and is_genuine(of, round_number, found):
            return found
    waiting = sum(answer.status in NOT_YET for answer in answers)
    if waiting and waiting + said.total() >= enough:
        return None
    raise BeaconUnreachable


@cache
def _asked_chain(urls: tuple[str, ...], expected: str) -> BeaconChain:
    for answer in _ask_all(urls, expected, "info"):
        found = _chain(answer, expected)
        if found:
            return found
    raise BeaconUnreachable


def _chain(answer: _Answer, expected: str) -> BeaconChain | None:
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


def _signature(answer: _Answer, round_number: int) -> str | None:
    body = answer.body or {}
    found = body.get("signature")
    if not isinstance(found, str) or not HEX.fullmatch(found) or body.get("round") != round_number:
        return None
    return found if body.get("randomness") == randomness(found) else None


@cache
def _pool() -> urllib3.PoolManager:
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    return urllib3.PoolManager(maxsize=4, retries=False, timeout=timeout)


def _ask_all(urls: Sequence[str], of: str, path: str) -> list[_Answer]:
    """All relays together; an address may have the chain's hash at its end or not."""
    if not urls:
        return []
    bases = [f"{url.removesuffix(f'/{of}')}/{of}/{path}" for url in urls]
    with ThreadPoolExecutor(len(urls), thread_name_prefix="drand") as threads:
        return list(threads.map(_ask, bases))


def _ask(url: str) -> _Answer:
    try:
        response = _pool().request("GET", url, redirect=False, preload_content=False)
        try:
            body = response.read(MAX_ANSWER)
        finally:
            response.release_conn()
        data = orjson.loads(body) if response.status == 200 else None
    except (HTTPError, OSError, orjson.JSONDecodeError):
        return _Answer(0)
    return _Answer(response.status, data if isinstance(data, dict) else None)
