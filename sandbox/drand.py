"""drand relays under /drand/<relay>/: a beacon of our own with real BLS signatures, and relays that misbehave on order.

The key never changes, so a platform that was told the chain's hash once keeps working after a restart.
"""

import hashlib
import re
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

import orjson
from py_ecc.bls.hash_to_curve import hash_to_G1
from py_ecc.bls.point_compression import compress_G1, compress_G2
from py_ecc.optimized_bls12_381.optimized_curve import G2, multiply

from sandbox.http import Request, Response
from sandbox.models import Clock
from sandbox.shapes import Json

# py_ecc lifts the limit of the whole process, and nested input would crash the interpreter.
sys.setrecursionlimit(1000)

PERIOD = 3
GENESIS = 1_700_000_000
SCHEME = "bls-unchained-g1-rfc9380"
BEACON_ID = "sandbox"
GROUP_HASH = hashlib.sha256(b"the group of the sandbox's beacon").hexdigest()
DOMAIN = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
SECRET = int.from_bytes(hashlib.sha256(b"no secret: the sandbox's beacon").digest()[1:], "big")
# What a lying relay signs with instead.
OTHER_SECRET = SECRET ^ 0xFFFF
MODES = ("ok", "down", "late", "lying")
PLACE = re.compile(r"/drand/([\w-]{1,40})/(?:([0-9a-f]{64})/)?(info|public/(\d{1,15}|latest))")


@dataclass(slots=True)
class Relay:
    """How one relay behaves; `seconds` is how late a late one is."""

    mode: str = "ok"
    seconds: float = 0.0


class Relays:
    """All relays by name; any name is one, and behaves unless told otherwise."""

    def __init__(self) -> None:
        self.ordered: dict[str, Relay] = {}

    def order(self, name: str, mode: str, seconds: float) -> None:
        """Let a relay behave like this from now on; "*" stands for all of them."""
        if name == "*":
            self.ordered.clear()
        self.ordered[name] = Relay(mode, seconds)

    def find(self, name: str) -> Relay:
        """How a relay behaves."""
        return self.ordered.get(name) or self.ordered.get("*") or Relay()


class Drand:
    """Answers as drand's HTTP relays do."""

    def __init__(self, relays: Relays, clock: Clock) -> None:
        self._relays = relays
        self._clock = clock

    def handle(self, request: Request) -> Response:
        """One question to a relay."""
        found = PLACE.fullmatch(request.path)
        if found is None or found[2] not in {None, info()["hash"]}:
            return Response(b"not found", 404, "text/plain")
        relay = self._relays.find(found[1])
        if relay.mode == "down":
            return Response(b"bad gateway", 502, "text/plain")
        if found[3] == "info":
            return Response(orjson.dumps(info()))
        return self._round(found[4], relay)

    def _round(self, asked: str, relay: Relay) -> Response:
        newest = newest_round(self._clock.now() - (relay.seconds if relay.mode == "late" else 0.0))
        number = newest if asked == "latest" else int(asked)
        if not 1 <= number <= newest:
            return Response(b"Requested future beacon", 425, "text/plain")
        return Response(orjson.dumps(published(number, OTHER_SECRET if relay.mode == "lying" else SECRET)))


def newest_round(moment: float) -> int:
    """The round that was published last at `moment`."""
    return int((moment - GENESIS) // PERIOD) + 1


@cache
def info() -> Json:
    """What a relay says about the chain."""
    key = b"".join(int(half).to_bytes(48, "big") for half in compress_G2(multiply(G2, SECRET)))
    parts = (
        PERIOD.to_bytes(4, "big"),
        GENESIS.to_bytes(8, "big"),
        key,
        bytes.fromhex(GROUP_HASH),
        BEACON_ID.encode(),
    )
    return {
        "public_key": key.hex(), "period": PERIOD, "genesis_time": GENESIS, "genesis_seed": GROUP_HASH,
        "hash": hashlib.sha256(b"".join(parts)).hexdigest(), "groupHash": GROUP_HASH, "schemeID": SCHEME,
        "metadata": {"beaconID": BEACON_ID},
    }  # fmt: skip


@lru_cache(maxsize=1024)
def published(number: int, secret: int = SECRET) -> Json:
    """A round: its signature, and the randomness that is the signature's hash."""
    message = hashlib.sha256(number.to_bytes(8, "big")).digest()
    # The library's annotation names a finished hash where it takes the function that makes one.
    hashed = hash_to_G1(message, DOMAIN, cast(Any, hashlib.sha256))
    signature = int(compress_G1(multiply(hashed, secret))).to_bytes(48, "big")
    return {
        "round": number,
        "randomness": hashlib.sha256(signature).hexdigest(),
        "signature": signature.hex(),
    }
