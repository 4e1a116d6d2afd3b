"""Bots and chats survive a restart with the same data file."""

import pytest
import requests

from tests.sandbox_client import LIN, Sandbox
from tests.waiting import wait_for


@pytest.fixture
def data(tmp_path):
    return tmp_path / "sandbox.json"


def test_everything_is_back_after_a_restart(data, closed_port):
    with Sandbox.start(data=data) as first:
        bot = first.create_bot("kept_bot", "Kept")
        first.api(bot, "setMyCommands", commands=[{"command": "help", "description": "x"}])
        first.say(bot, LIN, "hello")
        file = requests.post(
            f"{first.url}/bot{bot['token']}/sendDocument",
            data={"chat_id": LIN},
            files={"document": ("a.txt", b"abc")},
            timeout=5,
        ).json()["result"]["document"]
        first.create_chat("channel", "News", username="lin_news", members={"kept_bot": "administrator"})
        waiting = first.get("queue", bot="kept_bot")["pending"]
        first.api(bot, "setWebhook", url=f"http://127.0.0.1:{closed_port}/")
    with Sandbox.start(data=data) as second:
        assert second.api(bot, "getMe")["result"]["username"] == "kept_bot"
        assert [message.get("text") for message in second.messages(bot, LIN)] == ["hello", None]
        assert second.get("queue", bot="kept_bot")["pending"] == waiting
        assert second.api(bot, "getWebhookInfo")["result"]["url"].endswith("/")
        assert second.api(bot, "getMyCommands")["result"][0]["command"] == "help"
        assert (
            second.api(bot, "getChatMember", chat_id="@lin_news", user_id=bot["id"])["result"]["status"]
            == "administrator"
        )
        assert requests.get(f"{second.url}/media/{file['file_id']}", timeout=5).content == b"abc"
        assert second.say(bot, LIN, "more")["update_id"] > waiting[-1]


def test_after_a_crash_no_id_is_given_out_twice(data):
    sandbox = Sandbox.start(data=data)
    bot = sandbox.create_bot("kept_bot")
    wait_for(lambda: b"kept_bot" in data.read_bytes(), what="the first snapshot")
    lost = sandbox.say(bot, LIN, "perhaps lost")
    sandbox.kill()
    with Sandbox.start(data=data) as second:
        said = second.say(bot, LIN, "again")
        assert said["update_id"] > lost["update_id"]
        assert said["message_id"] > lost["message_id"]
