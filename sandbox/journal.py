"""What bots asked for: a bounded log of calls, and counters."""

from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice

from sandbox.models import Json
from sandbox.params import Params, Upload


@dataclass(slots=True, frozen=True)
class Call:
    """One call of a bot. `ignored` are parameters that the method does not know."""

    number: int
    at: float
    bot_id: int
    method: str
    params: Params
    status: int
    description: str
    ignored: list[str]

    def as_json(self) -> Json:
        """For the control door; files become their names and sizes."""
        params = {
            name: {"file": value.name, "size": len(value.data)} if isinstance(value, Upload) else value
            for name, value in self.params.items()
        }
        return {
            "number": self.number, "at": self.at, "bot_id": self.bot_id, "method": self.method, "params": params,
            "status": self.status, "description": self.description, "ignored": self.ignored,
        }  # fmt: skip


class Journal:
    """Calls newest last; nothing is logged, only counted, when `kept` is 0."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self.calls: deque[Call] = deque(maxlen=kept)
        self.counters: Counter[str] = Counter()
        self.number = 0

    def clear(self) -> None:
        """Forget all calls and counters; numbers go on."""
        self.calls.clear()
        self.counters.clear()

    def note(
        self, at: float, bot_id: int, method: str, params: Params, status: int, description: str, known: frozenset[str]
    ) -> None:
        """Count one call and log it."""
        self.number += 1
        self.counters[method if status == 200 else f"{method} {status}"] += 1
        if self._kept:
            ignored = [name for name in params if name not in known]
            self.calls.append(Call(self.number, at, bot_id, method, params, status, description, ignored))

    def find(self, bot_id: int | None, method: str | None, after: int, limit: int) -> list[Json]:
        """The newest matching calls, oldest of them first."""
        newest = (
            call.as_json()
            for call in reversed(self.calls)
            if call.number > after and bot_id in {None, call.bot_id} and method in {None, call.method}
        )
        return list(reversed(list(islice(newest, limit))))
