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
