"""`make test`: the whole suite in two halves at once, since the half with real processes mostly waits.

Each half is a pytest of its own with servers of its own. The output of the waiting half follows when the other is done.
A few tests wait for real processes, and two halves on a small machine may starve one of them: what failed is run once
more with the machine to itself. It must pass then, and the end of the output names it, so that nobody overlooks it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

WAITING = ("tests/e2e", "tests/faults")
AGAIN = 5
"""More failures than this are no matter of a busy machine."""
TESTS_FAILED = 1
"""pytest's exit status when it ran to the end and some tests failed."""


class Half:
    """One pytest, with a cache of its own that remembers what failed."""

    def __init__(self, words: list[str], cache: Path, output: IO[bytes] | None = None) -> None:
        self._words = [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *words]
        self._cache = cache
        self.process = subprocess.Popen(self._words, stdout=output, stderr=output)

    def failed(self) -> list[str]:
        """The tests that failed."""
        found = self._cache / "v" / "cache" / "lastfailed"
        return sorted(json.loads(found.read_text())) if found.is_file() else []

    def finish(self) -> tuple[int, list[str]]:
        """The exit status, and the tests that failed beside the other half and passed alone."""
        status, failed = self.process.wait(), self.failed()
        if status != TESTS_FAILED or not 0 < len(failed) <= AGAIN:
            return status, []
        status = subprocess.call([*self._words, "--last-failed"])
        return status, failed if status == 0 else []


def main() -> int:
    """Runs both and returns the exit status: 0 when both passed."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        waiting = Half([*WAITING], Path(folder, "waiting"), output)
        try:
            working = Half([f"--ignore={each}" for each in WAITING], Path(folder, "working"))
            working.process.wait()
            waiting.process.wait()
        finally:
            waiting.process.terminate()
        output.seek(0)
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
        results = [working.finish(), waiting.finish()]
    for test in [test for _, tests in results for test in tests]:
        sys.stdout.write(f"FAILED beside the other half, passed alone: {test}\n")
    return max(status for status, _ in results)


if __name__ == "__main__":
    sys.exit(main())
