"""Who is next: chats wait for a thread tenant by tenant, and no tenant may take all threads."""

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from app.services.inbox.claims import Chat as ChatKey
from app.services.inbox.claims import Claimed

SHARE: Final = 3


@dataclass(slots=True, eq=False)
class Chat:
    """The updates of one chat that we hold, in order; the first is the one under way."""

    key: ChatKey
    tenant_id: int
    waiting: deque[Claimed] = field(default_factory=deque)
    running: bool = False
    given_up: bool = False
    """Only the update under way is still ours."""


class FairQueue:
    """Chats that are ready, and how many of each tenant run.

    A tenant may use at most SHARE times the threads that are free: one alone gets three quarters of all, two get three
    sevenths each, and there is always one left for somebody else (Choudhury and Hahne's dynamic threshold).
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._ready: OrderedDict[int, deque[Chat]] = OrderedDict()
        self._running: Counter[int] = Counter()
        self.running = 0

    def push(self, chat: Chat) -> None:
        """A chat whose next update may start."""
        self._ready.setdefault(chat.tenant_id, deque()).append(chat)

    def start(self) -> Chat | None:
        """The next chat, now counted as running; None when no thread is free for those that wait."""
        free = self._size - self.running
        if free <= 0:
            return None
        for tenant_id in self._ready:
            if self._running[tenant_id] < SHARE * free:
                break
        else:
            return None
        chats = self._ready[tenant_id]
        chat = chats.popleft()
        self._ready.move_to_end(tenant_id)
        if not chats:
            del self._ready[tenant_id]
        chat.running = True
        self._running[tenant_id] += 1
        self.running += 1
        return chat

    def stop(self, chat: Chat) -> None:
        """The chat's update is settled."""
        chat.running = False
        self.running -= 1
        self._running[chat.tenant_id] -= 1
        if not self._running[chat.tenant_id]:
            del self._running[chat.tenant_id]

    def discard(self, chat: Chat) -> None:
        """Takes a chat out again, if it is ready."""
        chats = self._ready.get(chat.tenant_id, deque())
        if chat in chats:
            chats.remove(chat)
        if not chats:
            self._ready.pop(chat.tenant_id, None)
