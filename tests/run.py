"""`make test`: the whole suite in two halves at once, since the half with real processes mostly waits.

Each half is a pytest of its own with servers of its own. The output of the waiting half follows when the other is done.
"""

import subprocess
import sys
import tempfile
from typing import IO

WAITING = ("tests/e2e", "tests/faults")


def start(words: list[str], output: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """One pytest. Only one of them may write the cache."""
    return subprocess.Popen([sys.executable, "-m", "pytest", *words], stdout=output, stderr=output)


def main() -> int:
    """Runs both and returns the exit status: 0 when both passed."""
    with tempfile.TemporaryFile() as output:
        waiting = start([*WAITING, "-p", "no:cacheprovider"], output)
        try:
            working = start([f"--ignore={folder}" for folder in WAITING])
            statuses = [working.wait(), waiting.wait()]
        finally:
            waiting.terminate()
        output.seek(0)
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
