"""The arithmetic of draws: fair to every ticket, the same for everybody who computes it, decided by nothing known before."""

import hashlib
import hmac
import math
import random
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import draw

EMPTY = hashlib.sha256(b"").digest()
hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)
weights = st.lists(st.integers(1, 5), min_size=1, max_size=40)


def rfc6962(leaves: Sequence[bytes]) -> bytes:
    """The tree head as the standard defines it."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + rfc6962(leaves[:split]) + rfc6962(leaves[split:])).digest()


def p_value(observed: Sequence[float], expected: Sequence[float]) -> float:
    """Of Pearson's chi-square test, by Wilson and Hilferty's approximation of the distribution."""
    freedom = len(observed) - 1
    statistic = sum((found - wanted) ** 2 / wanted for found, wanted in zip(observed, expected, strict=True))
    spread = 2 / (9 * freedom)
    z = ((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2)) / 2


def test_the_p_value_is_that_of_the_tables():
    # 18.307 is the 5 % point, 29.588 the 0.1 % point of 10 degrees of freedom.
    for statistic, level in ((18.307, 0.05), (29.588, 0.001)):
        less = math.sqrt(statistic / 1.1)
        observed = [100 + 10 * less, *[100 - less] * 10]
        assert math.isclose(p_value(observed, [100] * 11), level, rel_tol=0.1)


def first_places(draws: int, weighted: Sequence[int], chance: random.Random) -> list[int]:
    """How often each entrant came first in so many draws, each with a list and a seed of its own."""
    entries, found = list(enumerate(weighted)), Counter[int]()
    for _ in range(draws):
        seed, root = chance.randbytes(32), chance.randbytes(32)
        found[draw.best(entries, 1, seed=seed, root=root, signature=b"")[0].key] += 1
    return [found[key] for key in range(len(weighted))]


def test_100_000_small_draws_are_even():
    found = first_places(100_000, [1] * 5, random.Random(1))
    assert p_value(found, [20_000] * 5) > 0.001


def test_every_place_is_even_and_not_only_the_first():
    chance, places = random.Random(2), Counter[tuple[int, ...]]()
    for _ in range(12_000):
        ranked = draw.best(
            [(0, 1), (1, 1), (2, 1), (3, 1)], 4, seed=chance.randbytes(32), root=EMPTY, signature=b""
        )
        places[tuple(one.key for one in ranked)] += 1
    assert len(places) == 24
    assert p_value(list(places.values()), [500] * 24) > 0.001


def test_who_holds_more_tickets_wins_in_proportion():
    weighted = [1, 2, 3, 4, 10]
    found = first_places(20_000, weighted, random.Random(3))
    assert p_value(found, [20_000 * weight / 20 for weight in weighted]) > 0.001


def test_the_seed_alone_does_not_say_who_wins():
    """Whoever knew seed and commitment before the list was sealed would still know nothing: the root decides with it."""
    seed, firsts = b"s" * 32, Counter[int]()
    for root in range(2_000):
        ranked = draw.best(
            [(key, 1) for key in range(4)], 1, seed=seed, root=root.to_bytes(32), signature=b""
        )
        firsts[ranked[0].key] += 1
    assert p_value([firsts[key] for key in range(4)], [500] * 4) > 0.001


def test_what_was_public_before_decides_nothing():
    """An order computed from the commitment instead of the seed is another one."""
    seed = b"s" * 32
    entries = [(key, 1) for key in range(50)]
    true = draw.best(entries, 50, seed=seed, root=EMPTY, signature=b"")
    guessed = draw.best(entries, 50, seed=bytes.fromhex(draw.commitment(seed)), root=EMPTY, signature=b"")
    assert [one.key for one in true] != [one.key for one in guessed]


@given(st.binary(max_size=64), st.binary(max_size=100), st.binary(max_size=100))
def test_keyed_is_hmac(key: bytes, prefix: bytes, message: bytes):
    assert draw.keyed(key, prefix)(message) == hmac.digest(key, prefix + message, "sha256")


@given(hashes)
def test_the_root_is_that_of_rfc_6962(leaves: list[bytes]):
    assert draw.root_of(leaves) == rfc6962(leaves)
    assert draw.root_of([]) == EMPTY


@given(hashes, st.integers(0, 3))
def test_roots_of_chunks_have_the_root_of_the_leaves(leaves: list[bytes], power: int):
    size = 1 << power
    chunks = [draw.root_of(leaves[at : at + size]) for at in range(0, len(leaves), size)]
    assert draw.root_of(chunks) == draw.root_of(leaves)


@given(hashes, st.data())
def test_every_path_leads_up_to_the_root_and_from_no_other_leaf(leaves: list[bytes], data: st.DataObject):
    place = data.draw(st.integers(0, len(leaves) - 1))
    steps = draw.path(leaves, place)
    assert draw.climb(leaves[place], steps) == draw.root_of(leaves)
    assert len(steps) <= (len(leaves) - 1).bit_length()
    assert draw.climb(hashlib.sha256(leaves[place]).digest(), steps) != draw.root_of(leaves)


@settings(max_examples=50)
@given(weights, st.binary(min_size=32, max_size=32), st.data())
def test_the_order_is_that_of_each_ones_best_ticket(held: list[int], seed: bytes, data: st.DataObject):
    entries = [(1000 + place, weight) for place, weight in enumerate(held)]
    tickets = iter(range(1, sum(held) + 1))
    scores = [min(draw.score(seed, EMPTY, b"b", next(tickets)) for _ in range(weight)) for weight in held]
    by_score = sorted(range(len(held)), key=lambda place: scores[place])
    whole = draw.best(entries, len(held), seed=seed, root=EMPTY, signature=b"b")
    assert [(one.number, one.key) for one in whole] == [(place + 1, 1000 + place) for place in by_score]
    cut = data.draw(st.integers(1, len(held)))
    head = draw.best(entries, cut, seed=seed, root=EMPTY, signature=b"b")
    tail = draw.best(entries, len(held), seed=seed, root=EMPTY, signature=b"b", after=head[-1].score)
    assert head + tail == whole
