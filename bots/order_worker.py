"""Works on paid orders for a while: one thread claims and renews leases, a pool of others produces.

Ends when nothing is left to claim, when its slice is over (a successor goes on then), or when the process is asked to:
then orders that are not done within the time that a platform gives are let go, for others to take at once.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.core.db import is_away
from app.core.queue import TaskName, send, transaction
from app.core.settings import get_settings
from app.core.tenancy import plans_kept
from app.domain.orders import LEASE_SECONDS
from app.services import leases
from app.services.fulfilment import claims, telling
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.sweep import KIND, SLICES
from bots.order_production import produce
from bots.order_signs import Signs

log = logging.getLogger(__name__)

SLOT_SECONDS: Final = 15.0
"""A worker that was silent so long is counted as dead and another is started; its orders keep their own leases."""
RENEW_SECONDS: Final = LEASE_SECONDS / 4
LOOK_SECONDS: Final = 0.5
"""Between two looks for new orders while there are some under way."""
LINGER_SECONDS: Final = 3.0
"""So long a worker that has nothing to do stays, since orders come in groups."""
LEAVE_SECONDS: Final = 18.0
"""Platforms kill half a minute after they asked."""


@dataclass
class _Running:
    """An order that a thread works on."""

    claimed: Claimed
    signs: Signs
    future: Future[bool] | None = field(default=None)


class Worker:
    """One slice. Runs in the system scope; `stopping` is the process's wish to end."""

    def __init__(self, app: Flask, stopping: threading.Event, owner: str) -> None:
        self._app = app
        self._stopping = stopping
        self._owner = owner
        self._size = get_settings().order_threads
        self._pool = ThreadPoolExecutor(self._size, thread_name_prefix="order")
        self._running: dict[int, _Running] = {}
        self._cut_off: list[Claimed] = []
        self._after = 0
        self._until = time.monotonic() + get_settings().slice_seconds
        self._renewed = self._slot_renewed = self._busy = time.monotonic()

    def run(self) -> bool:
        """Works; True when a successor should go on at once."""
        try:
            while self._claims():
                self._guarded(self._turn)
            more = not self._stopping.is_set() and time.monotonic() >= self._until
            self._release_slot()
            if more:
                send(TaskName.ORDERS_WORK)
            self._finish()
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
        return more

    def _claims(self) -> bool:
        now = time.monotonic()
        idle = not self._running and not self._cut_off and now - self._busy > LINGER_SECONDS
        return not self._stopping.is_set() and now < self._until and not idle

    def _turn(self) -> None:
        self._reap()
        self._give_back()
        free = self._size - len(self._running)
        found = self._claim(free) if free else 0
        self._renew()
        if not found:
            self._wait(LOOK_SECONDS)

    def _claim(self, most: int) -> int:
        with plans_kept(), transaction():
            found = claims.claim(most, self._after)
            telling.begun([one.id for one in found.orders if one.untold])
        self._after = found.last
        for claimed in found.orders:
            self._start(claimed)
        if found.orders:
            self._busy = time.monotonic()
        return len(found.orders)

    def _start(self, claimed: Claimed) -> None:
        running = _Running(claimed, Signs(claimed))
        self._running[claimed.id] = running
        running.future = self._pool.submit(produce, self._app, claimed, running.signs)

    def _reap(self) -> None:
        for order_id, running in list(self._running.items()):
            if running.future is not None and running.future.done():
                del self._running[order_id]
                self._busy = time.monotonic()
                if running.future.result():
                    self._cut_off.append(running.claimed)

    def _give_back(self) -> None:
        """Orders whose work PostgreSQL cut off; nobody needs to wait for the end of their leases."""
        if self._cut_off:
            with transaction():
                claims.give_back(self._cut_off)
            self._cut_off = []

    def _wait(self, seconds: float) -> None:
        futures = [one.future for one in self._running.values() if one.future is not None]
        if futures:
            wait(futures, timeout=seconds, return_when=FIRST_COMPLETED)
        else:
            self._stopping.wait(seconds)

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._slot_renewed >= SLOT_SECONDS / 3:
            with transaction():
                leases.renew(KIND, self._owner, SLOT_SECONDS)
            self._slot_renewed = now
        self._renew_orders(now)

    def _renew_orders(self, now: float) -> None:
        if not self._running or now - self._renewed < RENEW_SECONDS:
            return
        held = [one.claimed for one in self._running.values()]
        with transaction():
            kept = claims.renew(held)
        self._renewed = now
        for one in self._running.values():
            if one.claimed.id not in kept and one.future is not None and not one.future.done():
                one.signs.stop()

    def _finish(self) -> None:
        """Waits for what is under way; a process that ends waits only so long and lets go of the rest."""
        stopped_at: float | None = None
        while self._running or self._cut_off:
            self._reap()
            self._guarded(self._give_back)
            self._guarded(lambda: self._renew_orders(time.monotonic()))
            if self._stopping.is_set():
                stopped_at = stopped_at or time.monotonic()
                for one in self._running.values():
                    one.signs.leave_by(stopped_at + LEAVE_SECONDS)
                if time.monotonic() - stopped_at > LEAVE_SECONDS:
                    self._guarded(self._let_go)
                    return
            self._wait(LOOK_SECONDS)

    def _let_go(self) -> None:
        held = [*self._cut_off, *(one.claimed for one in self._running.values())]
        with transaction():
            claims.give_back(held)
        log.warning("orders given back", extra={"number": len(held)})

    def _release_slot(self) -> None:
        self._guarded(lambda: _release(self._owner))

    def _guarded(self, act: Callable[[], None]) -> None:
        """A PostgreSQL that is away ends nothing: leases that run out meanwhile are somebody else's."""
        try:
            act()
        except (DBAPIError, NoConnectionFree) as error:
            if not is_away(error):
                raise
            log.warning("orders wait for the database", extra={"reason": str(error)})
            self._stopping.wait(1.0)


def run(app: Flask, stopping: threading.Event) -> None:
    """Works for a slice, unless enough others do. Runs in the system scope."""
    owner = uuid4().hex
    with transaction():
        leases.create_shards(KIND, SLICES)
        slot = leases.take(KIND, owner, shards=SLICES, most=1, seconds=SLOT_SECONDS)
    if slot:
        Worker(app, stopping, owner).run()


def _release(owner: str) -> None:
    with transaction():
        leases.release(KIND, owner, set(range(SLICES)))
