"""Flask's answers through ASGI: whoever reads a file slowly keeps nobody else waiting."""

import asyncio
import io
from typing import Any

import pytest
from werkzeug.wsgi import ClosingIterator, FileWrapper

from app.http.serving import Pages

THREADS = 2
SIZE = 1_000_000


class Site:
    """`/file` is a file, everything else a page."""

    def __init__(self) -> None:
        self.files: list[io.BytesIO] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] != "/file":
            return ClosingIterator([b"page"])
        self.files.append(io.BytesIO(b"x" * SIZE))
        return FileWrapper(self.files[-1])


async def ask(pages: Pages, path: str, goes_on: asyncio.Event | None = None) -> bytes:
    """The body as the server would send it; the reader takes no more of it before `goes_on`."""
    got = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        got.extend(message.get("body", b""))
        if goes_on is not None and got:
            await goes_on.wait()

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "http_version": "1.1"}
    await pages(scope | {"headers": []}, receive, send)
    return bytes(got)


def test_slow_readers_of_files_hold_up_no_page():
    async def serve() -> tuple[bytes, list[bytes]]:
        pages, goes_on = Pages(Site(), threads=THREADS), asyncio.Event()
        slow = [asyncio.create_task(ask(pages, "/file", goes_on)) for _ in range(3 * THREADS)]
        page = await asyncio.wait_for(ask(pages, "/"), 10)
        goes_on.set()
        return page, await asyncio.gather(*slow)

    page, files = asyncio.run(serve())
    assert page == b"page"
    assert [len(file) for file in files] == [SIZE] * 3 * THREADS


def test_a_file_is_closed_when_its_reader_goes_away():
    class Gone(Exception):
        pass

    async def leave(_message: object) -> None:
        raise Gone

    site = Site()
    scope = {"type": "http", "method": "GET", "path": "/file", "query_string": b"", "http_version": "1.1"}
    with pytest.raises(Gone):
        asyncio.run(Pages(site)(scope | {"headers": []}, lambda: asyncio.sleep(0), leave))
    assert [file.closed for file in site.files] == [True]


async def post(pages: Pages, messages: list[dict[str, Any] | None]) -> tuple[int, bytes]:
    """Status and body for a body that comes in these messages; None = from here on nothing comes."""
    got: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        message = messages.pop(0) if messages else None
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        return message

    async def send(message: Any) -> None:
        got.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "http_version": "1.1"}
    await pages(scope | {"headers": [(b"transfer-encoding", b"chunked")]}, receive, send)
    return got[0]["status"], b"".join(each.get("body", b"") for each in got)


def piece(size: int, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def length(environ: Any, start_response: Any) -> Any:
    """A site that says how long the body was."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ClosingIterator([str(len(environ["wsgi.input"].read())).encode()])


def test_whoever_sends_his_body_slowly_holds_up_no_page():
    async def serve() -> bytes:
        pages = Pages(Site(), threads=THREADS)
        slow = [asyncio.create_task(post(pages, [piece(3), None])) for _ in range(3 * THREADS)]
        await asyncio.sleep(0)
        page = await asyncio.wait_for(ask(pages, "/"), 10)
        assert not any(each.done() for each in slow)
        return page

    assert asyncio.run(serve()) == b"page"


def test_whoever_sends_nothing_more_is_not_waited_for():
    assert asyncio.run(post(Pages(Site(), idle=0.05), [piece(3), None])) == (408, b"")


def test_slow_senders_of_large_bodies_hold_up_one_another_alone():
    async def serve() -> tuple[tuple[int, bytes], list[tuple[int, bytes]]]:
        pages = Pages(length, threads=THREADS, idle=0.3)
        slow = [asyncio.create_task(post(pages, [piece(SIZE), None])) for _ in range(3)]
        await asyncio.sleep(0.05)
        quick = await asyncio.wait_for(post(pages, [piece(3), piece(4, more=False)]), 10)
        assert not all(each.done() for each in slow)
        return quick, await asyncio.gather(*slow)

    assert asyncio.run(serve()) == ((200, b"7"), [(200, str(SIZE).encode())] * 3)


def test_a_large_body_comes_whole():
    answer = asyncio.run(post(Pages(length), [piece(SIZE), piece(SIZE), piece(1, more=False)]))
    assert answer == (200, str(2 * SIZE + 1).encode())
