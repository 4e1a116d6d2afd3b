"""Whether a drand round is genuine: its BLS signature.

Apart from `beacon`, because the curves take half a second and 25 MB to load, and only draws need them.
"""

import hashlib
import sys
from typing import Any, cast

from py_ecc.bls.hash_to_curve import hash_to_G1
from py_ecc.bls.point_compression import decompress_G1, decompress_G2
from py_ecc.bls.typing import G1Compressed, G2Compressed
from py_ecc.fields import optimized_bls12_381_FQ12 as FQ12
from py_ecc.optimized_bls12_381.optimized_curve import G2, curve_order, is_inf, multiply, neg
from py_ecc.optimized_bls12_381.optimized_pairing import final_exponentiate, pairing

from app.domain.beacon import message
from app.domain.draw import BeaconChain

RECURSION = 1000
"""Python's own limit. py_ecc lifts that of the whole process to 100,000, and nested input would crash the interpreter."""
sys.setrecursionlimit(RECURSION)

DOMAIN = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
G1_BYTES = 48
G2_BYTES = 96


def is_genuine(chain: BeaconChain, round_number: int, signature: str) -> bool:
    """Whether the chain's key made this signature for this round. Takes about 0.2 s of processor time."""
    try:
        key_bytes, signature_bytes = bytes.fromhex(chain.public_key), bytes.fromhex(signature)
        if len(key_bytes) != G2_BYTES or len(signature_bytes) != G1_BYTES:
            return False
        halves = (int.from_bytes(key_bytes[:G1_BYTES], "big"), int.from_bytes(key_bytes[G1_BYTES:], "big"))
        key = decompress_G2(G2Compressed(halves))
        point = decompress_G1(G1Compressed(int.from_bytes(signature_bytes, "big")))
    except ValueError:
        return False
    # A point outside the group, or its zero, would make forged pairs possible.
    if is_inf(key) or is_inf(point) or not is_inf(multiply(point, curve_order)):
        return False
    # The library's annotation names a finished hash where it takes the function that makes one.
    hashed = hash_to_G1(message(round_number), DOMAIN, cast(Any, hashlib.sha256))
    both = pairing(key, hashed, final_exponentiate=False) * pairing(G2, neg(point), final_exponentiate=False)
    return bool(final_exponentiate(both) == FQ12.one())
