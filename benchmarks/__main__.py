"""`python -m benchmarks [ingest|polling|reply|handling|join|crowd|lottery_list|draw|broadcast|orders|credits ...]`: all of them or some, as Markdown tables.

Each runs in a process of its own, one after the other, with a PostgreSQL and a Redis of its own that keep what they
commit. Quote ratios of one run: figures of a busy machine say little.
"""

import os
import platform
import subprocess
import sys

from benchmarks.machine import CORES, ROOT

NAMES = (
    "ingest",
    "polling",
    "reply",
    "handling",
    "join",
    "crowd",
    "lottery_list",
    "draw",
    "broadcast",
    "orders",
    "credits",
)


def main(names: list[str]) -> int:
    """Returns the exit status: 1 when one of them failed."""
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.stderr.write(
            f"There is no benchmark called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.\n"
        )
        return 2
    sys.stdout.write(
        f"Python {platform.python_version()}, {len(CORES)} cores, load {os.getloadavg()[0]:.1f} at the start\n\n"
    )
    failed = 0
    for name in names or NAMES:
        sys.stdout.flush()
        failed += (
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, check=False).returncode
            != 0
        )
        sys.stdout.write("\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
