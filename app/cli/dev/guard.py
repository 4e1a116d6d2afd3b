"""Ends what `make run` started when `make run` itself was killed. Runs as a script of its own, by the standard library.

It hears the pids of process groups on its standard input, one a line. An end without the line `done` means that
nobody looks after them any more. Its argument is a file that tells others what runs; it goes too.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

PATIENCE = 6.0


def main() -> None:
    """Waits for the end of the standard input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: list[int] = []
    for line in sys.stdin:
        word = line.strip()
        if word == "done":
            return
        groups.append(int(word))
    Path(sys.argv[1]).unlink(missing_ok=True)
    end_groups(groups, PATIENCE)


def end_groups(groups: list[int], seconds: float) -> None:
    """Asks every process of the groups to end; kills those that still live after `seconds`."""
    left = [group for group in groups if send(group, signal.SIGTERM)]
    until = time.monotonic() + seconds
    while left and time.monotonic() < until:
        time.sleep(0.05)
        left = [group for group in left if send(group, 0)]
    for group in left:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Sends a signal; False when the group has no process any more."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main()
