"""The pages, without a browser."""

import pytest
import requests

from sandbox.texts import TEXTS
from tests.sandbox_client import LIN


def page(sandbox, path, **headers):
    return requests.get(f"{sandbox.url}{path}", headers=headers, timeout=5)


def test_the_start_page_is_chinese_and_lists_bots(sandbox, bot):
    answer = page(sandbox, "/")
    assert "找 BotFather 领 Token" in answer.text
    assert "/chat/demo_bot" in answer.text


def test_english_is_remembered(sandbox):
    answer = page(sandbox, "/?lang=en")
    assert "Get a token from BotFather" in answer.text
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    assert "Get a token from BotFather" in page(sandbox, "/", Cookie=cookie).text


@pytest.mark.parametrize(
    "path", ["/", "/botfather", "/chat/demo_bot", f"/chat/demo_bot?user={LIN}", "/healthz", "/static/chat.js"]
)
def test_pages_are_there(sandbox, bot, path):
    assert page(sandbox, path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/chat/nobody_bot",
        "/static/../world.py",
        "/static/none",
        "/media/none",
        "/chat/demo_bot?chat=-5",
    ],
)
def test_others_are_not(sandbox, bot, path):
    assert page(sandbox, path).status_code == 404


def test_names_are_escaped(sandbox):
    sandbox.create_bot("evil_bot", "</script><script>alert(1)</script>")
    for path in ("/", "/botfather", "/chat/evil_bot"):
        assert "<script>alert" not in page(sandbox, path).text


def test_nothing_is_loaded_from_elsewhere(sandbox, bot):
    for path in ("/", "/botfather", "/chat/demo_bot"):
        answer = page(sandbox, path)
        assert "https://" not in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_every_text_has_two_languages():
    assert all(chinese and english and chinese != english for chinese, english in TEXTS.values())
