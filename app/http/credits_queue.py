"""Whose calls are worked on next: tenants take turns, and what gathered meanwhile goes together.

Belongs to one event loop. A tenant has at most one thread, so one that waits for a locked account holds up nobody else.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
THREADS: Final = 8
MOST: Final = 100
"""In one group."""
LONGEST: Final = 1_000
"""Calls of one tenant that may wait."""


class Groups(Generic[Item, Result]):
    """`work` gets items of one tenant, in a thread, and answers a result for each."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(THREADS, "credits")
        self._free = THREADS
        # A tenant is in it as long as something of his waits or is worked on; in `_next` when no thread has him.
        self._waiting: dict[int, deque[tuple[Item, asyncio.Future[Result]]]] = {}
        self._next: deque[int] = deque()
        self._running: set[asyncio.Future[Sequence[Result]]] = set()

    def has_room(self, tenant_id: int) -> bool:
        """Whether the tenant may bring more."""
        return len(self._waiting.get(tenant_id, ())) < LONGEST

    def put(self, tenant_id: int, item: Item) -> asyncio.Future[Result]:
        """The item's result, later. Raises what `work` raised for its group."""
        done: asyncio.Future[Result] = self._loop.create_future()
        queue = self._waiting.get(tenant_id)
        if queue is None:
            queue = self._waiting[tenant_id] = deque()
            self._next.append(tenant_id)
        queue.append((item, done))
        self._go()
        return done

    async def close(self) -> None:
        """Finishes what waits."""
        while self._running:
            await asyncio.wait(self._running)
            # Those who are done bring in whoever waits behind them.
            await asyncio.sleep(0)
        self._pool.shutdown()

    def _go(self) -> None:
        while self._next and self._free:
            tenant_id = self._next.popleft()
            queue = self._waiting[tenant_id]
            group = [queue.popleft() for _ in range(min(len(queue), MOST))]
            self._free -= 1
            running = self._loop.run_in_executor(self._pool, self._work, [item for item, _ in group])
            self._running.add(running)
            running.add_done_callback(partial(self._done, tenant_id, group))

    def _done(
        self,
        tenant_id: int,
        group: Sequence[tuple[Item, asyncio.Future[Result]]],
        running: asyncio.Future[Sequence[Result]],
    ) -> None:
        self._running.discard(running)
        self._free += 1
        if self._waiting[tenant_id]:
            self._next.append(tenant_id)
        else:
            del self._waiting[tenant_id]
        self._go()
        error = running.exception()
        results = [] if error else running.result()
        for place, (_, done) in enumerate(group):
            # Whoever waited may have gone.
            if done.done():
                continue
            if error:
                done.set_exception(error)
            else:
                done.set_result(results[place])
