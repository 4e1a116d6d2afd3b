"""Origins that the operator allows although they are private or plain http: these and nothing beside them."""

import json
import socket

import pytest
from pytest_httpserver import HTTPServer

from app.core.outbound import Fetcher, FetchFailed, safe_fetch
from app.core.safe_url import Origin, UnsafeUrl, check_url, read_origin
from app.core.settings import Settings, get_settings
from tests.core.test_outbound import LOOPBACK, PRIVATE_ANSWERS, canary, connections
from tests.core.test_safe_url import UNSAFE_URLS

__all__ = ["canary"]

ALLOWED = [Origin("http", LOOPBACK, 8081), Origin("https", "partner.internal", 8443)]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8081/hook?a=1",
        "HTTP://127.0.0.1:8081/hook?a=1",
        "https://Partner.Internal.:8443/hook?a=1",
    ],
)
def test_an_allowed_origin_passes_with_any_path(url):
    target = check_url(url, ALLOWED)
    assert (target.path, target.allowed) == ("/hook?a=1", True)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8081/",
        "http://127.0.0.1/",
        "http://127.0.0.1:8082/",
        "http://localhost:8081/",
        "http://127.1:8081/",
        "http://2130706433:8081/",
        "http://[::ffff:127.0.0.1]:8081/",
        "http://user@127.0.0.1:8081/",
        "http://127.0.0.1:8081@evil.example/",
        "http://127.0.0.1:8081\\@evil.example/",
        "http://partner.internal:8443/",
        "https://sub.partner.internal:8443/",
        "ftp://127.0.0.1:8081/",
    ],
)
def test_what_is_not_exactly_that_origin_is_refused(url):
    with pytest.raises(UnsafeUrl):
        check_url(url, ALLOWED)


@pytest.mark.parametrize("url", UNSAFE_URLS)
def test_the_other_rules_hold_beside_allowed_origins(canary, url):
    fetcher = Fetcher(resolver=lambda _: [LOOPBACK], port=canary.getsockname()[1], origins=ALLOWED)
    with pytest.raises(UnsafeUrl):
        fetcher.fetch(url, timeout=2)
    assert connections(canary) == 0


@pytest.mark.parametrize("answer", PRIVATE_ANSWERS)
def test_a_name_that_leads_to_an_allowed_address_is_no_allowed_origin(canary, answer):
    port = canary.getsockname()[1]
    fetcher = Fetcher(resolver=lambda _: answer, port=port, origins=[Origin("http", LOOPBACK, port)])
    with pytest.raises(UnsafeUrl):
        fetcher.fetch("https://hostile.test/", timeout=2)
    assert connections(canary) == 0


@pytest.fixture
def allowed(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A plain server on loopback whose origin the operator allows."""
    origin = read_origin(httpserver.url_for("").rstrip("/"))
    monkeypatch.setattr(get_settings(), "outbound_origins", [origin])
    return httpserver


def test_an_allowed_server_is_reached_on_its_port(allowed: HTTPServer):
    allowed.expect_ordered_request("/in", method="POST", data="{}").respond_with_json({"ok": True})
    answer = safe_fetch(allowed.url_for("/in"), method="POST", body=b"{}")
    assert (answer.status, json.loads(answer.body)) == (200, {"ok": True})
    assert allowed.log[0][0].headers["Host"] == f"{allowed.host}:{allowed.port}"


def test_redirects_of_an_allowed_server_are_not_followed(allowed: HTTPServer, canary: socket.socket):
    elsewhere = f"http://{LOOPBACK}:{canary.getsockname()[1]}/"
    allowed.expect_request("/in").respond_with_data(status=307, headers={"Location": elsewhere})
    assert safe_fetch(allowed.url_for("/in")).status == 307
    assert connections(canary) == 0


def test_an_allowed_server_of_https_needs_a_certificate(canary: socket.socket):
    port = canary.getsockname()[1]
    fetcher = Fetcher(origins=[Origin("https", LOOPBACK, port)])
    with pytest.raises(FetchFailed) as caught:
        fetcher.fetch(f"https://{LOOPBACK}:{port}/", timeout=0.3)
    assert caught.value.reason == "timeout"
    assert connections(canary) == 1


def test_the_setting_is_a_list_of_exact_origins():
    settings = Settings(outbound_origins="http://127.0.0.1:8081, https://Partner.internal")
    assert settings.outbound_origins == [
        Origin("http", LOOPBACK, 8081),
        Origin("https", "partner.internal", 443),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "127.0.0.1:8081",
        "http://",
        "ftp://x.example",
        "http://x.example/path",
        "http://u@x.example",
        "http://*.x.example",
    ],
)
def test_a_wrong_origin_stops_the_start(wrong):
    with pytest.raises(ValueError, match="an origin is"):
        Settings(outbound_origins=wrong)
