"""The poller's HTTP client and what it makes of answers."""

import asyncio
import json
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.bots import BotConfig, BotState, Mode
from app.domain.inbox import MAX_BYTES
from bots.telegram.polling import updates
from bots.telegram.polling.connection import Address, Answer, Connection, Unreachable
from bots.telegram.polling.updates import Batch, Failed
from sandbox.tls import make_certificate
from tests.sandbox_client import Sandbox

CONFIG = BotConfig(
    id=7,
    public_id="public",
    tenant_id=3,
    telegram_id=1,
    username="",
    token="1000000:token",
    secret="",
    mode=Mode.POLLING,
    enabled=True,
    state=BotState.RUNNING,
    version=1,
    locale="en",
    timezone="UTC",
    webhook_ours=False,
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Wire:
    """A transport that only remembers."""

    def __init__(self) -> None:
        self.sent = b""
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def abort(self) -> None:
        self.aborted = True


def receive(*parts: bytes, end: bool = False) -> tuple[Answer | str, Connection]:
    """What a request gets when these bytes come, and the connection afterwards."""

    async def main() -> tuple[Answer | str, Connection]:
        connection = Connection()
        connection.connection_made(Wire())
        asked = asyncio.ensure_future(connection.ask(b"request"))
        await asyncio.sleep(0)
        for part in parts:
            connection.data_received(part)
        if end:
            connection.connection_lost(None)
        try:
            return await asyncio.wait_for(asked, 0.05), connection
        except Unreachable as error:
            return str(error), connection
        except TimeoutError:
            return "nothing", connection

    return asyncio.run(main())


@given(st.lists(st.integers(1, len(OK) - 1), max_size=6))
def test_an_answer_may_come_in_any_pieces(cuts):
    places = [0, *sorted(set(cuts)), len(OK)]
    pieces = [OK[start:end] for start, end in pairwise(places)]
    assert receive(*pieces)[0] == Answer(200, b"hello")


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.data())
def test_chunks_are_put_together(chunks, data):
    body = (
        b"".join(b"%x;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nTrailer: x\r\n\r\n"
    )
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    cut = data.draw(st.integers(0, len(whole)))
    assert receive(whole[:cut], whole[cut:])[0] == Answer(200, b"".join(chunks))


def test_a_body_without_a_length_ends_with_the_connection():
    assert receive(b"HTTP/1.0 502 Bad\r\n\r\n<html>", end=True)[0] == Answer(502, b"<html>")


def test_an_answer_before_the_answer_is_skipped():
    assert receive(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK)[0] == Answer(200, b"hello")


def test_a_connection_that_the_server_closes_is_not_used_again():
    answer, connection = receive(OK.replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n", 1))
    assert (answer, connection.closed) == (Answer(200, b"hello"), True)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000,
        OK + b"and more",
    ],
)
def test_what_is_not_http_closes_the_connection(garbage):
    answer, connection = receive(garbage)
    assert answer.startswith("the answer is not HTTP")
    assert connection.closed


def test_a_broken_connection_is_an_error():
    assert receive(OK[:-2], end=True)[0] == "the connection was closed"


def test_bytes_that_nobody_asked_for_close_the_connection():
    connection = Connection()
    connection.connection_made(Wire())
    connection.data_received(OK)
    assert connection.closed


def test_a_cancelled_request_closes_the_connection():
    async def main() -> None:
        connection, wire = Connection(), Wire()
        connection.connection_made(wire)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.ask(b"request"), 0.01)
        assert wire.aborted
        with pytest.raises(Unreachable):
            await connection.ask(b"request")

    asyncio.run(main())


def test_connections_are_opened_a_few_at_a_time():
    under_way, most = 0, 0

    async def connect(*_: object, **__: object) -> tuple[None, Connection]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return None, Connection()

    async def main() -> None:
        asyncio.get_running_loop().create_connection = connect
        address = Address("http://127.0.0.1:80", 3)
        await asyncio.gather(*(address.connect() for _ in range(20)))

    asyncio.run(main())
    assert most == 3


def test_a_server_that_is_not_there_is_unreachable():
    async def main() -> None:
        with pytest.raises(Unreachable):
            await Address("http://127.0.0.1:9", 5).connect()

    asyncio.run(main())


def test_certificates_are_checked(tmp_path, monkeypatch):
    cert, key = make_certificate(tmp_path)
    other, _ = make_certificate(tmp_path / "other")

    async def ask(url: str) -> int:
        connection = await Address(url, 5).connect()
        answer = await connection.ask(updates.request("localhost", "", "1:none", 0, 0))
        connection.close()
        return answer.status

    with Sandbox.start(tls=(cert, key)) as telegram:
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        assert asyncio.run(ask(telegram.url)) in {401, 404}
        monkeypatch.setenv("SSL_CERT_FILE", str(other))
        with pytest.raises(Unreachable, match="certificate"):
            asyncio.run(ask(telegram.url))


def test_the_request_asks_for_what_is_not_confirmed():
    request = updates.request("api.example", "/sub", "1:token", 0, 50)
    head, body = request.split(b"\r\n\r\n")
    assert head.startswith(b"POST /sub/bot1:token/getUpdates HTTP/1.1\r\nHost: api.example\r\n")
    assert b"offset" not in body
    assert json.loads(updates.request("h", "", "t", 5, 50).split(b"\r\n\r\n")[1])["offset"] == 5
    assert f"Content-Length: {len(body)}".encode() in head


def read(result: object, status: int = 200) -> Batch | Failed:
    return updates.read(Answer(status, orjson.dumps(result)), CONFIG, 32)


def test_updates_become_rows_and_are_confirmed_together():
    batch = read({"ok": True, "result": [{"update_id": 8, "message": {"chat": {"id": 5}}}, {"update_id": 9}]})
    assert isinstance(batch, Batch)
    assert [row[:4] for row in batch.rows] == [(7, 8, 3, 5), (7, 9, 3, 0)]
    assert (batch.offset, batch.junk) == (10, [])


def test_no_updates_confirm_nothing():
    assert read({"ok": True, "result": []}) == Batch([], [], 0)


def test_what_the_inbox_cannot_take_is_junk_and_confirmed():
    large = {"update_id": 8, "message": {"text": "x" * MAX_BYTES}}
    batch = read({"ok": True, "result": [large, "nonsense"]})
    assert isinstance(batch, Batch)
    assert (batch.rows, len(batch.junk), batch.offset) == ([], 2, 9)


def test_half_a_surrogate_pair_does_not_stop_a_bot():
    body = b'{"ok":true,"result":[{"update_id":8,"message":{"text":"\\ud800"}},{"update_id":9}]}'
    batch = updates.read(Answer(200, body), CONFIG, 32)
    assert isinstance(batch, Batch)
    assert (len(batch.rows), len(batch.junk), batch.offset) == (1, 1, 10)


@pytest.mark.parametrize(
    ("status", "body", "code", "retry_after"),
    [
        (401, {"ok": False, "error_code": 401, "description": "Unauthorized"}, 401, None),
        (429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 7}}, 429, 7.0),
        (502, "<html>", 502, None),
        (404, "<html>a page of somebody else's</html>", 0, None),
        (200, {"ok": True, "result": {"not": "a list"}}, 0, None),
        (200, [], 0, None),
    ],
)
def test_failures_are_told_apart(status, body, code, retry_after):
    failure = read(body, status)
    assert isinstance(failure, Failed)
    assert (failure.code, failure.retry_after) == (code, retry_after)
