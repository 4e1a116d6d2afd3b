"""The resident reader: leases chat-shards for a while, claims their updates, hands over cleanly."""

import logging
import threading
import time
from collections.abc import Collection
from typing import Final
from uuid import uuid4

import psycopg
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.core.bells import Bell, Listener, ring_now
from app.core.queue import TaskName, send
from app.core.settings import Settings
from app.services.inbox import claims
from app.services.inbox.claims import Store
from app.services.leases import CHAT
from bots.drain.attempt import Find, Handle, attempt_with
from bots.drain.crew import Crew
from bots.drain.desk import Desk
from bots.drain.finisher import Finisher
from bots.drain.lane import Lane

log = logging.getLogger(__name__)

LOOK: Final = 1.0
"""A look without a bell, for when Redis is away."""
AWAY: Final = 0.5
LANE_LOOK: Final = 0.05
SLOW_CLAIM: Final = 0.005
STOP_SECONDS: Final = 3.0
"""How long running handlers may take after SIGTERM; platforms kill ten seconds after it."""
HAND_OVER_SECONDS: Final = 30.0
ORPHAN_SECONDS: Final = 5.0
"""Shards that nobody took for so long are taken by whoever lives, beyond his share."""


class Drain:
    """One slice of reading. Its shards, its threads, its three connections."""

    def __init__(self, settings: Settings, app: Flask, handle: Handle, find: Find) -> None:
        self._settings = settings
        self._owner = uuid4().hex
        self._desk = Desk(settings, self._owner)
        self._store = Store(settings, self._owner)
        self._finisher = Finisher(Store(settings, self._owner), self._on_written)
        self._wake = threading.Event()
        attempt = attempt_with(app, handle, find)
        written = lambda: self._finisher.written  # noqa: E731 - short and used twice
        self._crew = Crew(settings.drain_chats, attempt, self._finisher.add, written, self._wake.set)
        self._lane = Lane(self._store, self._crew, written)
        self._shards: set[int] = set()
        self._rung = True
        self._claimed_at = self._renew_at = self._not_before = self._end = 0.0
        self._orphans_since: float | None = None
        self._over = threading.Event()
        self._succeeded = False

    @property
    def _share(self) -> int:
        return -(-self._settings.chat_shards // self._settings.drain_slices)

    def run(self, stop: threading.Event) -> bool:
        """Reads until the slice is over or `stop` is set; False when there was nothing to lease."""
        try:
            self._take(self._share)
            if not self._shards:
                return False
            threading.Thread(target=self._listen, name="drain-bell", daemon=True).start()
            self._end = time.monotonic() + self._settings.slice_seconds
            while not stop.is_set() and time.monotonic() < self._end and self._shards:
                self._turn()
        finally:
            self._leave(STOP_SECONDS if stop.is_set() else HAND_OVER_SECONDS)
        return True

    def _turn(self) -> None:
        try:
            if time.monotonic() >= self._renew_at:
                self._renew()
            self._lane.step()
            due = self._crew.tick()
            if self._may_claim():
                self._claim()
        except (psycopg.OperationalError, OperationalError) as error:
            log.warning("the inbox is away", extra={"reason": str(error)})
            self._wake.wait(AWAY)
        else:
            self._wake.wait(self._pause(due))
        self._wake.clear()

    def _pause(self, due: float | None) -> float:
        now = time.monotonic()
        moments = [self._end, self._renew_at, self._claimed_at + LOOK]
        if due is not None:
            moments.append(due)
        if self._lane.busy:
            moments.append(now + LANE_LOOK)
        if self._rung or self._crew.hungry:
            moments.append(self._not_before)
        return max(0.0, min(moments) - now)

    def _may_claim(self) -> bool:
        now = time.monotonic()
        return now >= self._not_before and (self._rung or self._crew.hungry or now >= self._claimed_at + LOOK)

    def _claim(self) -> None:
        self._rung = False
        wanted = self._crew.wanted(self._lane.blocked)
        started = time.monotonic()
        if wanted.room:
            updates, more = self._store.claim(self._shards, wanted)
            self._crew.add(update for update in updates if not self._finisher.holds(update))
        if not wanted.room or more:
            self._crew.expect_more()
        self._claimed_at = time.monotonic()
        # Long searches under a flood may take half of our time, not all of it.
        took = self._claimed_at - started
        self._not_before = self._claimed_at + (took if took > SLOW_CLAIM else 0.0)

    def _on_written(self) -> None:
        if self._lane.busy:
            self._wake.set()

    def _listen(self) -> None:
        listener = Listener(Bell.INBOX)
        while not self._over.is_set():
            for _, shards in listener.wait(LOOK):
                if not self._shards.isdisjoint(int(shard) for shard in shards.split(",") if shard.isdigit()):
                    self._rung = True
                    self._wake.set()
        listener.close()

    def _take(self, most: int) -> None:
        """Leases free shards and looks at what their former owners left."""
        asked_at = time.monotonic()
        self._shards |= self._desk.take(most)
        self._leased(asked_at)
        self._recover()

    def _leased(self, asked_at: float) -> None:
        """Counts the lease from before the question, so that our clock ends it first."""
        self._renew_at = asked_at + self._settings.lease_seconds / 3
        self._crew.allow(asked_at + self._settings.lease_seconds)

    def _recover(self) -> None:
        recovered = self._store.recover(self._shards)
        if recovered:
            log.warning("updates of a lost reader are handled again", extra={"number": recovered})
        self._lane.learn(self._store.suspects(self._shards))
        self._rung = True

    def _renew(self) -> None:
        asked_at = time.monotonic()
        kept, free = self._desk.renew()
        lost = self._shards - kept
        self._shards &= kept
        if lost:
            log.warning("shards were taken over", extra={"number": len(lost)})
            self._lane.forget(lost)
            self._crew.take_back(lost)
        self._leased(asked_at)
        self._take_orphans(free)
        self._recover()

    def _take_orphans(self, free: int) -> None:
        """Tops up to our share at once, and beyond it only after others had their time to come."""
        if free <= 0:
            self._orphans_since = None
            return
        now = time.monotonic()
        self._orphans_since = self._orphans_since or now
        missing = self._share - len(self._shards)
        if missing > 0 or now - self._orphans_since >= ORPHAN_SECONDS:
            self._take(missing if missing > 0 else free)

    def _leave(self, seconds: float) -> None:
        """Puts back what did not start, waits for what runs, and lets go shard by shard."""
        self._finisher.add(*map(claims.put_back, self._crew.take_back(self._shards)))
        deadline = time.monotonic() + seconds
        while True:
            running = self._crew.running_shards()
            try:
                self._let_go(self._shards - running)
                if not running or time.monotonic() >= deadline:
                    break
                if time.monotonic() >= self._renew_at:
                    self._keep(running)
            except (psycopg.OperationalError, OperationalError) as error:
                log.warning("the inbox is away", extra={"reason": str(error)})
                if time.monotonic() >= deadline:
                    break
            self._wake.wait(0.2)
            self._wake.clear()
        self._over.set()
        self._lane.leave()
        self._crew.close()
        self._finisher.close()
        self._store.close()
        self._desk.close()

    def _let_go(self, shards: Collection[int]) -> None:
        if not shards or not self._finisher.flush(1.0):
            return
        self._desk.release(shards)
        ring_now(Bell.LEASES, CHAT)
        if not self._succeeded:
            send(TaskName.TELEGRAM_DRAIN)
        self._succeeded = True
        self._shards -= set(shards)

    def _keep(self, running: Collection[int]) -> None:
        asked_at = time.monotonic()
        kept, _ = self._desk.renew()
        self._shards &= kept & set(running)
        self._leased(asked_at)
