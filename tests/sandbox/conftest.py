"""One sandbox for all tests of the sandbox, empty at the start of each."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from tests.sandbox_client import LIN, Json, Sandbox


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """Nobody and nothing is in it, and the real server's brakes are off."""
    running.reset()
    running.post("settings", strict=False, retry_scale=0.01, webhook_timeout=5)
    return running


@pytest.fixture
def bot(sandbox: Sandbox) -> Json:
    """A bot that Lin has started; its queue is empty."""
    bot = sandbox.create_bot()
    sandbox.say(bot, LIN, "/start")
    sandbox.api(bot, "getUpdates", offset=-1)
    pending = sandbox.get("queue", bot=bot["username"])["pending"]
    sandbox.api(bot, "getUpdates", offset=pending[-1] + 1)
    return bot


class Receiver(ThreadingHTTPServer):
    """A webhook that keeps what it gets and answers with `answers`, then with 200."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: list[Json] = []
        self.secrets: list[str] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sandbox that hangs up is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(orjson.loads(body))
        self.server.secrets.append(self.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        self.server.gate.wait(10)
        status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
