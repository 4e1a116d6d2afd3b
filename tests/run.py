"""`make test`: the whole suite in parts, several at a time, since tests mostly wait.

Each part is a pytest of its own with servers of its own; its output comes when it is done. A few tests wait for
real processes, and the parts may starve one of them on a small machine: what failed is run once more with the machine
to itself. It must pass then, and the end of the output names it, so that nobody overlooks it.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

_ORDERS_DIE = ("tests/faults/test_orders.py", "tests/faults/test_shops.py")
_NAMED = ("admin", "bots", "cli", "core", "e2e", "faults", "http", "services", "tasks")
PARTS = {
    "faults": ["tests/faults", *(f"--ignore={each}" for each in _ORDERS_DIE)],
    "faults of orders": [*_ORDERS_DIE],
    "e2e": ["tests/e2e"],
    "services": ["tests/services"],
    "bots": ["tests/bots"],
    "http": ["tests/http"],
    "admin": ["tests/admin"],
    "rest": ["tests", *(f"--ignore=tests/{each}" for each in _NAMED)],
    "core": ["tests/core", "tests/tasks", "tests/cli"],
}
"""The longest first, and none so long that the others wait for it."""
AT_ONCE = 4
AGAIN = 6
"""More failures than this are no matter of a busy machine."""
_SHOWING = Lock()
TESTS_FAILED = 1
"""pytest's exit status when it ran to the end and some tests failed."""


@dataclass
class Part:
    """One pytest, with a cache of its own that remembers what failed."""

    words: list[str]
    folder: Path
    status: int = 0

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "pytest", "-o", f"cache_dir={self.folder / 'cache'}", *self.words]

    def run(self) -> None:
        """Runs it to the end, then shows its output in one piece."""
        self.folder.mkdir()
        with (self.folder / "output").open("w+b") as output:
            self.status = subprocess.call(self.command, stdout=output, stderr=output)
            output.seek(0)
            with _SHOWING:
                sys.stdout.buffer.write(output.read())
                sys.stdout.flush()

    def failed(self) -> list[str]:
        """The tests that failed."""
        found = self.folder / "cache" / "v" / "cache" / "lastfailed"
        return sorted(json.loads(found.read_text())) if found.is_file() else []

    def again(self) -> list[str]:
        """Runs what failed once more, and says which tests passed only now."""
        failed = self.failed()
        if self.status != TESTS_FAILED or not 0 < len(failed) <= AGAIN:
            return []
        self.status = subprocess.call([*self.command, "--last-failed"])
        return failed if self.status == 0 else []


def main() -> int:
    """Runs all parts and returns the exit status: 0 when all passed."""
    with tempfile.TemporaryDirectory() as folder:
        parts = [Part(words, Path(folder, name)) for name, words in PARTS.items()]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(Part.run, parts))
        late = [test for part in parts for test in part.again()]
    for test in late:
        sys.stdout.write(f"FAILED beside the other parts, passed alone: {test}\n")
    return max(part.status for part in parts)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
