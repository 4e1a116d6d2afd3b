"""What a model's work costs, in millionths of a US dollar.

Usage is counted in tokens: `read` (what was not in the service's cache), `cached` (what was) and `written`; `calls`
says how often it was asked.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Protocol

MOST_READ: Final = 24_000
MOST_WRITTEN: Final = 16_000
"""Tokens of one report at the most, both of its calls together; what is reserved before it is begun."""


class Prices(Protocol):
    """US dollars per million tokens."""

    @property
    def read(self) -> Decimal:
        """Not in the cache."""

    @property
    def cached(self) -> Decimal:
        """In the cache."""

    @property
    def written(self) -> Decimal:
        """Answered."""


def cost_micro(usage: Mapping[str, int], prices: Prices) -> int:
    """The cost of that usage, rounded up. Dollars per million tokens are millionths per token."""
    read = usage.get("read", 0) * prices.read
    cached = usage.get("cached", 0) * prices.cached
    return math.ceil(read + cached + usage.get("written", 0) * prices.written)


def most_micro(prices: Prices) -> int:
    """The most that one report may cost."""
    return cost_micro({"read": MOST_READ, "written": MOST_WRITTEN}, prices)


def added(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Both together."""
    return {name: first.get(name, 0) + second.get(name, 0) for name in {**first, **second}}
