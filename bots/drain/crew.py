"""Threads that handle updates: each chat in order, different chats side by side."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
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
from bots.drain.pauses import Pause, Pauses

HELD_PER_THREAD: Final = 2
LONGEST_WAIT: Final = 600.0
WAITS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds after the first failure, the second, and so on."""

Settled = Callable[[int, bool], None]


class Crew:
    """Holds claimed updates until their outcome is reported. Safe for all threads."""

    def __init__(
        self,
        size: int,
        attempt: Callable[[Claimed], Verdict],
        report: Callable[..., int],
        written: Callable[[], int],
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
        self._pauses = Pauses(written)
        self._jobs: SimpleQueue[Chat | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._watched: dict[tuple[int, int], Settled] = {}
        self._asked = Wanted(0, 0)
        self._low_water = 0
        self._valid_until = 0.0
        self.hungry = False
        """Somebody for whom there was no room at the last claim would find room now."""

    def wanted(self, blocked: Collection[ChatKey] = ()) -> Wanted:
        """What a claim should ask for. `blocked` chats are left out."""
        with self._lock:
            full = [key for key, chat in self._chats.items() if len(chat.waiting) >= PER_CHAT]
            # Chats that pause take no place of others, but count for their tenant, so that one who is told by
            # Telegram to wait does not fetch and put back all that he has.
            room = max(0, self._limit - self._held.total())
            each = max(1, room // (2 + len(self._held)))
            # Nobody may hold more than is left for others, and a claim leaves a quarter for who comes next.
            held = self._held + self._pauses.of_tenant
            tenants = {tenant_id for tenant_id, number in held.items() if number >= room}
            self._asked = Wanted(room * 3 // 4, each, {*full, *self._pauses.chats, *blocked}, tenants)
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
                if update.chat in self._pauses.chats:
                    # Its pause began while the claim was on its way.
                    self._pauses.delay(update.chat, self._report(claims.put_back(update)))
                    continue
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

    def watch(self, update: Claimed, settled: Settled) -> None:
        """Calls `settled` with (the ticket of its outcome, whether it is over) when the attempt at `update` ends."""
        with self._lock:
            self._watched[update.bot_id, update.update_id] = settled

    def allow(self, until: float) -> None:
        """Nothing starts after this moment (monotonic): our leases may have ended by then."""
        with self._lock:
            self._valid_until = until
            self._start()

    def tick(self) -> float | None:
        """Ends pauses; when to come again for the next (monotonic)."""
        with self._lock:
            self.hungry |= self._pauses.end_due()
            self._start()
            return self._pauses.next_due()

    def holds(self, key: ChatKey) -> bool:
        """Whether we hold updates of this chat, or it pauses."""
        with self._lock:
            return key in self._chats or key in self._pauses.chats

    def take_back(self, shards: Collection[int]) -> list[Claimed]:
        """Gives up what did not start yet, of these shards; what runs goes on and is reported."""
        with self._lock:
            self._pauses.drop(shards)
            chats = [chat for chat in self._chats.values() if chat.waiting[0].shard in shards]
            return [update for chat in chats for update in self._strip(chat)]

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
        if verdict.kind is not Kind.POSTPONED:
            metrics.update_handled(_result(verdict, outcome), time.time() - update.received)
        with self._lock:
            self._queue.stop(chat)
            settled = self._watched.pop((update.bot_id, update.update_id), None)
            ticket = self._report(outcome)
            if wait is not None and not chat.given_up:
                ticket = self._pause(chat, ticket, wait)
            chat.waiting.popleft()
            self._forget_one(chat.tenant_id)
            if chat.waiting:
                self._queue.push(chat)
            else:
                del self._chats[chat.key]
            self.hungry |= self._is_hungry(chat)
            self._start()
            wake = self.hungry or chat.given_up
        if settled:
            settled(ticket, wait is None)
        if wake or settled:
            self._wake()

    def _pause(self, chat: Chat, ticket: int, seconds: float) -> int:
        """With the lock held: puts back what the chat has behind its first update, until its time has come.

        Waiting in the inbox and not here, it is nobody's victim when another update kills this process.
        """
        first = chat.waiting[0]
        chat.running = True
        later = self._strip(chat)
        if later:
            ticket = self._report(*map(claims.put_back, later))
        due = time.monotonic() + seconds
        self._pauses.add(Pause(chat.key, chat.tenant_id, first.shard, ticket, due))
        return ticket

    def _is_hungry(self, chat: Chat) -> bool:
        """With the lock held: whether somebody who was left out of the last claim would find room now."""
        asked, held = self._asked, self._held
        return (
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


def _judge(update: Claimed, verdict: Verdict) -> tuple[Outcome, float | None]:
    """(what is written, how long until the next attempt at the same update)."""
    if verdict.kind in {Kind.DONE, Kind.IGNORED}:
        return claims.done(update), None
    if verdict.kind is Kind.POSTPONED:
        return claims.put_back(update), min(max(verdict.seconds, 0.01), LONGEST_WAIT)
    if update.attempts >= MAX_ATTEMPTS:
        return claims.dead(update, verdict.error), None
    return claims.again(update, verdict.error), WAITS[update.attempts - 1]
