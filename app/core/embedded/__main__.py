"""`python -m app.core.embedded keep DIRECTORY`: the keeper's process. Started by `ensure`."""

import signal
import sys
from pathlib import Path

from app.core.embedded.keeper import Keeper


def main(words: list[str]) -> int:
    """Runs the keeper."""
    if len(words) != 2 or words[0] != "keep":
        sys.stderr.write("usage: python -m app.core.embedded keep DIRECTORY\n")
        return 2
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    Keeper.of(Path(words[1])).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
