"""gunicorn as it runs in production, on the database and Redis of the tests."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.settings import get_settings
from tests.waiting import wait_for

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
ASGI = ("-k", "asgi", "asgi:app")
WSGI = ("-k", "gthread", "--threads", "8", "wsgi:app")


@dataclass
class Server:
    """A running server and where it listens."""

    process: "subprocess.Popen[bytes]"
    port: int


def environment(**more: str) -> dict[str, str]:
    """What a process of the program needs to join the tests' servers."""
    settings = get_settings()
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "ENCRYPTION_KEYS": ",".join(settings.keys),
        "FLASK_APP": "wsgi",
        **more,
    }


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gunicorn(*application: str, workers: int = 1, **env: str) -> Iterator[Server]:
    """Serves until the end of the block; waits until it listens."""
    port = free_port()
    command = [
        f"{BIN}/gunicorn",
        "-c",
        "deploy/gunicorn.conf.py",
        "-b",
        f"127.0.0.1:{port}",
        "-w",
        str(workers),
    ]
    process = subprocess.Popen([*command, *application], cwd=ROOT, env=environment(**env))
    try:
        wait_for(lambda: _answers(port) or process.poll() is not None, seconds=60, what="gunicorn")
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            return connection.recv(12).endswith(b"200")
    except OSError:
        return False
