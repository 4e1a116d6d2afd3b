"""The door to addresses that others give us: it reaches public https servers and nothing else."""

import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.core import outbound
from app.core.outbound import Fetcher, FetchFailed, safe_fetch
from app.core.safe_url import UnsafeUrl
from tests.core.certificates import make_certificate
from tests.core.test_safe_url import UNSAFE_URLS

PARTNER = "partner.test"
LOOPBACK = "127.0.0.1"

# What a hostile name may resolve to.
PRIVATE_ANSWERS = [
    ["127.0.0.1"],
    ["169.254.169.254"],
    ["8.8.8.8", "127.0.0.1"],
    ["10.0.0.1", "8.8.8.8"],
    ["::1"],
    ["::ffff:127.0.0.1"],
    ["64:ff9b::7f00:1"],
    ["2002:7f00:1::1"],
    ["192.88.99.1"],
    ["fe80::1%eth0"],
    ["not an address"],
]


@pytest.fixture
def canary():
    """A listener on loopback that counts who connects."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.setblocking(False)
        yield listener


def connections(listener):
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return 0
    return 1


@pytest.mark.parametrize("url", UNSAFE_URLS)
def test_an_unsafe_url_is_refused_before_anything_is_connected(canary, url):
    fetcher = Fetcher(resolver=lambda _: [LOOPBACK], port=canary.getsockname()[1])
    with pytest.raises(UnsafeUrl):
        fetcher.fetch(url, timeout=2)
    assert connections(canary) == 0


@pytest.mark.parametrize("answer", PRIVATE_ANSWERS)
def test_a_name_that_leads_to_one_private_address_is_refused(canary, answer):
    fetcher = Fetcher(resolver=lambda _: answer, port=canary.getsockname()[1])
    with pytest.raises(UnsafeUrl):
        fetcher.fetch("https://hostile.test/", timeout=2)
    assert connections(canary) == 0


class Partner(BaseHTTPRequestHandler):
    """A partner's web server. What it saw is in `server.seen`, the address to redirect to in `server.elsewhere`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        getattr(self, self.path.strip("/").partition("?")[0])()

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def ok(self):
        self.answer(200, b"yes", X_Kind="good")

    def teapot(self):
        self.answer(418, b"no")

    def redirect(self):
        self.answer(302, Location=self.server.elsewhere)

    def closing(self):
        self.answer(200, b"yes", Connection="close")

    def full(self):
        self.answer(200, b"x" * outbound.MAX_BYTES)

    def big(self):
        self.answer(200, b"x" * (outbound.MAX_BYTES + 1))

    def endless(self):
        self.answer(200, Transfer_Encoding="chunked")
        while True:
            self.wfile.write(b"4\r\nmore\r\n")

    def short(self):
        self.answer(200, b"half", Content_Length="8")
        self.close_connection = True

    def garbage(self):
        self.wfile.write(b"\x00\xff not http\r\n\r\n")
        self.close_connection = True

    def drip(self):
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            self.wfile.write(bytes([byte]))
            time.sleep(0.02)

    def silent(self):
        self.server.released.wait(10)
        self.close_connection = True

    def log_message(self, *_):
        pass


class PartnerServer(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that hangs up in the middle is what some tests want."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), PARTNER)


@pytest.fixture
def partner(certificate):
    """The partner's server on loopback with TLS, and a fetcher that may reach it."""
    server = PartnerServer((LOOPBACK, 0), Partner)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.seen, server.elsewhere, server.released = [], "", threading.Event()
    server.port = server.server_address[1]
    server.fetcher = Fetcher(lambda _: [LOOPBACK], allow={LOOPBACK}, port=server.port, trust=certificate[0])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_answer_comes_whole(partner):
    answer = partner.fetcher.fetch(
        f"https://{PARTNER}/ok?n=1", method="POST", headers={"X-Signature": "s", "host": "evil"}, body=b"{}"
    )
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"yes", "good")
    method, path, headers, body = partner.seen[0]
    assert (method, path, body) == ("POST", "/ok?n=1", b"{}")
    assert (headers["Host"], headers["X-Signature"]) == (PARTNER, "s")


def test_a_server_that_says_that_it_closes_is_read_too(partner):
    assert partner.fetcher.fetch(f"https://{PARTNER}/closing").body == b"yes"


def test_a_refusal_is_an_answer_too(partner):
    assert partner.fetcher.fetch(f"https://{PARTNER}/teapot").status == 418


def test_redirects_are_not_followed(partner, canary):
    partner.elsewhere = f"https://{LOOPBACK}:{canary.getsockname()[1]}/"
    answer = partner.fetcher.fetch(f"https://{PARTNER}/redirect")
    assert answer.status == 302
    assert connections(canary) == 0
    assert len(partner.seen) == 1


def test_the_name_is_resolved_once_and_the_checked_address_is_used(partner, canary):
    answers = iter([[LOOPBACK], ["10.0.0.1"]])
    fetcher = Fetcher(
        lambda _: next(answers), allow={LOOPBACK}, port=partner.port, trust=partner.fetcher.trust
    )
    assert fetcher.fetch(f"https://{PARTNER}/ok").status == 200
    with pytest.raises(UnsafeUrl):
        fetcher.fetch(f"https://{PARTNER}/ok")
    assert connections(canary) == 0


@pytest.mark.parametrize("host", ["other.test", "sub.partner.test"])
def test_the_certificate_must_name_the_host(partner, host):
    with pytest.raises(FetchFailed) as caught:
        partner.fetcher.fetch(f"https://{host}/ok")
    assert caught.value.reason == "tls"
    assert partner.seen == []


def test_the_certificate_must_be_trusted(partner):
    with pytest.raises(FetchFailed) as caught:
        Fetcher(lambda _: [LOOPBACK], allow={LOOPBACK}, port=partner.port).fetch(f"https://{PARTNER}/ok")
    assert caught.value.reason == "tls"


def test_as_much_as_allowed_is_read_and_no_more(partner):
    assert len(partner.fetcher.fetch(f"https://{PARTNER}/full").body) == outbound.MAX_BYTES
    for path in ("big", "endless"):
        with pytest.raises(FetchFailed) as caught:
            partner.fetcher.fetch(f"https://{PARTNER}/{path}")
        assert caught.value.reason == "too_large"


@pytest.mark.parametrize("path", ["short", "garbage"])
def test_a_broken_answer_is_no_answer(partner, path):
    with pytest.raises(FetchFailed) as caught:
        partner.fetcher.fetch(f"https://{PARTNER}/{path}")
    assert caught.value.reason == "broken"


@pytest.mark.parametrize("path", ["drip", "silent"])
def test_a_slow_answer_ends_at_the_deadline(partner, path):
    began = time.monotonic()
    with pytest.raises(FetchFailed) as caught:
        partner.fetcher.fetch(f"https://{PARTNER}/{path}?secret=1", timeout=0.4)
    assert caught.value.reason == "timeout"
    assert time.monotonic() - began < 5
    assert "secret" not in str(caught.value)


def test_a_peer_that_never_shakes_hands_ends_at_the_deadline(canary):
    fetcher = Fetcher(lambda _: [LOOPBACK], allow={LOOPBACK}, port=canary.getsockname()[1])
    with pytest.raises(FetchFailed) as caught:
        fetcher.fetch(f"https://{PARTNER}/", timeout=0.3)
    assert caught.value.reason == "timeout"


def test_the_next_address_is_tried_when_the_first_does_not_answer(partner):
    fetcher = Fetcher(
        lambda _: ["127.0.0.2", LOOPBACK],
        allow={"127.0.0.2", LOOPBACK},
        port=partner.port,
        trust=partner.fetcher.trust,
    )
    assert fetcher.fetch(f"https://{PARTNER}/ok").status == 200


def test_nobody_listens():
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FetchFailed) as caught:
        Fetcher(lambda _: [LOOPBACK], allow={LOOPBACK}, port=port).fetch(f"https://{PARTNER}/")
    assert caught.value.reason == "connect"


def unknown(_):
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


@pytest.mark.parametrize("resolver", [unknown, lambda _: []])
def test_an_unknown_name(resolver):
    with pytest.raises(FetchFailed) as caught:
        Fetcher(resolver).fetch(f"https://{PARTNER}/")
    assert caught.value.reason == "dns"


def test_a_name_server_that_does_not_answer():
    waiting = threading.Event()
    with pytest.raises(FetchFailed) as caught:
        Fetcher(lambda _: [str(waiting.wait(5))]).fetch(f"https://{PARTNER}/", timeout=0.2)
    waiting.set()
    assert caught.value.reason == "timeout"


def test_production_allows_nothing_extra():
    fetcher = outbound.production()
    assert (list(fetcher.allow), list(fetcher.origins), fetcher.port, fetcher.trust) == ([], [], 443, None)
    assert fetcher.resolver is outbound.system_resolver
    with pytest.raises(UnsafeUrl):
        safe_fetch("https://127.0.0.1/")


def test_the_system_resolver_knows_loopback():
    assert "127.0.0.1" in outbound.system_resolver("localhost")
