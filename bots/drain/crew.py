"""Threads that handle updates: each chat in order, different chats side by side."""

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from itertools import count
from queue import SimpleQueue
from typing import Final

from app.core import metrics
from app.domain.inbox import MAX_ATTEMPTS, UpdateState
from app.services.inbox import claims
from app.services.inbox.claims import Chat as ChatKey
from app.services.inbox.claims import Claimed, Outcome, Wanted
from app.services.inbox.claims_sql import PER_CHAT
from bots.drain.attempt import Kind, Verdict
from bots.drain.fairness import Chat, FairQueue

HELD_PER_THREAD: Final = 2
LONGEST_WAIT: Final = 600.0
WAITS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds after the first failure, the second, and so on."""


class Crew:
    """Holds claimed updates until their outcome is reported. Safe for all threads."""

    def __init__(
        self,
        size: int,
        attempt: Callable[[Claimed], Verdict],
        report: Callable[[Outcome], int],
        wake: Callable[[], None],
    ) -> None:
        self._attempt = attempt
        self._report = report
        self._wake = wake
        self._limit = size * HELD_PER_THREAD
        self._lock = threading.Lock()
        self._chats: dict[ChatKey, Chat] = {}
        self._held: Counter[int] = Counter()
        self._queue = FairQueue(size)
        self._delayed: list[tuple[float, int, Chat]] = []
        self._order = count()
        self._jobs: SimpleQueue[Chat | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._watched: dict[tuple[int, int], Callable[[int], None]] = {}
        self._asked = Wanted(0, 0)
        self._low_water = 0
        self._valid_until = 0.0
        self.hungry = False
        """Somebody for whom there was no room at the last claim would find room now."""

    def wanted(self, blocked: Collection[ChatKey] = ()) -> Wanted:
        """What a claim should ask for. `blocked` chats are left out."""
        with self._lock:
            now = time.monotonic()
            parked = sum(len(chat.waiting) for chat in self._chats.values() if chat.due > now)
            full = [
                key for key, chat in self._chats.items() if len(chat.waiting) >= PER_CHAT or chat.due > now
            ]
            # One who is told by Telegram to wait must not fill the places of others; his own share bounds him.
            room = max(0, self._limit - (self._held.total() - parked))
            each = max(1, room // (2 + len(self._held)))
            # Nobody may hold more than is left for others, and a claim leaves a quarter for who comes next.
            tenants = {tenant_id for tenant_id, held in self._held.items() if held >= room}
            self._asked = Wanted(room * 3 // 4, each, {*full, *blocked}, tenants)
            self._low_water = 0
            self.hungry = False
            return self._asked

    def expect_more(self) -> None:
        """More updates wait than there was room for: be hungry when most places are free."""
        with self._lock:
            self._low_water = self._limit * 3 // 8
            self.hungry |= self._held.total() <= self._low_water

    def add(self, updates: Iterable[Claimed]) -> None:
        """Takes claimed updates, those of one chat in order, and starts what can be started."""
        with self._lock:
            for update in updates:
                chat = self._chats.get(update.chat)
                if chat is None:
                    chat = self._chats[update.chat] = Chat(update.chat, update.tenant_id)
                elif any(held.update_id == update.update_id for held in chat.waiting):
                    # PostgreSQL forgot in a crash that it had given it to us.
                    continue
                chat.waiting.append(update)
                self._held[update.tenant_id] += 1
                if len(chat.waiting) == 1:
                    self._queue.push(chat)
            self._start()

    def watch(self, update: Claimed, settled: Callable[[int], None]) -> None:
        """Calls `settled` with the ticket of its outcome (0 without one) when the first attempt at `update` ends."""
        with self._lock:
            self._watched[update.bot_id, update.update_id] = settled

    def allow(self, until: float) -> None:
        """Nothing starts after this moment (monotonic): our leases may have ended by then."""
        with self._lock:
            self._valid_until = until
            self._start()

    def tick(self) -> float | None:
        """Starts what was waiting for its time; when the next of those is due (monotonic)."""
        with self._lock:
            now = time.monotonic()
            while self._delayed and self._delayed[0][0] <= now:
                chat = heapq.heappop(self._delayed)[2]
                if not chat.given_up:
                    self._queue.push(chat)
            self._start()
            return self._delayed[0][0] if self._delayed else None

    def holds(self, key: ChatKey) -> bool:
        """Whether we hold updates of this chat."""
        with self._lock:
            return key in self._chats

    def take_back(self, shards: Collection[int] | None = None) -> list[Claimed]:
        """Gives up what did not start yet, of these shards or of all; what runs goes on and is reported."""
        with self._lock:
            back: list[Claimed] = []
            for chat in list(self._chats.values()):
                if shards is None or chat.waiting[0].shard in shards:
                    back += self._strip(chat)
            return back

    def running_shards(self) -> set[int]:
        """The shards of the updates that are being handled now."""
        with self._lock:
            return {chat.waiting[0].shard for chat in self._chats.values() if chat.running}

    def close(self) -> None:
        """Lets threads end as soon as they have nothing to do."""
        with self._lock:
            for _ in self._threads:
                self._jobs.put(None)

    def _strip(self, chat: Chat) -> list[Claimed]:
        chat.given_up = True
        back = list(chat.waiting)[1 if chat.running else 0 :]
        for update in back:
            chat.waiting.pop()
            self._forget_one(update.tenant_id)
        if not chat.running:
            self._queue.discard(chat)
            del self._chats[chat.key]
        return back

    def _forget_one(self, tenant_id: int) -> None:
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]

    def _start(self) -> None:
        """With the lock held: gives ready chats to threads as far as fairness and the leases allow."""
        if time.monotonic() >= self._valid_until:
            return
        while (chat := self._queue.start()) is not None:
            if len(self._threads) < self._queue.running:
                thread = threading.Thread(target=self._work, name=f"drain-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._jobs.put(chat)

    def _work(self) -> None:
        while (chat := self._jobs.get()) is not None:
            if time.monotonic() < self._valid_until:
                self._settle(chat, self._attempt(chat.waiting[0]))
            else:
                self._undo(chat)

    def _undo(self, chat: Chat) -> None:
        """It was our turn before the leases ended; whether it still is will be known after their renewal."""
        with self._lock:
            self._queue.stop(chat)
            if not chat.given_up:
                self._queue.push(chat)
                return
            self._forget_one(chat.tenant_id)
            del self._chats[chat.key]
        self._report(claims.put_back(chat.waiting[0]))
        self._wake()

    def _settle(self, chat: Chat, verdict: Verdict) -> None:
        update = chat.waiting[0]
        outcome, wait = _judge(update, verdict)
        ticket = self._report(outcome) if outcome else 0
        if outcome:
            metrics.update_handled(_result(verdict, outcome), time.time() - update.received)
        with self._lock:
            self._queue.stop(chat)
            settled = self._watched.pop((update.bot_id, update.update_id), None)
            if wait is None or chat.given_up:
                chat.waiting.popleft()
                self._forget_one(chat.tenant_id)
            else:
                self._delay(chat, wait, counted=outcome is not None)
            self._go_on(chat)
            self._start()
            wake = self.hungry or chat.given_up or wait is not None
        if wait is not None and chat.given_up:
            self._report(claims.put_back(update))
        if settled:
            settled(ticket)
        if wake or settled:
            self._wake()

    def _delay(self, chat: Chat, seconds: float, *, counted: bool) -> None:
        if counted:
            chat.waiting[0] = chat.waiting[0]._replace(attempts=chat.waiting[0].attempts + 1)
        chat.due = time.monotonic() + seconds
        heapq.heappush(self._delayed, (chat.due, next(self._order), chat))

    def _go_on(self, chat: Chat) -> None:
        """With the lock held: after an update was settled."""
        if not chat.waiting:
            del self._chats[chat.key]
        elif chat.due <= time.monotonic():
            self._queue.push(chat)
        asked, held = self._asked, self._held
        self.hungry |= (
            (len(chat.waiting) <= 1 and chat.key in asked.full_chats)
            or (
                chat.tenant_id in asked.full_tenants
                and held[chat.tenant_id] * 2 <= self._limit - held.total()
            )
            or held.total() <= self._low_water
        )


def _result(verdict: Verdict, outcome: Outcome) -> str:
    """The name under which it is counted."""
    if verdict.kind is not Kind.FAILED:
        return str(verdict.kind)
    return "dead" if outcome.state is UpdateState.DEAD else "retried"


def _judge(update: Claimed, verdict: Verdict) -> tuple[Outcome | None, float | None]:
    """(what is written, how long until the next attempt at the same update)."""
    if verdict.kind in {Kind.DONE, Kind.IGNORED}:
        return claims.done(update), None
    if verdict.kind is Kind.POSTPONED:
        return None, min(max(verdict.seconds, 0.01), LONGEST_WAIT)
    if update.attempts >= MAX_ATTEMPTS:
        return claims.dead(update, verdict.error), None
    return claims.again(update, verdict.error), WAITS[update.attempts - 1]
