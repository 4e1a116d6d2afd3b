"""What Yuanfenju remembers: who has a key, how it behaves, and how often it was asked."""

from collections import Counter
from dataclasses import dataclass, field

from sandbox.knobs import Knobs

DEFAULT_KEY = "sandbox-yuanfenju-key"
PLENTY = 100_000


@dataclass(slots=True)
class Switches:
    """Trouble, for `times` requests (0: all): `mode` is how it fails, after `seconds`.

    down: no answer for two minutes; cut; 500; html: a gateway's page with 200; gzip: packed without a header; quota,
    bad_key, bad_input: errcode and a text; array: `data` is []; empty: no body; type: right JSON called HTML; half: the
    answer lacks its pillars. `errcode` "string" or "number".
    """

    mode: str = "ok"
    seconds: float = 0.0
    errcode: str = "string"
    times: int = 0


MODES = frozenset({
    "ok", "down", "cut", "500", "html", "gzip", "quota", "bad_key", "bad_input", "array", "empty", "type", "half",
})  # fmt: skip


@dataclass(slots=True)
class Service:
    """Keys with the calls that are left, switches by key, counters."""

    keys: dict[str, int] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    knobs: Knobs[Switches] = field(
        default_factory=lambda: Knobs(Switches, {"mode": MODES, "errcode": frozenset({"string", "number"})})
    )

    def __post_init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """As at the start."""
        self.keys = {DEFAULT_KEY: PLENTY}
        self.counters.clear()
        self.knobs.clear()
