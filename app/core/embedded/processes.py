"""Facts about processes with the standard library alone: /proc on Linux, `ps` elsewhere."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

LINUX = sys.platform == "linux"


def start_token(pid: int) -> str | None:
    """When this process started, as an opaque text that another process with the same pid never shares.

    None when there is no such process or it is a zombie.
    """
    if LINUX:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The name in brackets may hold spaces and brackets, so fields are counted from the last bracket.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    state, _, started = _ps(pid, "stat=,lstart=").partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def exists(pid: int) -> bool:
    """True for a zombie too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command(pid: int) -> str:
    """The command line, its words joined by blanks; empty when there is no such process."""
    if LINUX:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    return _ps(pid, "command=")


def _ps(pid: int, columns: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own words
        ["ps", "-ww", "-o", columns, "-p", str(pid)],  # noqa: S607 - its place differs between systems
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def end(pid: int, *steps: tuple[signal.Signals, float]) -> None:
    """Sends each signal in turn and waits its seconds, until the process is gone.

    Raises TimeoutError when it outlives them all.
    """
    token = start_token(pid)
    for number, seconds in steps:
        if token is None or start_token(pid) != token:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + seconds
        while start_token(pid) == token and time.monotonic() < until:
            time.sleep(0.01)
    if token is not None and start_token(pid) == token:
        raise TimeoutError(f"process {pid} does not end")
