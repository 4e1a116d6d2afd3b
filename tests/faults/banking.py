"""A bank in a stack: tenants with many accounts, clerks who work on them, and what must hold of every ledger."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.stack import Stack
from tests.faults.asking import Helper

OPEN = ("posted", "duplicate")


class Bank(Helper):
    """The process of `clerks.py`."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, "tests.faults.clerks")
        self.stack = stack

    def open(self, name: str) -> int:
        """A new tenant's id."""
        return int(self.ask("open_bank", name))

    def begin_race(
        self,
        folder: Path,
        tenant_id: int,
        seconds: float,
        *,
        clerks: int = 8,
        mix: str = "all",
        kill_every: float = 0,
    ) -> "Race":
        """Clerks begin to work; nothing else may be asked until they are through."""
        more = {"mix": mix, "kill_every": kill_every}
        self.begin("race", str(folder), tenant_id, clerks, seconds, more)
        return Race(self, folder, tenant_id, seconds)


@dataclass
class Race:
    """Clerks at work, and what they and the reader of the feed wrote down."""

    bank: Bank
    folder: Path
    tenant_id: int
    seconds: float
    deaths: int = 0

    def end(self) -> None:
        """Waits until all are through. None of them may have failed."""
        told = self.bank.answer()
        self.deaths = told["deaths"]
        assert told["broken"] == "", told["broken"]
        self._lines = [
            [json.loads(line) for line in path.read_text().splitlines()]
            for path in self.folder.glob("*.journal")
        ]

    def away(self) -> int:
        """How often somebody found no database."""
        return sum("away" in line for lines in self._lines for line in lines)

    def wishes(self) -> int:
        """How many transactions were wished for."""
        return sum("deed" in line for lines in self._lines for line in lines)

    def answers(self) -> Counter[str]:
        """How often what became of a posting."""
        return Counter(end[1] for end in self._ends())

    def wrong(self) -> dict[str, list[Any]]:
        """What was answered and is not so, was not answered, or does not stand in the feed as it is."""
        postings = self.bank.stack.sql(
            "SELECT id, account_id, amount, balance, reference FROM credit_posting WHERE tenant_id = %s ORDER BY id",
            self.tenant_id,
        )
        by_reference = {row[4]: row for row in postings}
        ends: dict[str, list[list[Any]]] = defaultdict(list)
        for end in self._ends():
            ends[end[0]].append(end)
        feed = [json.loads(line) for line in (self.folder / "feed").read_text().splitlines()]
        found = {
            "answered otherwise": [
                end
                for each in ends.values()
                for end in each
                if end[1] in OPEN and (end[2], end[3]) != _place(by_reference.get(end[0]))
            ],
            "refused and there": [
                reference
                for reference, each in ends.items()
                if reference in by_reference and not any(end[1] in OPEN for end in each)
            ],
            "made twice": [
                reference for reference, each in ends.items() if sum(end[1] == "posted" for end in each) > 1
            ],
            "made by nobody": [
                row for row in postings if row[4] not in ends and not row[4].startswith("gift-")
            ],
            "without an answer": self._unanswered(),
            "not in the feed as it is": [
                pair
                for pair in zip(feed, [list(row[:4]) for row in postings], strict=False)
                if pair[0] != pair[1]
            ],
            "missing in the feed": postings[len(feed) :],
        }
        return {name: values[:5] for name, values in found.items() if values}

    def _ends(self) -> list[list[Any]]:
        return [end for lines in self._lines for line in lines for end in line.get("ends", [])]

    def _unanswered(self) -> list[Any]:
        return [
            line
            for lines in self._lines
            for line in lines
            if "deed" in line and line["n"] not in {other["n"] for other in lines if "ends" in other}
        ]


def _place(row: tuple[Any, ...] | None) -> tuple[int, int] | None:
    return None if row is None else (row[0], row[3])


# What must hold of every ledger, whatever happened; each query names accounts or references of which it does not.

BOOKS = {
    "a balance that is no sum": """
        SELECT a.id FROM credit_account a LEFT JOIN credit_posting p ON p.account_id = a.id
        GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)
    """,
    "a history out of step": """
        SELECT s.id FROM (SELECT id, balance, sum(amount) OVER (PARTITION BY account_id ORDER BY id) AS total
                          FROM credit_posting) s WHERE s.balance <> s.total
    """,
    "held otherwise than its holds": """
        SELECT a.id FROM credit_account a LEFT JOIN credit_hold h ON h.account_id = a.id AND h.state = 'active'
        GROUP BY a.id HAVING a.held <> coalesce(sum(h.amount), 0)
    """,
    "below its floor": "SELECT id FROM credit_account WHERE balance - held < floor OR floor < -20",
    "a reference twice": """
        SELECT min(id) FROM credit_posting GROUP BY tenant_id, source, reference HAVING count(*) > 1
    """,
    "a hold with another end than its posting": """
        SELECT h.id FROM credit_hold h LEFT JOIN credit_posting p
            ON p.tenant_id = h.tenant_id AND p.source = h.source AND p.reference = h.reference
        WHERE (h.state = 'captured') <> (p.id IS NOT NULL) OR (h.state = 'active') <> (h.closed_at IS NULL)
            OR p.id <> h.posting_id OR p.amount <> -h.captured OR p.account_id <> h.account_id
    """,
    "half a transfer": """
        SELECT p.id FROM credit_posting p LEFT JOIN credit_posting o ON o.tenant_id = p.tenant_id AND o.source = p.source
            AND o.reference = split_part(p.reference, ':', 1)
                || CASE split_part(p.reference, ':', 2) WHEN 'in' THEN ':out' ELSE ':in' END
        WHERE p.source = 'transfer' AND (o.id IS NULL OR o.amount <> -p.amount)
    """,
}


def broken(stack: Stack) -> dict[str, list[int]]:
    """What does not hold."""
    found = {name: [row[0] for row in stack.sql(query)][:5] for name, query in BOOKS.items()}
    return {name: ids for name, ids in found.items() if ids}
