"""What the sandbox remembers: bots, people, chats and what waits for a bot."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from sandbox.conversations import Conversation
from sandbox.shapes import Json

# Kinds of update that a bot gets only when it asks for them by name.
UNUSUAL_UPDATES = frozenset({"chat_member", "message_reaction", "message_reaction_count"})

# Below this come the ids of supergroups and channels, as in the real Bot API.
SUPERGROUP_BASE = -1_000_000_000_000


class Clock:
    """Unix time, which a test may push forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        """Seconds since 1970, as the sandbox sees them."""
        return time.time() + self.ahead


@dataclass(slots=True)
class Person:
    """A Telegram user who is no bot."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = "zh-hans"
    deactivated: bool = False

    def user(self) -> Json:
        """As a User object of the Bot API."""
        user: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        if self.last_name:
            user["last_name"] = self.last_name
        if self.username:
            user["username"] = self.username
        user["language_code"] = self.language_code
        return user

    def chat(self) -> Json:
        """The private chat with this person, as a Chat object of the Bot API."""
        chat: Json = {"id": self.id, "first_name": self.first_name, "type": "private"}
        if self.last_name:
            chat["last_name"] = self.last_name
        if self.username:
            chat["username"] = self.username
        return chat


@dataclass(slots=True)
class Chat:
    """A group, supergroup or channel. `members` gives a status by user id; bots are members too.

    `boosts` says how many boosts each user gives it.
    """

    id: int
    type: str
    title: str
    username: str = ""
    members: dict[int, str] = field(default_factory=dict)
    migrated_to: int = 0
    boosts: dict[int, int] = field(default_factory=dict)

    def chat(self) -> Json:
        """As a Chat object of the Bot API."""
        chat: Json = {"id": self.id, "title": self.title, "type": self.type}
        if self.username:
            chat["username"] = self.username
        return chat


@dataclass(slots=True)
class Update:
    """One update in a bot's queue. `body` is the whole Update object as JSON; `queue` orders webhooks."""

    id: int
    body: bytes
    expires_at: float
    queue: str


@dataclass(slots=True)
class Webhook:
    """What setWebhook was told, and how deliveries went."""

    url: str
    secret: str = ""
    max_connections: int = 40
    ip_address: str = ""
    has_certificate: bool = False
    last_error_date: int = 0
    last_error_message: str = ""


@dataclass(slots=True)
class Poll:
    """A getUpdates call that waits for news."""

    answer: asyncio.Future[list[Update]]
    limit: int
    timer: asyncio.TimerHandle


@dataclass(slots=True)
class Callback:
    """A pressed button that waits for answerCallbackQuery."""

    expires_at: float
    conversation: Conversation
    person_id: int


@dataclass(slots=True)
class Bot:
    """One bot with its queue of updates."""

    id: int
    token: str
    username: str
    name: str
    next_update_id: int
    next_message_id: int = 1
    can_read_all: bool = False
    allowed_updates: list[str] | None = None
    commands: dict[str, list[Json]] = field(default_factory=dict)
    blocked_by: set[int] = field(default_factory=set)
    known_people: set[int] = field(default_factory=set)
    updates: "OrderedDict[int, Update]" = field(default_factory=OrderedDict)
    soonest_expiry: float = 0.0
    callbacks: "OrderedDict[str, Callback]" = field(default_factory=OrderedDict)
    webhook: Webhook | None = None
    poll: Poll | None = None
    last_offset: int | None = None
    last_poll_at: float = 0.0
    last_conflict_at: float = 0.0
    last_set_webhook_at: float = 0.0
    _user: Json = field(default_factory=dict)

    def user(self) -> Json:
        """As a User object of the Bot API; the same one every time, messages share it."""
        if not self._user:
            self._user = {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}
        return self._user

    def wants(self, kind: str) -> bool:
        """Whether the bot subscribed to this kind of update."""
        if self.allowed_updates:
            return kind in self.allowed_updates
        return kind not in UNUSUAL_UPDATES
