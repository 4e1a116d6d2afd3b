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
from collections.abc import Iterable, Iterator, Sequence
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
class Entrant:
    """A line of the sealed list: `number` counts from 1, `key` is the row's id, `tickets` his first and last ticket."""

    number: int
    key: int
    weight: int
    first_ticket: int


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
    return hashlib.sha256(b"\x00" + f"{number}\n{ref}\n{weight}\n{conditions}".encode()).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Takes leaves in order and holds only the roots of the finished subtrees: bounded memory for any list."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf_hash: bytes, height: int = 0) -> None:
        """Appends a leaf, or the root of a whole subtree of 2**height leaves."""
        self.size += 1 << height
        while self._stack and self._stack[-1][0] == height:
            leaf_hash = _node(self._stack.pop()[1], leaf_hash)
            height += 1
        self._stack.append((height, leaf_hash))

    def root(self) -> bytes:
        """RFC 6962's tree head; of an empty list SHA-256 of nothing."""
        if not self._stack:
            return hashlib.sha256(b"").digest()
        *rest, (_, root) = self._stack
        for _, left in reversed(rest):
            root = _node(left, root)
        return root


def path(leaves: Sequence[bytes], place: int) -> list[tuple[str, bytes]]:
    """The neighbours of leaf `place` (from 0) up to the root of these leaves: ("left" or "right", hash)."""
    if len(leaves) <= 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if place < split:
        return [*path(leaves[:split], place), ("right", _root_of(leaves[split:]))]
    return [*path(leaves[split:], place - split), ("left", _root_of(leaves[:split]))]


def climb(leaf_hash: bytes, steps: Iterable[tuple[str, bytes]]) -> bytes:
    """The root that a leaf and its path lead to."""
    for side, neighbour in steps:
        leaf_hash = _node(neighbour, leaf_hash) if side == "left" else _node(leaf_hash, neighbour)
    return leaf_hash


def _root_of(leaves: Sequence[bytes]) -> bytes:
    tree = Tree()
    for one in leaves:
        tree.add(one)
    return tree.root()


def score(seed: bytes, root: bytes, signature: bytes, ticket: int) -> bytes:
    """A ticket's place in the order; `signature` is empty without a beacon, tickets count from 1."""
    return hmac.digest(seed, root + signature + ticket.to_bytes(8, "big"), "sha256")


def best(
    entrants: Iterable[Entrant], most: int, *, seed: bytes, root: bytes, signature: bytes
) -> list[Ranked]:
    """The first `most` entrants in the draw's order. Reads the list once and keeps `most` of it."""

    def ranked() -> Iterator[tuple[bytes, int, int]]:
        for one in entrants:
            tickets = range(one.first_ticket, one.first_ticket + one.weight)
            yield min(score(seed, root, signature, ticket) for ticket in tickets), one.number, one.key

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
