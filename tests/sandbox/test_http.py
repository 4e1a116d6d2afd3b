"""The server core: bodies of all kinds, kept connections, odd clients."""

import socket

import pytest
import requests

from sandbox.params import BadParams, read_multipart
from sandbox.wire import BadMessage, Body
from tests.sandbox_client import LIN


@pytest.fixture
def line(sandbox):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        yield line


def read_until(line, text):
    got = b""
    while text not in got:
        piece = line.recv(65536)
        assert piece, got
        got += piece
    return got


@pytest.mark.parametrize("how", ["params", "data", "json"])
def test_parameters_may_come_in_the_query_a_form_or_json(sandbox, bot, how):
    url = f"{sandbox.url}/bot{bot['token']}/sendMessage"
    answer = requests.post(url, timeout=5, **{how: {"chat_id": LIN, "text": "你好 & more"}})
    assert answer.json()["result"]["text"] == "你好 & more"


def test_query_and_body_are_merged(sandbox, bot):
    url = f"{sandbox.url}/bot{bot['token']}/sendMessage?chat_id={LIN}"
    assert requests.post(url, data={"text": "x"}, timeout=5).json()["ok"]


def test_a_chunked_body(sandbox, bot):
    pieces = iter([b'{"chat_id":%d,' % LIN, b'"text":', b'"in pieces"}'])
    url = f"{sandbox.url}/bot{bot['token']}/sendMessage"
    answer = requests.post(url, data=pieces, headers={"Content-Type": "application/json"}, timeout=5)
    assert answer.json()["result"]["text"] == "in pieces"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[1]"),
        ("text/plain", b"x"),
        ("multipart/form-data", b"x"),
    ],
)
def test_bodies_that_cannot_be_read_are_bad_requests(sandbox, bot, kind, body):
    url = f"{sandbox.url}/bot{bot['token']}/getMe"
    answer = requests.post(url, data=body, headers={"Content-Type": kind}, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False


def test_requests_sent_ahead_are_answered_in_order(line, bot):
    first = f"GET /bot{bot['token']}/getUpdates?timeout=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    second = f"GET /bot{bot['token']}/getMe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    line.sendall((first + second).encode())
    got = read_until(line, b"demo_bot")
    assert got.index(b'"result":[]') < got.index(b"demo_bot")
    assert line.recv(10) == b""


def test_a_request_may_arrive_byte_by_byte(line, bot):
    body = f'{{"chat_id":{LIN},"text":"slow"}}'.encode()
    head = f"POST /bot{bot['token']}/sendMessage HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    for byte in head.encode() + body:
        line.sendall(bytes([byte]))
    assert b"slow" in read_until(line, b"slow")


def test_a_client_may_ask_before_it_sends_a_large_body(line, bot):
    line.sendall(
        f"POST /bot{bot['token']}/getMe HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
        "Content-Type: application/json\r\n\r\n".encode()
    )
    assert read_until(line, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    line.sendall(b"{}")
    read_until(line, b"demo_bot")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", b"413"),
    ],
)
def test_what_is_no_http_gets_an_error_and_the_door(line, request_bytes, status):
    line.sendall(request_bytes)
    assert read_until(line, b"\r\n").startswith(b"HTTP/1.1 " + status)


def test_chunks_are_taken_as_they_come():
    body, buffer, whole = Body({"transfer-encoding": "chunked"}, 100), bytearray(), []
    for byte in b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\nNEXT":
        buffer.append(byte)
        whole.append(not any(whole) and body.feed(buffer))
    assert body.data() == b"abcde"
    assert bytes(buffer) == b"NEXT"
    assert whole.count(True) == 1


def test_too_large_chunks_are_refused():
    with pytest.raises(BadMessage):
        Body({"transfer-encoding": "chunked"}, 3).feed(bytearray(b"4\r\nabcd\r\n0\r\n\r\n"))


def test_multipart_keeps_bytes_and_names():
    part = 'Content-Disposition: form-data; name="document"; filename="a; b.pdf"\r\nContent-Type: x/y'
    body = f"--B\r\n{part}\r\n\r\n".encode() + b"\r\n\x00--B \r\n--B--\r\n"
    upload = read_multipart("multipart/form-data; boundary=B", body)["document"]
    assert (upload.name, upload.content_type, upload.data) == ("a; b.pdf", "x/y", b"\r\n\x00--B ")


def test_multipart_that_breaks_off_is_refused():
    with pytest.raises(BadParams):
        read_multipart(
            "multipart/form-data; boundary=B", b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx'
        )
