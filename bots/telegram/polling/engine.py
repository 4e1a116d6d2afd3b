"""The one thread and event loop of a process in which all of its bots are polled.

Tasks hold seats: shards under a lease that the task renews. The loop polls the bots of all seats whose lease has not
run out. A task that ends parks its seat, and the next one in this process takes it up again without a connection
being lost; where none comes, the lease runs out and everything of that seat stops by itself.
"""

import asyncio
import contextlib
import gc
import logging
import resource
import threading
import time
from dataclasses import dataclass
from typing import Final

import uvloop
from flask import Flask

from app.core.settings import Settings
from app.services.directory import AsyncDirectory
from app.services.inbox.writer import GroupWriter
from bots.telegram.polling.connection import Address
from bots.telegram.polling.fleet import Fleet
from bots.telegram.polling.poller import Tools
from bots.telegram.polling.reports import Reporter

log = logging.getLogger(__name__)

SOME_BOTS: Final = 200
GROWTH: Final = 1.25
PARKED_SECONDS: Final = 1.0
"""What has to be left of a parked seat's lease for the next task to take it up."""


@dataclass(eq=False)
class Seat:
    """What a task holds: its name as owner of the leases, its shards, and until when (monotonic) they are ours."""

    owner: str
    shards: frozenset[int] = frozenset()
    until: float = 0.0
    parked: bool = False


class Engine:
    """Starts its thread when the first seat is taken. Its methods are for other threads."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._seats: list[Seat] = []
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._wake = asyncio.Event()
        self._running = 0
        self._spared = 0
        self._closed = False
        self._thread = threading.Thread(target=self._live, name="polling", daemon=True)
        self._thread.start()

    @property
    def running(self) -> int:
        """How many bots are polled right now."""
        return self._running

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def sit(self, seat: Seat) -> None:
        """Polls the seat's shards from now on."""
        with self._lock:
            self._seats.append(seat)
        self.changed()

    def changed(self) -> None:
        """A seat has got other shards."""
        self._loop.call_soon_threadsafe(self._wake.set)

    def park(self, seat: Seat) -> None:
        """Leaves the seat to the next task; polling goes on as long as its lease lasts."""
        with self._lock:
            seat.parked = True

    def take_up(self) -> Seat | None:
        """A parked seat, if there is one whose lease lasts a moment longer."""
        with self._lock:
            for seat in self._seats:
                if seat.parked and seat.until - time.monotonic() > PARKED_SECONDS:
                    seat.parked = False
                    return seat
        return None

    def leave(self, seat: Seat, seconds: float = 2.0) -> None:
        """Stops polling the seat's shards and returns when it has stopped."""
        with self._lock, contextlib.suppress(ValueError):
            self._seats.remove(seat)
        if self.alive:
            asyncio.run_coroutine_threadsafe(self._settle(), self._loop).result(seconds)

    def close(self) -> None:
        """Stops everything and ends the thread."""
        self._closed = True
        self.changed()
        self._thread.join(10)

    def _live(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    async def _settle(self) -> None:
        self._fleet.keep(self._shards())

    def _shards(self) -> frozenset[int]:
        now = time.monotonic()
        with self._lock:
            self._seats = [seat for seat in self._seats if seat.until > now or not seat.parked]
            return frozenset[int]().union(*(seat.shards for seat in self._seats if seat.until > now))

    def _sleep(self, next_look: float) -> float:
        """Seconds until a lease might have run out or a look is due."""
        now = time.monotonic()
        with self._lock:
            ends = [seat.until for seat in self._seats if seat.until > now]
        return max(0.01, min([next_look, *ends]) - now) if self._seats else 3600.0

    async def _main(self) -> None:
        settings = self._settings
        _raise_file_limit()
        directory, writer = AsyncDirectory(settings), GroupWriter(settings, "polling")
        reporter = Reporter(self._app)
        address = Address(settings.telegram_api_url, settings.poll_handshakes)
        self._fleet = Fleet(settings, directory, Tools(settings, address, writer, reporter))
        ears = asyncio.create_task(self._fleet.hear(self._wake))
        try:
            await self._run()
        finally:
            self._fleet.keep(frozenset())
            ears.cancel()
            await asyncio.gather(ears, return_exceptions=True)
            await writer.close()
            await directory.close()
            reporter.close()

    async def _run(self) -> None:
        while not self._closed:
            shards = self._shards()
            if shards != self._fleet.shards:
                self._fleet.keep(shards)
            await self._fleet.look()
            self._running = self._fleet.running
            self._spare_the_collector()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._sleep(self._fleet.look_at)):
                    await self._wake.wait()
            self._wake.clear()

    def _spare_the_collector(self) -> None:
        """Takes what thousands of bots consist of out of the garbage collector's sight.

        It lives as long as the bots and would be looked through again and again, half a second for ten thousand
        bots, while messages wait. Reference counts still free it.
        """
        if self._running > self._spared * GROWTH + SOME_BOTS:
            self._spared = self._running
            gc.collect()
            gc.freeze()


def _raise_file_limit() -> None:
    """Each bot is an open connection, and the usual limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
