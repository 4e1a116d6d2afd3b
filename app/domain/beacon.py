"""A drand network: its chain and what it publishes. Whether a signature is genuine is said by `beacon_signatures`.

Only chains of scheme `bls-unchained-g1-rfc9380` (quicknet is one): signatures on G1, the public key on G2, and what
is signed is SHA-256 of the round's number, so nothing but the number and the network's key decides the value.
"""

import hashlib

from app.domain.draw import BeaconChain

SCHEME = "bls-unchained-g1-rfc9380"
QUICKNET = BeaconChain(
    hash="52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
    public_key="83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510"
    "d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
    scheme=SCHEME,
    genesis=1_692_803_367,
    period=3,
    group_hash="f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e",
    beacon_id="quicknet",
)
"""The public chain of the League of Entropy, a round every three seconds."""


def chain_hash(chain: BeaconChain) -> str:
    """The hash that names a chain, computed from its parts as drand does."""
    name = "" if chain.beacon_id in {"", "default"} else chain.beacon_id
    parts = (
        chain.period.to_bytes(4, "big"),
        chain.genesis.to_bytes(8, "big"),
        bytes.fromhex(chain.public_key),
        bytes.fromhex(chain.group_hash),
        name.encode(),
    )
    return hashlib.sha256(b"".join(parts)).hexdigest()


def message(round_number: int) -> bytes:
    """What the network signs for a round."""
    return hashlib.sha256(round_number.to_bytes(8, "big")).digest()


def randomness(signature: str) -> str:
    """A round's public value, in hex like the signature."""
    return hashlib.sha256(bytes.fromhex(signature)).hexdigest()
