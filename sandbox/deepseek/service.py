"""What DeepSeek remembers: keys and their money, how it behaves, what it was asked."""

from collections import Counter, deque
from dataclasses import dataclass, field

from sandbox.knobs import Knobs
from sandbox.shapes import Json

DEFAULT_KEY = "sk-sandbox-deepseek"
KEPT_REQUESTS = 500


@dataclass(slots=True)
class Switches:
    """Trouble, for `times` requests (0: all): `mode` is how it fails.

    401, 402, 422, 429, 500, 503 (429 and 503 with `retry_after`, unless 0); reset: the line is cut at once; hang: nothing but
    keep-alives; blank: keep-alives, then the end; cut: the line is cut in the middle; error: an error object in
    the middle of the stream. `finish` is the finish_reason (other ones than stop cut the text short); `content` "ok", "empty",
    "missing" (the last section asked for), "plain" (no section markers). The answer begins after `wait` seconds of
    keep-alives and comes with `drip` seconds between tokens. `concurrency` requests at once, more get 429 (0: 2,500).
    """

    mode: str = "ok"
    retry_after: int = 0
    finish: str = "stop"
    content: str = "ok"
    wait: float = 0.0
    drip: float = 0.0
    concurrency: int = 0
    sentences: int = 6
    times: int = 0


WORDS = {
    "mode": frozenset({
        "ok", "401", "402", "422", "429", "500", "503", "reset", "hang", "blank", "cut", "error",
    }),
    "finish": frozenset({"stop", "length", "insufficient_system_resource", "content_filter", "aborted"}),
    "content": frozenset({"ok", "empty", "missing", "plain"}),
}  # fmt: skip


@dataclass(slots=True)
class Service:
    """Keys with their balance in US dollars, switches by key, counters, the newest requests."""

    keys: dict[str, float] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    requests: "deque[Json]" = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    knobs: Knobs[Switches] = field(default_factory=lambda: Knobs(Switches, WORDS))
    seen: set[int] = field(default_factory=set)
    active: int = 0

    def __post_init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """As at the start."""
        self.keys = {DEFAULT_KEY: 10.0}
        self.counters.clear()
        self.requests.clear()
        self.knobs.clear()
        self.seen.clear()

    def started(self) -> None:
        """One more request is worked on."""
        self.active += 1
        self.counters["most_at_once"] = max(self.counters["most_at_once"], self.active)

    def ended(self, *, whole: bool) -> None:
        """A request is done, or its client has left."""
        self.active -= 1
        self.counters["finished" if whole else "left"] += 1
