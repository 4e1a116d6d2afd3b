"""What the benchmarks share: our own PostgreSQL and Redis with durable settings, pinned processes, CPU and memory."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, OTHER_CORE = CORES[0], CORES[-1]


@dataclass
class Bench:
    """A folder with a migrated database and a Redis of its own, and the environment of processes that use them."""

    env: dict[str, str]
    home: Path
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str, core: int | None = SERVER_CORE, **env: str) -> psutil.Process:
        """Starts a program of the virtual environment or of the system, on one core where that is wanted."""
        program = str(BIN / command[0]) if (BIN / command[0]).exists() else command[0]
        pin = ["taskset", "-c", str(core)] if core is not None else []
        log = (self.home / f"{len(self.children)}-{command[0]}.log").open("wb")
        child = subprocess.Popen(
            [*pin, program, *command[1:]], cwd=ROOT, env=self.env | env, stdout=log, stderr=log
        )
        self.children.append(child)
        return psutil.Process(child.pid)

    def stop(self, process: psutil.Process, seconds: float = 30) -> None:
        """Asks a process to end, and waits."""
        child = next(child for child in self.children if child.pid == process.pid)
        child.send_signal(signal.SIGINT)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Runs a statement over all tenants and commits it."""
        url = self.env["DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            connection.execute("SELECT set_config('laoban.tenant', '*', true)")
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


class Cpu:
    """CPU seconds of process trees between `__enter__` and `__exit__`."""

    def __init__(self, *roots: psutil.Process) -> None:
        self.roots = roots
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._before = self._total()
        self._at = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = self._total() - self._before
        self.elapsed = time.monotonic() - self._at

    def _total(self) -> float:
        total = 0.0
        for process in tree(*self.roots):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total


def tree(*roots: psutil.Process) -> list[psutil.Process]:
    """The processes and all their descendants."""
    return [process for root in roots for process in (root, *root.children(recursive=True))]


def pss_bytes(*roots: psutil.Process) -> int:
    """Memory of process trees, shared pages counted by share."""
    total = 0
    for process in tree(*roots):
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, seconds: float = 60) -> None:
    """Waits until somebody listens."""
    wait(lambda: _listens(port), seconds, f"port {port}")


def wait(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def seed(run: Bench, count: int, mode: str, tokens: list[str]) -> list[dict[str, str]]:
    """Bots in the database, with these tokens where they matter."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.seed", str(count), mode],
        input=json.dumps(tokens).encode(),
        check=True,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=run.env,
    )
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One benchmark at a time, and before everything else on this machine as far as we are allowed to."""
    with (Path(tempfile.gettempdir()) / "laoban-bench.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        favour(psutil.Process())
        yield


def favour(process: psutil.Process) -> None:
    """Lets a process and its session go first; what it starts inherits it."""
    with contextlib.suppress(OSError, psutil.Error):
        process.nice(-15)
    with contextlib.suppress(OSError):
        # Linux shares the processor among sessions before it looks at the processes in them.
        Path(f"/proc/{process.pid}/autogroup").write_text("-15")


@contextlib.contextmanager
def bench(**env: str) -> Iterator[Bench]:
    """Starts the servers on the core that the measured program does not use; ends everything afterwards."""
    with _alone(), tempfile.TemporaryDirectory(prefix="laoban-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        os.environ.update({"EMBEDDED_DIR": folder, "APP_ENV": "test", "LOG_LEVEL": "WARNING"} | env)
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS"):
            os.environ.pop(name, None)
        from app.core import embedded  # noqa: PLC0415 - the environment above must be set first
        from app.core.settings import load_settings  # noqa: PLC0415

        settings = load_settings()
        run = Bench(
            {
                **os.environ,
                "DATABASE_URL": settings.database_url,
                "DATABASE_OWNER_URL": settings.database_owner_url,
                "REDIS_URL": settings.redis_url,
                "SECRET_KEY": settings.secret_key.get_secret_value(),
                "ENCRYPTION_KEYS": ",".join(settings.keys),
                "FLASK_APP": "wsgi",
            },
            home,
        )
        try:
            subprocess.run([BIN / "flask", "db", "upgrade"], check=True, cwd=ROOT, env=run.env)
            for process in psutil.process_iter(["cmdline"]):
                if any(folder in word for word in process.info["cmdline"] or ()):
                    for member in tree(process):
                        member.cpu_affinity([OTHER_CORE])
                        favour(member)
            yield run
        finally:
            for child in run.children:
                if child.poll() is None:
                    child.kill()
                    child.wait()
            embedded.stop(home, force=True)
