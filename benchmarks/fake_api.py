"""A Bot API that only answers: each call succeeds after a fixed time. It notes who was told what, in which order.

The sandbox does far more for each call than a benchmark at thousands of calls a second has to spare.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from typing import Any
from urllib.parse import parse_qs

import uvloop

RESULT = b'{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":1,"type":"private"},"text":"ok"}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(RESULT),
    RESULT,
)


class Notes:
    """Arrival times and bodies of calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, bytes, bytes]] = []

    def by_chat(self) -> dict[int, list[tuple[float, str]]]:
        """Per chat: (arrival, text) of every message in order of arrival."""
        chats: dict[int, list[tuple[float, str]]] = defaultdict(list)
        for at, path, body in self.calls:
            if path.endswith(b"/sendMessage"):
                fields = parse_qs(body.decode())
                chats[int(fields["chat_id"][0])].append((at, fields["text"][0]))
        return chats


class Api(asyncio.Protocol):
    """One kept connection; a client sends the next call only after the answer."""

    def __init__(self, notes: Notes, seconds: float) -> None:
        self.notes = notes
        self.seconds = seconds
        self.data = b""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self.data = b""
        path = head[: head.index(b" HTTP/")].split(b" ", 1)[1]
        if path.startswith(b"/report"):
            self.answer(json.dumps(self.notes.by_chat()).encode())
        elif path.startswith(b"/count"):
            self.answer(str(len(self.notes.calls)).encode())
        elif path.startswith(b"/reset"):
            self.notes.calls.clear()
            self.answer(b"{}")
        else:
            self.notes.calls.append((time.monotonic(), path, body))
            if self.seconds:
                asyncio.get_running_loop().call_later(self.seconds, self.transport.write, ANSWER)
            else:
                self.transport.write(ANSWER)

    def answer(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve(port: int, milliseconds: float) -> None:
    notes = Notes()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Api(notes, milliseconds / 1000), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))
