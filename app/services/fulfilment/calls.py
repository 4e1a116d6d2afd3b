"""A piece of work that stands between two transactions: what is asked outside, and what is written about its answer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from app.domain.orders import Step
from app.services.fulfilment import steps
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import Hopeless, Later

Ending = Later | Hopeless | None
Write = Callable[[], Ending]
"""Writes an answer down, in the transaction after the call, and says whether that ends the work early."""


class Stopped(Exception):
    """The process ends; whoever produces something long lets go of it."""


class Signs(Protocol):
    """Where somebody who works on an order shows how far he is."""

    def chapter(self, number: int, total: int, title: str) -> None:
        """Chapter `number` (from 1) is being written. Raises Stopped when the process has no time left."""

    def seconds_left(self) -> float:
        """How long the work may still take."""


@dataclass(frozen=True, slots=True)
class Call(ABC):
    """A call that was written down as begun."""

    claimed: Claimed
    service: str
    """Whose breaker counts it; "" for work of our own."""

    step: ClassVar[Step]

    @abstractmethod
    def make(self, signs: Signs) -> Write:
        """Makes the call, with no connection to the database held; any error is the call's failure."""

    def miss(self, error: str, usage: Mapping[str, int]) -> None:
        """Writes down that it failed, and what was used up all the same. Raises LeaseLost."""
        steps.miss(self.claimed, self.step, error, usage)
