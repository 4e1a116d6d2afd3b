"""The lane for suspects: updates that were held by a process that died.

One of them may have killed it. They are handled again with no other suspect beside them in this process, so that
only the one that kills collects deaths; three of them set it aside. The rest of a suspect's chat waits behind it.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Final

from app.services.inbox.claims import Chat, Store, Suspect
from bots.drain.crew import Crew

_ONE_PER_PROCESS: Final = threading.Lock()


class Lane:
    """The suspects of our shards. Used by the reader's thread only."""

    def __init__(self, store: Store, crew: Crew, written: Callable[[], int]) -> None:
        self._store = store
        self._crew = crew
        self._written = written
        self._chats: dict[Chat, deque[Suspect]] = {}
        self._under_way: Suspect | None = None
        self._ticket: int | None = None
        self._over = True

    @property
    def blocked(self) -> Collection[Chat]:
        """Chats whose other updates have to wait."""
        return self._chats.keys()

    @property
    def busy(self) -> bool:
        """Whether `step` has something to do."""
        return bool(self._chats)

    def learn(self, suspects: Iterable[Suspect]) -> None:
        """Takes the suspects of our shards, all of them, in order of arrival."""
        chats: dict[Chat, deque[Suspect]] = {}
        for suspect in suspects:
            chats.setdefault((suspect.bot_id, suspect.chat_key), deque()).append(suspect)
        now = self._under_way
        if now and now.update_id not in {
            suspect.update_id for suspect in chats.get((now.bot_id, now.chat_key), ())
        }:
            chats.setdefault((now.bot_id, now.chat_key), deque()).appendleft(now)
        self._chats = chats

    def forget(self, shards: Collection[int]) -> None:
        """These shards are no longer ours."""
        if self._under_way and self._under_way.shard in shards:
            self._end()
        self._chats = {chat: theirs for chat, theirs in self._chats.items() if theirs[0].shard not in shards}

    def step(self) -> None:
        """Ends the suspect under way when its outcome is written, and starts the next."""
        if self._under_way and self._ticket is not None and self._written() >= self._ticket:
            self._end()
        if self._under_way is None and self._chats and _ONE_PER_PROCESS.acquire(blocking=False):
            self._begin()

    def leave(self) -> None:
        """Gives the lane free, whatever became of the suspect under way."""
        if self._under_way:
            self._end()

    def _begin(self) -> None:
        # The fewest deaths first, so that the innocent do not wait for the killer's next turns.
        heads = [theirs[0] for chat, theirs in self._chats.items() if not self._crew.holds(chat)]
        suspect = min(heads, key=lambda head: (head.deaths, head.seq), default=None)
        if suspect is None:
            _ONE_PER_PROCESS.release()
            return
        try:
            update = self._store.claim_suspect(suspect)
        except BaseException:
            _ONE_PER_PROCESS.release()
            raise
        self._under_way, self._ticket, self._over = suspect, None, True
        if update is None:
            self._end()
            return
        self._crew.watch(update, self._settled)
        self._crew.add([update])

    def _settled(self, ticket: int, over: bool) -> None:  # noqa: FBT001 - a callback
        self._over = over
        self._ticket = ticket

    def _end(self) -> None:
        suspect, self._under_way = self._under_way, None
        _ONE_PER_PROCESS.release()
        # One that failed or was postponed comes again after its chat's pause.
        if suspect is None or not self._over:
            return
        chat = (suspect.bot_id, suspect.chat_key)
        theirs = self._chats.get(chat)
        if theirs and theirs[0] == suspect:
            theirs.popleft()
        if not theirs:
            self._chats.pop(chat, None)
