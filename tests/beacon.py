"""A beacon of the tests' own: a key pair like a drand network's, which signs any round at once."""

import hashlib
from functools import cache

from py_ecc.bls.hash_to_curve import hash_to_G1
from py_ecc.bls.point_compression import compress_G1, compress_G2, decompress_G1
from py_ecc.optimized_bls12_381.optimized_curve import G2, add, curve_order, is_inf, multiply

from app.domain.beacon import SCHEME, chain_hash, message, randomness
from app.domain.beacon_signatures import DOMAIN
from app.domain.draw import BeaconChain

SECRET = 0x1F3A_5C7E_9B2D_4F60_8A1C_3E5D_7F90_B2D4_C6E8
GENESIS = 1_700_000_000


@cache
def chain() -> BeaconChain:
    """A round every three seconds since GENESIS."""
    key = b"".join(int(half).to_bytes(48, "big") for half in compress_G2(multiply(G2, SECRET)))
    parts = {"scheme": SCHEME, "genesis": GENESIS, "period": 3, "group_hash": "ab" * 32, "beacon_id": "tests"}
    nameless = BeaconChain(hash="", public_key=key.hex(), **parts)
    return BeaconChain(hash=chain_hash(nameless), public_key=key.hex(), **parts)


@cache
def sign(number: int, secret: int = SECRET) -> str:
    """The signature of a round, in hex."""
    point = multiply(hash_to_G1(message(number), DOMAIN, hashlib.sha256), secret)
    return int(compress_G1(point)).to_bytes(48, "big").hex()


@cache
def blurred(number: int) -> str:
    """The signature plus a point of the curve outside its group: pairings alone don't tell it from the genuine one."""
    genuine = decompress_G1(int(sign(number), 16))
    points = (decompress_G1((1 << 383) + x) for x in (4, 5, 8))
    strays = (multiply(point, curve_order) for point in points)
    stray = next(point for point in strays if not is_inf(point))
    return int(compress_G1(add(genuine, stray))).to_bytes(48, "big").hex()


def info() -> dict[str, object]:
    """What a relay answers to /info."""
    ours = chain()
    return {
        "public_key": ours.public_key,
        "period": ours.period,
        "genesis_time": ours.genesis,
        "genesis_seed": ours.group_hash,
        "hash": ours.hash,
        "groupHash": ours.group_hash,
        "schemeID": ours.scheme,
        "metadata": {"beaconID": ours.beacon_id},
    }


def published(number: int) -> dict[str, object]:
    """What a relay answers to /public/<number>."""
    return {"round": number, "signature": sign(number), "randomness": randomness(sign(number))}
