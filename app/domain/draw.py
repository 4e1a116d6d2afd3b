"""The arithmetic of a verifiable draw: who is on the sealed list, and in which order the tickets win.

`commitment = SHA-256(seed)` is public before the first entry. At closing the list is sealed as an RFC 6962 Merkle
tree. Only then the seed is revealed, and each ticket's place is HMAC-SHA256(seed, root ‖ beacon signature ‖ number),
so nothing that was public before decides anything. `docs/draws.md` says the same for people; the verifiers
(`app/domain/draw_verifier.py` and the one for browsers) repeat it on their own, without this file.
"""

import hashlib
import heapq
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

FORMAT = "laoban-draw/1"
CHUNK = 1024
"""Leaves whose subtree root is kept, so that a receipt reads one chunk and not the whole list. A power of two."""
NO_HASH = "0" * 64
STAFF = "staff"
"""Stands for the condition results of an entrant whom staff added."""
BEACON_WAIT = 60
"""Seconds between the sealing of the list and the beacon's round."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An entrant and his best ticket's score; the smallest score of all is rank 1."""

    score: bytes
    number: int
    key: int


def commitment(seed: bytes) -> str:
    """What is published before the first entry, in hex."""
    return hashlib.sha256(seed).hexdigest()


def reference(salt: bytes, telegram_id: int) -> str:
    """How the public list names an entrant: the same for one person in one lottery, telling nobody who he is."""
    return hmac.digest(salt, str(telegram_id).encode(), "sha256").hex()


def leaf(number: int, ref: str, weight: int, conditions: str) -> bytes:
    """The hash of one line of the list."""
    return leaf_of(f"{number}\n{ref}\n{weight}\n{conditions}".encode())


def leaf_of(line: bytes) -> bytes:
    """The same, of a line that is put together already."""
    return hashlib.sha256(b"\x00" + line).digest()


def keyed(key: bytes, prefix: bytes = b"") -> Callable[[bytes], bytes]:
    """HMAC-SHA256(key, prefix ‖ what is given), for many calls: key and prefix are hashed once (RFC 2104).

    `key` has at most 64 bytes.
    """
    block = key.ljust(hashlib.sha256().block_size, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + prefix).copy
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block)).copy

    def mac(message: bytes) -> bytes:
        inside, outside = inner(), outer()
        inside.update(message)
        outside.update(inside.digest())
        return outside.digest()

    return mac


def root_of(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962's tree head of leaves, or of the roots of whole chunks of them; of an empty list SHA-256 of nothing."""
    sha256, level = hashlib.sha256, list(hashes) or [hashlib.sha256(b"").digest()]
    while len(level) > 1:
        above = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        # One without a neighbour moves up as it is.
        level = above if len(level) % 2 == 0 else [*above, level[-1]]
    return level[0]


def path(hashes: Sequence[bytes], place: int) -> list[tuple[str, bytes]]:
    """The neighbours of leaf `place` (from 0) up to the root of these leaves: ("left" or "right", hash)."""
    if len(hashes) <= 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if place < split:
        return [*path(hashes[:split], place), ("right", root_of(hashes[split:]))]
    return [*path(hashes[split:], place - split), ("left", root_of(hashes[:split]))]


def climb(leaf_hash: bytes, steps: Iterable[tuple[str, bytes]]) -> bytes:
    """The root that a leaf and its path lead to."""
    for side, neighbour in steps:
        pair = neighbour + leaf_hash if side == "left" else leaf_hash + neighbour
        leaf_hash = hashlib.sha256(b"\x01" + pair).digest()
    return leaf_hash


def score(seed: bytes, root: bytes, signature: bytes, ticket: int) -> bytes:
    """A ticket's place in the order; `signature` is empty without a beacon, tickets count from 1."""
    return hmac.digest(seed, root + signature + ticket.to_bytes(8, "big"), "sha256")


def best(
    entries: Iterable[tuple[int, int]],
    most: int,
    *,
    seed: bytes,
    root: bytes,
    signature: bytes,
    after: bytes = b"",
) -> list[Ranked]:
    """The first `most` entrants in the draw's order whose scores are beyond `after`.

    `entries` are (key, weight) in the order of the list. Reads them once and keeps `most`.
    """

    def ranked() -> Iterator[tuple[bytes, int, int]]:
        mac = keyed(seed, root + signature)
        ticket = 1
        for number, (key, weight) in enumerate(entries, start=1):
            found = mac(ticket.to_bytes(8, "big"))
            for more in range(ticket + 1, ticket + weight):
                found = min(found, mac(more.to_bytes(8, "big")))
            ticket += weight
            if found > after:
                yield found, number, key

    return [Ranked(*found) for found in heapq.nsmallest(most, ranked())]


@dataclass(frozen=True, slots=True)
class BeaconChain:
    """A drand chain, as its /info says. `genesis` and `period` in seconds, the rest in hex."""

    hash: str
    public_key: str
    scheme: str
    genesis: int
    period: int
    group_hash: str
    beacon_id: str = "default"

    def round_at(self, moment: float) -> int:
        """The first round that is published at `moment` (unix time) or later."""
        return max(1, -int((self.genesis - moment) // self.period) + 1)

    def time_of(self, number: int) -> int:
        """When a round is published, in unix time."""
        return self.genesis + (number - 1) * self.period


def round_after_sealing(chain: BeaconChain, announced: int, sealed_at: float, *, in_time: bool) -> int:
    """The round that decides: the announced one where the list was sealed at its time, else one still to come.

    A lottery that ended early, or that was sealed late, must not use a round that may be known already.
    """
    soon = chain.round_at(sealed_at + BEACON_WAIT)
    late = sealed_at + BEACON_WAIT / 2 > chain.time_of(announced)
    return announced if in_time and not late else soon


def canonical(data: object) -> str:
    """JSON of which there is one form only: sorted keys, no blanks."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def event_hash(previous: str, number: int, kind: str, at: int, body: str) -> str:
    """Links an event to the one before it. `at` is unix time in microseconds, `body` canonical JSON."""
    return hashlib.sha256(f"{previous}\n{number}\n{kind}\n{at}\n{body}".encode()).hexdigest()
