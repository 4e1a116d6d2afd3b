"""Chats that have to wait: their updates are back in the inbox, and nobody claims them before their time."""

import heapq
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from app.services.inbox.claims import Chat

NOT_WRITTEN: Final = 0.01
"""How soon to look again whether the updates are back."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a chat waits until `due` (monotonic): the updates are back in the inbox once `ticket` is written."""

    chat: Chat
    tenant_id: int
    shard: int
    ticket: int
    due: float


class Pauses:
    """Not safe for threads by itself."""

    def __init__(self, written: Callable[[], int]) -> None:
        self._written = written
        self._by_chat: dict[Chat, Pause] = {}
        self._in_order: list[tuple[float, Chat]] = []
        self.of_tenant: Counter[int] = Counter()

    @property
    def chats(self) -> Collection[Chat]:
        """Who waits."""
        return self._by_chat.keys()

    def add(self, pause: Pause) -> None:
        """The chat waits from now on."""
        self._by_chat[pause.chat] = pause
        self.of_tenant[pause.tenant_id] += 1
        heapq.heappush(self._in_order, (pause.due, pause.chat))

    def delay(self, chat: Chat, ticket: int) -> None:
        """The pause lasts until this ticket is written too."""
        self._by_chat[chat] = replace(self._by_chat[chat], ticket=ticket)

    def end_due(self) -> bool:
        """Lets those go whose time has come and whose updates are back; True when there were some."""
        now, written, ended = time.monotonic(), self._written(), False
        while self._in_order and self._in_order[0][0] <= now:
            _, chat = heapq.heappop(self._in_order)
            pause = self._by_chat.get(chat)
            if pause is None or pause.due > now:
                continue
            if pause.ticket > written:
                heapq.heappush(self._in_order, (now + NOT_WRITTEN, chat))
                continue
            self._forget(pause)
            ended = True
        return ended

    def next_due(self) -> float | None:
        """When to call `end_due` next (monotonic)."""
        return self._in_order[0][0] if self._in_order else None

    def drop(self, shards: Collection[int]) -> None:
        """These shards are no longer ours."""
        for pause in [pause for pause in self._by_chat.values() if pause.shard in shards]:
            self._forget(pause)

    def _forget(self, pause: Pause) -> None:
        del self._by_chat[pause.chat]
        self.of_tenant[pause.tenant_id] -= 1
        if not self.of_tenant[pause.tenant_id]:
            del self.of_tenant[pause.tenant_id]
