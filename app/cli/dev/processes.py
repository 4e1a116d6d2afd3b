"""The processes of `make run`: each with a log of its own, all ended together."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from app.cli.dev import guard

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK = 0.1
STOP_SECONDS = 5.0
TAIL_LINES = 25


class Died(Exception):
    """A process ended that should not have."""

    def __init__(self, name: str, status: int, log: Path) -> None:
        super().__init__(name)
        self.name = name
        self.status = status
        self.log = log

    def tail(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


@dataclass(frozen=True)
class _Running:
    name: str
    process: "subprocess.Popen[bytes]"
    log: Path


class Processes:
    """A context: whatever still runs at its end is stopped, the last started last.

    `told` is a file that others read while we run; the guard removes it should we be killed.
    """

    def __init__(self, logs: Path, told: Path) -> None:
        self._logs = logs
        self._told = told
        self._running: list[_Running] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._guard = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-I", guard.__file__, str(self._told.absolute())],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._told.unlink(missing_ok=True)
        self._tell_guard("done")
        self._guard.communicate()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Starts one in a session of its own, so that Ctrl+C reaches it only through us."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own words
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(_Running(name, process, log))
        self._tell_guard(str(process.pid))

    def finish(self, name: str) -> str:
        """Waits until this one has ended in order and returns what it printed. Raises Died."""
        one = next(each for each in self._running if each.name == name)
        while one.process.poll() is None:
            self.check(but=name)
            time.sleep(LOOK)
        if one.process.returncode:
            raise Died(name, one.process.returncode, one.log)
        self._running.remove(one)
        return one.log.read_text(errors="replace")

    def check(self, but: str = "") -> None:
        """Raises Died when one has ended."""
        for one in self._running:
            status = one.process.poll()
            if status is not None and one.name != but:
                raise Died(one.name, status, one.log)

    def wait_for(self, condition: Callable[[], object], seconds: float) -> bool:
        """False when the condition does not come true in time. Raises Died."""
        until = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > until:
                return False
            time.sleep(LOOK)
        return True

    def stop(self) -> None:
        """Asks all to end, the one that was started first after the others; kills what does not end in time."""
        # A signal that comes now waits: nothing may be left half stopped.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        until = time.monotonic() + STOP_SECONDS
        for some in (self._running[1:], self._running[:1]):
            self._stop(some, until)
        self._running.clear()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _stop(self, some: Sequence[_Running], until: float) -> None:
        for one in some:
            guard.send(one.process.pid, signal.SIGTERM)
        for one in some:
            # The first that is late takes the time of those after it; each still gets a moment.
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.process.wait(max(0.3, until - time.monotonic()))
            # Also what it may have left behind: nobody else would end it.
            guard.send(one.process.pid, signal.SIGKILL)
            one.process.wait()

    def _tell_guard(self, word: str) -> None:
        # A guard that somebody killed is missed only should we be killed as well.
        with contextlib.suppress(BrokenPipeError, OSError):
            assert self._guard.stdin is not None
            self._guard.stdin.write(word + os.linesep)
            self._guard.stdin.flush()
