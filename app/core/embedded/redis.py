"""A private Redis: one data folder, one port on 127.0.0.1, one random password."""

import json
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from app.core.embedded.binaries import redis_server
from app.core.embedded.failure import EmbeddedFailed, tail
from app.core.embedded.home import Home, write_private
from app.core.embedded.processes import command, end, start_token

HOST = "127.0.0.1"
# Below the ports that systems give to outgoing connections, so that nobody gets ours by chance between two
# starts.
PORTS = range(20_000, 32_000)
START_SECONDS = 30.0
PORT_SECONDS = 1.0

CONFIG = """bind {host}
port {port}
requirepass {password}
dir "{data}"
pidfile "{data}/pid"
logfile "{data}/server.log"
daemonize yes
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the server."""

    port: int
    password: str


class EmbeddedRedis:
    """The Redis of one directory. Any process may start, stop or kill it; the URL stays the same."""

    def __init__(self, directory: Path) -> None:
        self.home = Home(directory)
        self.data = self.home.directory / "redis"

    @property
    def url(self) -> str:
        """The address with its password. Raises EmbeddedFailed before the first start."""
        access = self._access()
        if access is None:
            raise EmbeddedFailed("Redis was never started here")
        return f"redis://:{access.password}@{HOST}:{access.port}/0"

    def pid(self) -> int | None:
        """The pid of the running server, None when it does not run."""
        access = self._access()
        try:
            written = (self.data / "pid").read_text().strip()
        except FileNotFoundError:
            return None
        if access is None or not written.isdigit() or start_token(int(written)) is None:
            return None
        # The pid in a file that outlived its server may belong to anybody by now; Redis shows its port as title.
        return int(written) if f"{HOST}:{access.port}" in command(int(written)) else None

    def start(self) -> None:
        """Starts the server unless it runs, and waits until it answers. Raises EmbeddedFailed."""
        if self.pid() is None:
            program = redis_server()
            self.home.make()
            self.data.mkdir(mode=0o700, exist_ok=True)
            self._choose_port()
            self._run_server(program)
        self._wait_ready()

    def stop(self) -> None:
        """Ends the server in order; everything it answered is on disk."""
        pid = self.pid()
        if pid is not None:
            end(pid, (signal.SIGTERM, 5), (signal.SIGKILL, 5))

    def kill9(self) -> None:
        """Ends the server as a crash would. Raises EmbeddedFailed when it does not run."""
        pid = self.pid()
        if pid is None:
            raise EmbeddedFailed("Redis does not run")
        end(pid, (signal.SIGKILL, 5))

    def _access(self) -> Access | None:
        try:
            return Access(**json.loads((self.data / "access.json").read_text()))
        except FileNotFoundError:
            return None

    def _choose_port(self) -> None:
        """Keeps the port of the last time unless somebody else sits there."""
        before = self._access()
        # A killed Redis counts as dead a moment before its last thread lets go of the port.
        until = time.monotonic() + PORT_SECONDS
        while before is not None and time.monotonic() < until:
            if _is_free(before.port):
                return
            time.sleep(0.01)
        password = before.password if before else secrets.token_urlsafe(32)
        while not _is_free(port := secrets.choice(PORTS)):
            continue
        write_private(self.data / "access.json", json.dumps(asdict(Access(port, password))))

    def _run_server(self, program: Path) -> None:
        access = self._access()
        if access is None:
            raise EmbeddedFailed("Redis has no port")
        config = CONFIG.format(
            host=HOST, port=access.port, password=access.password, data=_escaped(self.data)
        )
        write_private(self.data / "redis.conf", config)
        (self.data / "pid").unlink(missing_ok=True)
        with (self.home.directory / "output").open("w+") as output:
            done = subprocess.run(  # noqa: S603 - our own words
                [program, self.data / "redis.conf"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                start_new_session=True,
                umask=0o077,
            )
            output.seek(0)
            if done.returncode != 0:
                raise EmbeddedFailed(f"Redis does not start: {output.read()}")

    def _wait_ready(self) -> None:
        access = self._access()
        until = time.monotonic() + START_SECONDS
        while access is None or not _answers(access):
            if time.monotonic() > until:
                raise EmbeddedFailed(f"Redis does not answer: {tail(self.data / 'server.log')}")
            time.sleep(0.01)


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def _answers(access: Access) -> bool:
    try:
        with socket.create_connection((HOST, access.port), timeout=1) as line:
            line.sendall(f"AUTH {access.password}\r\nPING\r\nQUIT\r\n".encode())
            with line.makefile("rb") as answer:
                return b"+PONG" in answer.read()
    except OSError:
        return False


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
