"""Trouble on order: errors, slowness and flood limits."""

import random
from dataclasses import asdict, dataclass
from math import ceil

from sandbox.shapes import Json

# Calls that put a message into a chat.
SENDING = frozenset({"sendMessage", "sendPhoto", "sendDocument", "sendInvoice"})
# Calls that count against a bot's messages per second.
FILLING = ("send", "edit", "copy", "forward")


@dataclass(slots=True)
class Fault:
    """An ordered answer for calls that match. `count` None lasts until cleared; status 0 cuts the connection."""

    status: int
    description: str = ""
    bot_id: int | None = None
    method: str | None = None
    chat_id: str | None = None
    retry_after: int | None = None
    migrate_to_chat_id: int | None = None
    count: int | None = None

    def matches(self, bot_id: int, method: str, chat_id: str) -> bool:
        """Whether it is meant for this call."""
        return (
            self.bot_id in {None, bot_id}
            and (self.method is None or self.method.lower() == method.lower())
            and self.chat_id in {None, chat_id}
        )


@dataclass(slots=True)
class Latency:
    """How long answers are held back, in milliseconds."""

    ms: float
    jitter_ms: float = 0.0
    bot_id: int | None = None
    method: str | None = None


@dataclass(slots=True)
class Limits:
    """Messages per second of one bot and in one chat, messages per minute in one group; None is no limit.

    `burst` is how many may come at once in one chat.
    """

    per_second: float | None = None
    per_chat: float | None = None
    per_group_minute: float | None = None
    burst: int = 1


@dataclass(slots=True)
class Bucket:
    """A token bucket."""

    level: float
    at: float

    def wait(self, rate: float, size: float, now: float) -> float:
        """Seconds until there is a token; 0.0 means that there is one."""
        self.level = min(size, self.level + (now - self.at) * rate)
        self.at = now
        return 0.0 if self.level >= 1.0 else (1.0 - self.level) / rate


class Faults:
    """All trouble that was ordered."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """No trouble any more."""
        self.faults: list[Fault] = []
        self.latencies: list[Latency] = []
        self.limits: dict[int | None, Limits] = {}
        self._buckets: dict[tuple[int, str], Bucket] = {}

    def take(self, bot_id: int, method: str, chat_id: str) -> Fault | None:
        """The ordered error for this call, if any; each order serves `count` calls."""
        for fault in self.faults:
            if fault.matches(bot_id, method, chat_id):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    def delay(self, bot_id: int, method: str) -> float:
        """Seconds to hold the answer back; the newest order that fits counts."""
        for order in reversed(self.latencies):
            if order.bot_id in {None, bot_id} and order.method in {None, method}:
                return max(0.0, order.ms + random.uniform(-order.jitter_ms, order.jitter_ms)) / 1000
        return 0.0

    def over_limit(self, bot_id: int, method: str, chat_id: str, now: float) -> int:
        """Whole seconds to wait (the real server never says less than 1), or 0 when the call may pass."""
        limits = self.limits.get(bot_id) or self.limits.get(None)
        if limits is None:
            return 0
        wanted: list[tuple[Bucket, float]] = []
        for name, rate, size in self._rules(limits, method, chat_id):
            bucket = self._buckets.setdefault((bot_id, name), Bucket(size, now))
            wanted.append((bucket, bucket.wait(rate, size, now)))
        longest = max((seconds for _, seconds in wanted), default=0.0)
        if longest > 0:
            return max(1, ceil(longest))
        for bucket, _ in wanted:
            bucket.level -= 1
        return 0

    def orders(self) -> Json:
        """What is ordered now."""
        return {
            "errors": [asdict(fault) for fault in self.faults],
            "latency": [asdict(latency) for latency in self.latencies],
            "limits": [{"bot_id": bot_id, **asdict(limits)} for bot_id, limits in self.limits.items()],
        }

    @staticmethod
    def _rules(limits: Limits, method: str, chat_id: str) -> list[tuple[str, float, float]]:
        """Bucket name, tokens per second and size of what a call must pass."""
        rules = []
        if limits.per_second and method.startswith(FILLING):
            rules.append(("", limits.per_second, max(1.0, limits.per_second)))
        if method in SENDING and limits.per_chat:
            rules.append((chat_id, limits.per_chat, float(limits.burst)))
        if method in SENDING and limits.per_group_minute and chat_id.startswith(("-", "@")):
            rules.append((f"group {chat_id}", limits.per_group_minute / 60, limits.per_group_minute))
        return rules
