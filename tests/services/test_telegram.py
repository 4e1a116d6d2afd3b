"""The calls that manage a bot, when Telegram or the way to it misbehaves."""

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.core.settings import get_settings
from app.gateways import telegram
from app.gateways.telegram import TelegramRefused, TelegramUnreachable

TOKEN = "123456789:AAEabcdefghijklmnopqrstuvwxyz012345"


@pytest.fixture
def server(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    monkeypatch.setattr(get_settings(), "telegram_api_url", httpserver.url_for("").rstrip("/"))
    return httpserver


def answer(server: HTTPServer, body: str | bytes, status: int = 200, **headers: str) -> None:
    server.expect_request(f"/bot{TOKEN}/getMe").respond_with_data(body, status=status, headers=headers)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 200),
        ("<html>maintenance</html>", 200),
        ("[]", 200),
        ("null", 200),
        ("<html>bad gateway</html>", 502),
        ('{"ok": true}', 200),
        ('{"ok": true, "result": true}', 200),
        ('{"ok": true, "result": {"username": "x"}}', 200),
        ('{"ok": true, "result": {"id": "x"}}', 200),
    ],
)
def test_what_is_no_answer_of_the_bot_api_counts_as_none(server: HTTPServer, body: str, status: int):
    answer(server, body, status)
    with pytest.raises(TelegramUnreachable) as caught:
        telegram.get_me(TOKEN)
    assert caught.value.code == 0


def test_a_refusal_has_its_code_and_wait(server: HTTPServer):
    answer(
        server,
        '{"ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 7}}',
        429,
    )
    with pytest.raises(TelegramRefused) as caught:
        telegram.get_me(TOKEN)
    assert (caught.value.code, caught.value.retry_after) == (429, 7.0)


def test_a_bare_404_means_an_invalid_token(server: HTTPServer):
    answer(server, "Not Found", 404)
    with pytest.raises(TelegramRefused) as caught:
        telegram.get_me(TOKEN)
    assert caught.value.code == 404


def test_redirects_are_not_followed(server: HTTPServer):
    answer(server, "", 302, Location="http://127.0.0.1:9/")
    with pytest.raises(TelegramUnreachable):
        telegram.get_me(TOKEN)


def test_a_dead_line_names_no_token(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_settings(), "telegram_api_url", "http://127.0.0.1:9")
    with pytest.raises(TelegramUnreachable) as caught:
        telegram.get_me(TOKEN)
    assert (
        TOKEN
        not in f"{caught.value} {caught.value.description} {caught.value.__cause__} {caught.value.__suppress_context__}"
    )
    assert caught.value.__cause__ is None


def test_parameters_travel_in_the_body(server: HTTPServer):
    seen: list[Request] = []

    def take(request: Request) -> Response:
        seen.append(request)
        return Response('{"ok": true, "result": true}')

    server.expect_request(f"/bot{TOKEN}/setWebhook").respond_with_handler(take)
    telegram.set_webhook(TOKEN, "https://x.example/", "secret")
    assert seen[0].method == "POST"
    assert seen[0].query_string == b""
    assert seen[0].json["secret_token"] == "secret"
