"""What bots asked for: a bounded log of calls, and counters."""

from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice

from sandbox.params import Params, Upload
from sandbox.shapes import Json

OK = 200


@dataclass(slots=True)
class Call:
    """One call of a bot. `known` are the parameters that the method knows."""

    at: float
    bot_id: int
    method: str
    params: Params
    status: int
    description: str
    known: frozenset[str]

    def as_json(self, number: int) -> Json:
        """For the control door; files become their names and sizes, `ignored` are unknown parameters."""
        params = {
            name: {"file": value.name, "size": len(value.data)} if isinstance(value, Upload) else value
            for name, value in self.params.items()
        }
        return {
            "number": number, "at": self.at, "bot_id": self.bot_id, "method": self.method, "params": params,
            "status": self.status, "description": self.description, "ignored": [name for name in self.params if name not in self.known],
        }  # fmt: skip


class Journal:
    """Calls newest last; nothing is logged, only counted, when `kept` is 0."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self.calls: deque[tuple[int, Call]] = deque(maxlen=kept)
        self.counters: Counter[str] = Counter()
        self.number = 0

    def clear(self) -> None:
        """Forget all calls and counters; numbers go on."""
        self.calls.clear()
        self.counters.clear()

    def note(self, call: Call) -> None:
        """Count one call and log it."""
        self.number += 1
        self.counters[call.method if call.status == OK else f"{call.method} {call.status}"] += 1
        if self._kept:
            self.calls.append((self.number, call))

    def find(self, bot_id: int | None, method: str | None, after: int, limit: int) -> list[Json]:
        """The newest matching calls, oldest of them first."""
        newest = (
            call.as_json(number)
            for number, call in reversed(self.calls)
            if number > after and bot_id in {None, call.bot_id} and method in {None, call.method}
        )
        return list(reversed(list(islice(newest, limit))))
