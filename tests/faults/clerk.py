"""A clerk: a process that posts, holds and transfers by chance. He writes down each wish before it and what came of it after.

Who is killed leaves a wish without an answer; whoever takes his journal over asks for it again, under the same references.
"""

import json
import os
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from app.core import clock
from app.core.db import db, is_away
from app.core.errors import AppError
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.models import CreditHold
from app.services import credits as ledger
from app.services.credits import NewPosting, Posting, holds, transfers
from tasks import credits as tasks

FIRST: Final = 7_100_000_001
PEOPLE: Final = 60
OVERDRAFT: Final = 20
SOURCE: Final = "shop"
TRANSFER: Final = "transfer"
LATER: Final = timedelta(hours=2)
"""Longer than holds last: who expires them lives so far ahead."""
MIXES: Final[dict[str, dict[str, int]]] = {
    "all": {
        "single": 40, "batch": 10, "atomic": 8, "reserve": 10, "capture": 8, "void": 4, "transfer": 12, "expire": 1,
    },
    "holds": {"single": 5, "reserve": 40, "capture": 20, "void": 10, "expire": 8},
}  # fmt: skip
Wish = dict[str, Any]
End = tuple[str, str, int | None, int | None]
"""Reference, what became of it, the posting's (or hold's) id, the balance after it."""


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file. Half a one goes, of somebody who was killed while he wrote it."""
    if not path.exists():
        return []
    found = path.read_bytes()
    found = found[: found.rfind(b"\n") + 1]
    os.truncate(path, len(found))
    return found.splitlines()


class Journal:
    """Wishes and their ends in a file that survives its writer."""

    def __init__(self, path: Path) -> None:
        self.wishes: dict[int, Wish] = {}
        self.ends: dict[int, list[End]] = {}
        self.away = 0
        for line in whole_lines(path):
            self._take(json.loads(line))
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def _take(self, line: Wish) -> None:
        if "deed" in line:
            self.wishes[line["n"]] = line
        elif "ends" in line:
            self.ends[line["n"]] = [tuple(end) for end in line["ends"]]
        else:
            self.away += 1

    def write(self, **line: Any) -> None:
        """One line, at once."""
        self._take(line)
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def open_wishes(self) -> list[Wish]:
        """Those that nobody answered."""
        return [wish for n, wish in self.wishes.items() if n not in self.ends]

    def holds(self) -> list[int]:
        """The holds that were made last."""
        found = [self.ends[n][0] for n in list(self.ends)[-60:] if self.wishes[n]["deed"] == "reserve"]
        return [number for _, code, number, _ in found if code == "held" and number is not None]


class Clerk:
    """What one of them wishes: `number` tells his references from those of others."""

    def __init__(self, number: int, journal: Journal, mix: str) -> None:
        self.number, self.journal, self.mix = number, journal, MIXES[mix]
        self.chance = random.Random(f"{number}-{len(journal.wishes)}")

    def wishes(self) -> Iterator[Wish]:
        """One after the other; now and then one that he had before."""
        while True:
            n, earlier = len(self.journal.wishes), list(self.journal.wishes.values())[-40:]
            if earlier and self.chance.random() < 0.08:
                yield {**self.chance.choice(earlier), "n": n}
                continue
            deed = self.chance.choices(list(self.mix), list(self.mix.values()))[0]
            yield {"n": n, "deed": deed, "given": self._given(deed, n)}

    def _given(self, deed: str, n: int) -> Any:
        chance, mine = self.chance, f"{self.number}-{n}"
        if deed in {"capture", "void"}:
            found = self.journal.holds()
            return [chance.choice(found), chance.choice([None, 1, 2])] if found else None
        if deed in {"batch", "atomic"}:
            return [self._item(f"{mine}-{place}") for place in range(chance.randrange(2, 60))]
        if deed == "transfer":
            sender, receiver = chance.sample(range(PEOPLE), 2)
            return [FIRST + sender, FIRST + receiver, chance.choice([1, 5, 40]), f"t{mine}"]
        if deed == "reserve":
            return [self._who(), chance.choice([1, 3, 8]), f"h{mine}"]
        return self._item(mine)

    def _item(self, reference: str) -> list[Any]:
        if self.chance.random() < 0.9:
            return [self._who(), self.chance.choice([9, 6, 3, 1, -2, -4, -7, -60]), reference]
        # All clerks wish for the same of the same moment.
        moment = int(time.time() * 10) - self.chance.randrange(3)
        common = random.Random(moment)
        return [FIRST + common.randrange(PEOPLE), common.choice([5, 3, -2]), f"common-{moment}"]

    def _who(self) -> int:
        """Everybody knows the first one."""
        return FIRST + (0 if self.chance.random() < 0.3 else self.chance.randrange(PEOPLE))


def work(tenant_id: int, clerk: Clerk, until: float) -> None:
    """Until that time; no wish is left without an answer."""
    journal = clerk.journal
    for wish in journal.open_wishes():
        journal.write(n=wish["n"], ends=insist(tenant_id, wish, journal))
    for wish in clerk.wishes():
        if time.time() > until:
            return
        journal.write(**wish)
        journal.write(n=wish["n"], ends=insist(tenant_id, wish, journal))


def insist(tenant_id: int, wish: Wish, journal: Journal) -> list[End]:
    """Asks until there is an answer."""
    while True:
        try:
            return grant(tenant_id, wish)
        except Exception as error:
            db.session.remove()
            if not is_away(error):
                raise
            journal.write(away=repr(error)[:200])
            time.sleep(0.05)


def grant(tenant_id: int, wish: Wish) -> list[End]:
    """Does it once, in one transaction, except where time does it."""
    deed, given = wish["deed"], wish["given"]
    if deed == "expire":
        expire()
        return []
    if given is None:
        return []
    try:
        with tenant_scope(tenant_id), transaction():
            return (
                _DEEDS[deed](tenant_id, *given) if deed not in {"batch", "atomic"} else _many(tenant_id, wish)
            )
    except AppError as error:
        return [(reference, error.code, None, None) for reference in references(wish)]


def references(wish: Wish) -> list[str]:
    """What it would post under, as far as its words tell."""
    deed, given = wish["deed"], wish["given"]
    if deed in {"batch", "atomic"}:
        return [reference for _, _, reference in given]
    if deed == "transfer":
        return [f"{given[3]}:out", f"{given[3]}:in"]
    return [given[2]] if deed in {"single", "reserve"} else []


def expire() -> None:
    """As the beat has it done, in two hours."""
    real = clock.now
    clock.now = lambda: real() + LATER
    try:
        tasks.expire_holds()
    finally:
        clock.now = real


def _end(reference: str, result: Posting | AppError) -> End:
    if isinstance(result, AppError):
        return reference, result.code, None, None
    return reference, "duplicate" if result.duplicate else "posted", result.id, result.balance


def _single(tenant_id: int, who: int, amount: int, reference: str) -> list[End]:
    return [
        _end(reference, ledger.post(tenant_id, who, amount, source=SOURCE, reference=reference, reason="x"))
    ]


def _many(tenant_id: int, wish: Wish) -> list[End]:
    new = [NewPosting(who, amount, SOURCE, reference, "x") for who, amount, reference in wish["given"]]
    results = ledger.post_many(tenant_id, new, atomic=wish["deed"] == "atomic")
    return [_end(each.reference, result) for each, result in zip(new, results, strict=True)]


def _reserve(tenant_id: int, who: int, amount: int, reference: str) -> list[End]:
    lasts = timedelta(hours=1)
    hold = holds.reserve(tenant_id, who, amount, source=SOURCE, reference=reference, reason="x", lasts=lasts)
    return [(reference, "held", hold.id, None)]


def _capture(tenant_id: int, hold_id: int, part: int | None) -> list[End]:
    hold, posting = holds.capture(tenant_id, hold_id, part)
    return [_end(hold.reference, posting)]


def _void(tenant_id: int, hold_id: int, _part: int | None) -> list[End]:
    hold: CreditHold = holds.void(tenant_id, hold_id)
    return [(hold.reference, str(hold.state), hold.id, None)]


def _transfer(tenant_id: int, sender: int, receiver: int, amount: int, key: str) -> list[End]:
    made = transfers.transfer(tenant_id, sender, receiver, amount, key=key, reason="x")
    return [_end(f"{key}:out", made.sent), _end(f"{key}:in", made.received)]


_DEEDS: Final = {
    "single": _single,
    "reserve": _reserve,
    "capture": _capture,
    "void": _void,
    "transfer": _transfer,
}
