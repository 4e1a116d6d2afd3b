"""Work of several threads done by one of them: whoever comes while it is under way joins the next round.

A commit costs the same for one row as for ten, so threads that write at the same moment write together. A thread that
comes alone waits for nobody.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from app.core.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
PATIENCE = 60.0
"""Seconds after which a thread gives up on the one that works for it; the work's own limits are shorter."""


class _Turn(Generic[Item, Result]):
    """What one thread brought, and how it is woken: with a result, or to do the next round itself."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.results: list[Result] = []
        self.error: Exception | None = None
        self.leads = False
        self.sleep = Lock()
        self.sleep.acquire()


class Together(Generic[Item, Result]):
    """`work` takes the items of a round and returns a result for each, in order."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]], most: int) -> None:
        self._work = work
        self._most = most
        self._lock = Lock()
        self._waiting: list[_Turn[Item, Result]] = []
        self._busy = False

    def do(self, item: Item) -> Result:
        """The item's result. Raises what `work` raised for its round, Unavailable."""
        turn: _Turn[Item, Result] = _Turn(item)
        with self._lock:
            self._waiting.append(turn)
            turn.leads, self._busy = not self._busy, True
        if not turn.leads and not turn.sleep.acquire(timeout=PATIENCE) and self._gives_up(turn):
            raise Unavailable
        if turn.leads:
            self._round()
        if turn.error is not None:
            raise turn.error
        return turn.results[0]

    def _gives_up(self, turn: _Turn[Item, Result]) -> bool:
        """Leaves, unless the turn has come at this very moment."""
        with self._lock:
            if turn.leads or turn.results or turn.error is not None:
                return False
            if turn in self._waiting:
                self._waiting.remove(turn)
            return True

    def _round(self) -> None:
        """Does the work of everybody who waits, then hands on to whoever came meanwhile."""
        with self._lock:
            round_, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            results = self._work([turn.item for turn in round_])
            for turn, result in zip(round_, results, strict=True):
                turn.results.append(result)
        except BaseException as error:
            for turn in round_:
                turn.error = error if isinstance(error, Exception) else Unavailable()
            raise
        finally:
            self._hand_on(round_)

    def _hand_on(self, done: Sequence[_Turn[Item, Result]]) -> None:
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            if following is None:
                self._busy = False
            else:
                following.leads = True
        for turn in done:
            if not turn.leads:
                turn.sleep.release()
        if following is not None:
            following.sleep.release()
