"""The signature of a round of the beacon, once it is published.

A relay is not believed: a signature must be the chain's own, and two relays must say the same.
"""

import re
from collections import Counter

from app.core.settings import get_settings
from app.domain.beacon import randomness
from app.domain.beacon_signatures import is_genuine
from app.domain.draw import BeaconChain
from app.gateways.drand import Answer, BeaconUnreachable, ask_all

NOT_YET = frozenset({404, 425})
HEX = re.compile(r"([0-9a-f]{2})+", re.ASCII)


def signature(of: BeaconChain, round_number: int) -> str | None:
    """A round's signature in hex, or None while it isn't published. Raises BeaconUnreachable."""
    urls = get_settings().drand_urls
    answers = ask_all(urls, of.hash, f"public/{round_number}")
    enough = max(1, min(2, len(urls)))
    said = Counter(found for answer in answers if (found := _signature(answer, round_number)))
    for found, times in said.most_common():
        if times >= enough and is_genuine(of, round_number, found):
            return found
    waiting = sum(answer.status in NOT_YET for answer in answers)
    if waiting and waiting + said.total() >= enough:
        return None
    raise BeaconUnreachable


def _signature(answer: Answer, round_number: int) -> str | None:
    body = answer.body or {}
    found = body.get("signature")
    if not isinstance(found, str) or not HEX.fullmatch(found) or body.get("round") != round_number:
        return None
    return found if body.get("randomness") == randomness(found) else None
