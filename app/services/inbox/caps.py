"""How many open updates a bot may have before its transport has to wait.

The exact number is only known to PostgreSQL, and asking it for every update would cost more than the update. So each
process adds what it accepted to the last exact count and asks again when a quarter of what was left is used up (by
then a few processes together are still under the cap), when the count near the cap is old, or before it refuses.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

STEP: Final = 50
OLD: Final = 3.0
ASK_AGAIN: Final = 1.0
MANY: Final = 20_000


@dataclass(slots=True)
class _Open:
    counted: int = 0
    added: int = 0
    limit: int = 0
    """`added` at which the count is asked for anew."""
    asked_at: float = 0.0


class Caps:
    """The estimate of one process. Whoever owns it runs the counts in `due()` and tells the result to `learn()`."""

    def __init__(self, cap: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cap = cap
        self._clock = clock
        self._bots: dict[int, _Open] = {}
        self.due_bots: set[int] = set()
        """Whose count is due; taken by `due()`."""
        self._lock = threading.Lock()

    def admit(self, bot_id: int, updates: int = 1) -> bool:
        """True and noted when the bot has room; False when it is full as far as we know."""
        state = self._bots.get(bot_id)
        if state is None:
            # What other processes and earlier ones accepted is unknown until the first count.
            state = self._bots[bot_id] = _Open(limit=1)
        added = state.added + updates
        if state.counted + added > self._cap:
            self._ask(bot_id, state, ASK_AGAIN)
            return False
        state.added = added
        if added >= state.limit:
            self._ask(bot_id, state, 0.0)
        elif state.counted * 2 > self._cap:
            self._ask(bot_id, state, OLD)
        return True

    def is_full(self, bot_id: int) -> bool:
        """The same question without taking a place."""
        state = self._bots.get(bot_id)
        if state is None or state.counted + state.added < self._cap:
            return False
        self._ask(bot_id, state, ASK_AGAIN)
        return True

    def _ask(self, bot_id: int, state: _Open, pause: float) -> None:
        now = self._clock()
        if now - state.asked_at >= pause:
            state.asked_at = now
            with self._lock:
                self.due_bots.add(bot_id)

    def due(self) -> list[int]:
        """The bots to count now; each is named once."""
        with self._lock:
            bots, self.due_bots = self.due_bots, set()
        return list(bots)

    def learn(self, bots: Iterable[int], counts: Mapping[int, int]) -> None:
        """Takes in exact counts, which include what was admitted and is still on its way; no count = nothing open."""
        if len(self._bots) > MANY:
            self._bots = {bot_id: state for bot_id, state in self._bots.items() if state.added}
        for bot_id in bots:
            state = self._bots.get(bot_id)
            if state is not None:
                state.counted, state.added = counts.get(bot_id, 0), 0
                state.limit = max(STEP, (self._cap - state.counted) // 4)
