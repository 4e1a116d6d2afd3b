"""HTTP over kept connections: what servers may answer, and what a broken line means."""

import socket
import threading
from collections.abc import Iterator

import pytest

from bots.telegram.wire import BrokenAnswer, Lines, NotConnected

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers each request with the next of its answers; an empty one closes the connection instead."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lines: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._lines.append(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            while True:
                try:
                    request = line.recv(65_536)
                except OSError:
                    return
                if not request:
                    return
                self.requests.append(request)
                answer = self.answers.pop(0)
                line.sendall(answer)
                if not answer.startswith(b"HTTP/1.1") or b"close" in answer or b"Length: 99" in answer:
                    return

    def hang_up(self) -> None:
        for line in self._lines:
            line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for line in self._lines:
            line.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def lines(server: Server) -> Iterator[Lines]:
    lines = Lines(server.url, 1, 1)
    yield lines
    lines.close()


def test_a_connection_is_used_again(server, lines):
    server.answers = [OK, OK]
    assert lines.post("/a", FORM, b"x=1") == (200, b"ok")
    assert lines.post("/b", FORM, b"x=2") == (200, b"ok")
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST /a HTTP/1.1\r\nHost: 127.0.0.1:")
    assert server.requests[0].endswith(b"Content-Length: 3\r\n\r\nx=1")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
    ],
)
def test_every_way_to_end_an_answer_is_understood(server, lines, answer):
    server.answers = [answer, OK]
    assert lines.post("/", FORM, b"") == (200, b"ok")
    assert lines.post("/", FORM, b"") == (200, b"ok")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nclose",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nclose",
        b"HTTP/1.1 200 OK\r\n" + b"a: close\r\n" * 200 + b"\r\n",
    ],
)
def test_half_an_answer_is_none(server, lines, answer):
    server.answers = [answer, OK]
    with pytest.raises(BrokenAnswer):
        lines.post("/", FORM, b"")
    assert lines.post("/", FORM, b"") == (200, b"ok")


def test_an_answer_that_does_not_come_is_broken(server):
    lines = Lines(server.url, 1, 0.05)
    server.answers = [b"HTTP/1.1 200 OK\r\n"]
    with pytest.raises(BrokenAnswer):
        lines.post("/", FORM, b"")


def test_a_connection_that_was_closed_meanwhile_is_replaced(server, lines):
    server.answers = [OK, OK]
    lines.post("/", FORM, b"")
    server.hang_up()
    assert lines.post("/", FORM, b"") == (200, b"ok")
    assert server.connections == 2


def test_nobody_there_is_told_from_a_broken_answer():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(NotConnected):
            Lines(f"http://127.0.0.1:{bound.getsockname()[1]}", 1, 1).post("/", FORM, b"")


def test_a_path_cannot_smuggle_a_second_request(lines):
    with pytest.raises(ValueError, match="path"):
        lines.post("/a HTTP/1.1\r\nX: y", FORM, b"")
