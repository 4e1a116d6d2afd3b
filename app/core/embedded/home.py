"""The folder that the embedded servers live in: its lock, its users, its keeper.

lock        held by whoever starts or stops servers
users/PID   one file for each process that needs the servers; inside, when that process started
keeper      pid and start of the process that stops the servers after the last user
postgres/   data of PostgreSQL      run/     its socket (or a folder in the temp folder, named in `socket`)
redis/      data, port and password of Redis
"""

import fcntl
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.embedded.failure import EmbeddedFailed
from app.core.embedded.processes import start_token

LOCK_SECONDS = 90.0
# The kernel's limit is 107 bytes on Linux and 103 on macOS, with the file's own name.
SOCKET_BYTES = 103
SOCKET_NAME = ".s.PGSQL.5432"


class Home:
    """One such folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute().resolve()
        self.users = self.directory / "users"
        self.keeper = self.directory / "keeper"

    def make(self) -> None:
        """Makes the folder, closed to other accounts."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.users.mkdir(mode=0o700, exist_ok=True)

    def let_others_enter(self) -> None:
        """Lets PostgreSQL's account pass through. It can list nothing, and each part has its own owner."""
        self.directory.chmod(self.directory.stat().st_mode | 0o001)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One process at a time. Raises EmbeddedFailed after 90 s, FileNotFoundError without the folder."""
        handle = os.open(self.directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            until = time.monotonic() + LOCK_SECONDS
            while not _try_lock(handle):
                if time.monotonic() > until:
                    raise EmbeddedFailed(f"another process holds {self.directory / 'lock'}")
                time.sleep(0.02)
            yield
        finally:
            os.close(handle)

    def register(self, pid: int) -> None:
        """Names a process that needs the servers, and drops the dead from the list. Needs the lock."""
        for path in self._user_files():
            if read_process(path) is None:
                path.unlink()
        write_process(self.users / str(pid), pid)

    def forget(self, *pids: int) -> None:
        """Takes processes off the list. Needs the lock."""
        for pid in pids:
            (self.users / str(pid)).unlink(missing_ok=True)

    def living_users(self) -> list[int]:
        """The registered processes that still live."""
        return [pid for path in self._user_files() if (pid := read_process(path)) is not None]

    def _user_files(self) -> list[Path]:
        try:
            return [path for path in self.users.iterdir() if path.name.isdigit()]
        except FileNotFoundError:
            return []

    def socket_folder(self) -> Path:
        """The folder of PostgreSQL's socket: `run` if the kernel takes so long a path, else a temporary one.

        The choice is kept, so that the URL stays the same when TMPDIR changes.
        """
        short = self.directory / "run"
        if re.fullmatch(r"[\w./+-]+", str(short), re.ASCII) and len(str(short / SOCKET_NAME)) <= SOCKET_BYTES:
            return short
        chosen = self.directory / "socket"
        if not chosen.exists():
            name = hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]
            write_private(chosen, f"{tempfile.gettempdir()}/laoban-{os.geteuid()}-{name}")
        return Path(chosen.read_text())


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_private(path: Path, text: str) -> None:
    """Writes a file that only we can read, in one step."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def write_process(path: Path, pid: int) -> None:
    """Keeps a process in a file: its pid and when it started."""
    write_private(path, f"{pid} {start_token(pid)}")


def read_process(path: Path) -> int | None:
    """The pid of the process that `write_process` kept there; None when it no longer lives."""
    try:
        pid, _, token = path.read_text().partition(" ")
    except FileNotFoundError:
        return None
    return int(pid) if pid.isdigit() and start_token(int(pid)) == token else None
