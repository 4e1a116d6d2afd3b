"""The process that stops the servers when nobody needs them any more.

It is a session of its own, so neither Ctrl+C nor the end of a terminal reaches it, and it looks at processes,
not at messages from them, so it also notices a user that was killed.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from app.core.embedded.home import Home, read_process, write_process
from app.core.embedded.postgres import EmbeddedPostgres
from app.core.embedded.processes import end, start_token
from app.core.embedded.redis import EmbeddedRedis

LOOK_SECONDS = 0.5
QUIET_LOOKS = 2
PROJECT = Path(__file__).parents[3]


def ensure_keeper(home: Home) -> None:
    """Starts the keeper of this folder unless it lives. Needs the lock."""
    if read_process(home.keeper) is not None:
        return
    # The shell leaves at once and the keeper becomes an orphan, so it is nobody's zombie when it ends.
    path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
    started = subprocess.run(  # noqa: S603 - our own words
        [
            *("/bin/sh", "-c", '"$@" >/dev/null 2>"$0" </dev/null & echo $!', home.directory / "keeper.log"),
            *(sys.executable, "-m", "app.core.embedded", "keep", home.directory),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )
    write_process(home.keeper, int(started.stdout))


@dataclass(slots=True)
class Keeper:
    """Watches one folder."""

    home: Home
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    seen: dict[int, str] = field(default_factory=dict)
    quiet: int = 0

    @classmethod
    def of(cls, directory: Path) -> "Keeper":
        """The keeper of this folder."""
        return cls(Home(directory), EmbeddedPostgres(directory), EmbeddedRedis(directory))

    def run(self) -> None:
        """Returns after the servers are stopped, or when another keeper has taken over."""
        socket = self.home.socket_folder()
        while not self._replaced():
            self._note_servers()
            if not self.home.directory.exists():
                self._end_without_folder()
                shutil.rmtree(socket, ignore_errors=True)
                return
            if not self.home.living_users() and self._left():
                return
            time.sleep(LOOK_SECONDS)

    def _replaced(self) -> bool:
        named = read_process(self.home.keeper)
        return named is not None and named != os.getpid()

    def _note_servers(self) -> None:
        for pid in (self.postgres.pid(), self.redis.pid()):
            if pid is not None and (token := start_token(pid)) is not None:
                self.seen[pid] = token

    def _left(self) -> bool:
        """Stops what runs. True when the keeper may go: there was nothing left to stop, at two looks.

        A user that was killed while it started a server leaves one that can't be seen for a moment.
        """
        try:
            with self.home.lock():
                if self.home.living_users():
                    self.quiet = 0
                    return False
                self.quiet = 0 if stop_servers(self.postgres, self.redis) else self.quiet + 1
                if self.quiet < QUIET_LOOKS:
                    return False
                self.home.keeper.unlink(missing_ok=True)
        except FileNotFoundError:
            # The folder was removed; the next look ends the servers by what was seen.
            return False
        return True

    def _end_without_folder(self) -> None:
        for pid, token in self.seen.items():
            if start_token(pid) == token:
                end(pid, (signal.SIGQUIT, 2), (signal.SIGKILL, 5))


def stop_servers(postgres: EmbeddedPostgres, redis: EmbeddedRedis) -> bool:
    """Stops both; True when one of them ran. Needs the lock."""
    ran = postgres.pid() is not None or redis.pid() is not None
    redis.stop()
    postgres.stop()
    return ran
