"""One chat as it looks on a screen: its messages, and what changed since somebody last looked."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice

from sandbox.shapes import Json

KEPT_NOTES = 200


class Conversation:
    """The messages of a bot with one person, or of a group or channel.

    Every change takes the next revision number. Viewers ask for what is newer than what they know.
    Notes are what leaves no message: "typing", answers to a pressed button, deletions.
    """

    __slots__ = (
        "_keep", "_next_id", "_revisions", "_waiters", "chat", "keyboard", "messages", "notes", "revision",
    )  # fmt: skip

    def __init__(self, chat: Json, next_id: Callable[[], int], keep: int) -> None:
        self.chat = chat
        self.messages: dict[int, Json] = {}
        self.notes: deque[Json] = deque(maxlen=KEPT_NOTES)
        self.keyboard: Json | None = None
        self.revision = 0
        self._keep = keep
        self._next_id = next_id
        self._revisions: dict[int, int] = {}
        self._waiters: list[asyncio.Future[None]] = []

    def add(self, message: Json) -> Json:
        """Give the message its id and keep it."""
        message_id = self._next_id()
        message = {"message_id": message_id, **message, "chat": self.chat}
        self.messages[message_id] = message
        if len(self.messages) > self._keep:
            oldest = next(iter(self.messages))
            del self.messages[oldest]
            del self._revisions[oldest]
        self._touch(message_id)
        return message

    def restore(self, messages: list[Json], keyboard: Json | None) -> None:
        """Take back what a snapshot kept."""
        for message in messages:
            self.messages[message["message_id"]] = {**message, "chat": self.chat}
            self._touch(message["message_id"])
        self.keyboard = keyboard

    def change(self, message: Json) -> None:
        """Put an edited message in the place of the old one."""
        self.messages[message["message_id"]] = message
        self._touch(message["message_id"])

    def delete(self, message_id: int) -> None:
        """Forget a message; viewers are told."""
        del self.messages[message_id]
        del self._revisions[message_id]
        self.note({"type": "deleted", "message_id": message_id})

    def note(self, note: Json) -> None:
        """Tell viewers something that leaves no message."""
        self._bump()
        self.notes.append({"revision": self.revision, **note})

    def set_keyboard(self, keyboard: Json | None) -> None:
        """Show or take away the reply keyboard (under the input line)."""
        self.keyboard = keyboard
        self._bump()

    def newer(self, revision: int) -> list[Json]:
        """Messages that came or changed after `revision`, oldest first."""
        return [self.messages[key] for key, changed in self._revisions.items() if changed > revision]

    def newer_notes(self, revision: int) -> list[Json]:
        """Notes after `revision`."""
        return [note for note in self.notes if note["revision"] > revision]

    def last(self, count: int) -> list[Json]:
        """The newest messages, oldest first."""
        return list(reversed(list(islice(reversed(self.messages.values()), count))))

    def revision_of(self, message_id: int) -> int:
        """The revision at which a message last changed."""
        return self._revisions[message_id]

    async def changed(self, revision: int, timeout: float) -> bool:  # noqa: ASYNC109
        """Wait until there is something newer than `revision`; False after `timeout` seconds."""
        if self.revision > revision:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await asyncio.wait_for(waiter, timeout)
        except TimeoutError:
            return False
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return True

    def _touch(self, message_id: int) -> None:
        self._bump()
        self._revisions.pop(message_id, None)
        self._revisions[message_id] = self.revision

    def _bump(self) -> None:
        self.revision += 1
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
