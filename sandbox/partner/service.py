"""All partners, and how they misbehave on order."""

from dataclasses import dataclass, field

from sandbox.knobs import Knobs
from sandbox.partner.book import Partner, restored
from sandbox.shapes import Json

MOST_PARTNERS = 100


@dataclass(slots=True)
class Switches:
    """Trouble with batches, for `times` requests (0: all). `mode` is what becomes of a request:

    cut: the line is cut at once; lost: taken, but the line is cut before the answer; hang: no answer for a long time; a number: that
    status (429 and 503 with `retry_after`, unless 0; 3xx lead to `location`); html: a page with status 200; other: an answer about
    another batch; half: half an answer; huge: an endless one. `seconds`: answers come so late. `refuse`: ids, references or Telegram
    ids, with commas between, that the partner does not take: `how` "listed" names them in the answer, "whole" refuses
    any batch with one of them by 422.
    """

    mode: str = "ok"
    seconds: float = 0.0
    retry_after: int = 0
    location: str = ""
    refuse: str = ""
    how: str = "listed"
    times: int = 0


STATUSES = frozenset(
    {"301", "302", "307", "400", "401", "403", "404", "408", "410", "422", "425", "429", "500", "503"}
)
WORDS = {
    "mode": frozenset({"ok", "cut", "lost", "hang", "html", "other", "half", "huge"}) | STATUSES,
    "how": frozenset({"listed", "whole"}),
}


@dataclass(slots=True)
class Service:
    """Partners by name; one is there as soon as somebody speaks of it."""

    partners: dict[str, Partner] = field(default_factory=dict)
    knobs: Knobs[Switches] = field(default_factory=lambda: Knobs(Switches, WORDS))
    dirty: bool = False

    def clear(self) -> None:
        """Nobody is there, and nothing goes wrong."""
        self.partners.clear()
        self.knobs.clear()
        self.dirty = True

    def partner(self, name: str) -> Partner:
        """The partner of this name, made up at first sight."""
        if name not in self.partners:
            self.partners[name] = Partner(name)
            self.dirty = True
        return self.partners[name]

    def snapshot(self) -> list[Json]:
        """What survives a restart."""
        return [partner.snapshot() for partner in self.partners.values()]

    def restore(self, kept: list[Json]) -> None:
        """Take back a snapshot."""
        self.partners = {one["name"]: restored(one) for one in kept}
