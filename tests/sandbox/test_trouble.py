"""Errors of the real server, and errors, slowness and limits on order."""

import time

import pytest
import requests

from tests.sandbox_client import LIN, WANG


def send(sandbox, bot, chat_id=LIN):
    return requests.post(
        f"{sandbox.url}/bot{bot['token']}/sendMessage", json={"chat_id": chat_id, "text": "hi"}, timeout=10
    )


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("bot123456:AAwrong/getMe", 401, "Unauthorized"),
        ("botnonsense/getMe", 404, "Not Found"),
        ("bot0123:AA/getMe", 404, "Not Found"),
        ("bot/getMe", 404, "Not Found"),
    ],
)
def test_unknown_and_malformed_tokens(sandbox, path, code, text):
    answer = requests.get(f"{sandbox.url}/{path}", timeout=5)
    assert answer.status_code == code
    assert answer.json() == {"ok": False, "error_code": code, "description": text}


def test_unknown_methods(sandbox, bot):
    assert sandbox.api(bot, "sendLove")["description"] == "Not Found: method not found"
    assert sandbox.api(bot, "GETME")["ok"]


def test_a_revoked_token_is_dead_at_once(sandbox, bot):
    new = sandbox.revoke(bot)
    assert sandbox.api(bot, "getMe")["error_code"] == 401
    assert sandbox.api(new, "getMe")["result"]["id"] == bot["id"]


def test_a_blocked_bot_gets_403_and_hears_of_it(sandbox, bot):
    sandbox.block(bot, LIN)
    answer = sandbox.api(bot, "sendMessage", chat_id=LIN, text="x")
    assert (answer["error_code"], answer["description"]) == (403, "Forbidden: bot was blocked by the user")
    change = sandbox.api(bot, "getUpdates")["result"][-1]["my_chat_member"]
    assert change["new_chat_member"]["status"] == "kicked"
    sandbox.say(bot, LIN, "/start")
    assert sandbox.api(bot, "sendMessage", chat_id=LIN, text="x")["ok"]


def test_a_deactivated_user(sandbox, bot):
    sandbox.post("users", id=LIN, deactivated=True)
    answer = sandbox.api(bot, "sendMessage", chat_id=LIN, text="x")
    assert (answer["error_code"], answer["description"]) == (403, "Forbidden: user is deactivated")


def test_a_group_that_moved_says_where_to(sandbox, bot):
    group = sandbox.create_chat("group", "Friends", members={"demo_bot": "member", str(LIN): "creator"})
    moved = sandbox.post("chats/migrate", chat=group["id"])
    answer = sandbox.api(bot, "sendMessage", chat_id=group["id"], text="x")
    assert answer["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert answer["parameters"] == {"migrate_to_chat_id": moved["id"]}
    assert sandbox.api(bot, "sendMessage", chat_id=moved["id"], text="x")["ok"]


def test_ordered_errors_serve_as_many_calls_as_ordered(sandbox, bot):
    sandbox.order_error(429, retry_after=7, method="sendMessage", bot=bot, count=2)
    answers = [send(sandbox, bot) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].json() == {
        "ok": False, "error_code": 429, "description": "Too Many Requests: retry after 7",
        "parameters": {"retry_after": 7},
    }  # fmt: skip
    assert answers[0].headers["Retry-After"] == "7"


def test_ordered_errors_can_be_for_one_chat_and_last_until_cleared(sandbox, bot):
    sandbox.say(bot, WANG, "/start")
    sandbox.order_error(500, "Internal Server Error", chat=LIN)
    assert [send(sandbox, bot).status_code for _ in range(3)] == [500, 500, 500]
    assert send(sandbox, bot, WANG).status_code == 200
    sandbox.clear_orders()
    assert send(sandbox, bot).status_code == 200


def test_the_line_can_be_cut(sandbox, bot):
    sandbox.order_error(0, bot=bot, count=1)
    with pytest.raises(requests.ConnectionError):
        send(sandbox, bot)
    assert send(sandbox, bot).status_code == 200


def test_answers_can_be_slow(sandbox, bot):
    sandbox.order_latency(120, method="sendMessage")
    start = time.monotonic()
    assert send(sandbox, bot).status_code == 200
    assert time.monotonic() - start >= 0.12
    start = time.monotonic()
    assert sandbox.api(bot, "getMe")["ok"]
    assert time.monotonic() - start < 0.1


def test_flood_limit_of_one_chat(sandbox, bot):
    sandbox.say(bot, WANG, "/start")
    sandbox.order_limits(per_chat=1)
    assert [send(sandbox, bot).status_code for _ in range(2)] == [200, 429]
    assert send(sandbox, bot, WANG).status_code == 200
    sandbox.post("clock", seconds=1)
    assert send(sandbox, bot).status_code == 200


def test_flood_limit_of_one_bot_spares_other_bots_and_getupdates(sandbox, bot):
    sandbox.order_limits(per_second=5, bot=bot)
    codes = [send(sandbox, bot).status_code for _ in range(8)]
    assert codes[:5] == [200] * 5
    assert 429 in codes
    assert sandbox.api(bot, "getUpdates")["ok"]
    other = sandbox.create_bot("other_bot")
    sandbox.say(other, LIN, "/start")
    assert [send(sandbox, other).status_code for _ in range(8)] == [200] * 8


def test_flood_limit_of_a_group(sandbox, bot):
    group = sandbox.create_chat("supergroup", "Friends", members={"demo_bot": "member"})
    sandbox.order_limits(per_group_minute=3)
    codes = [send(sandbox, bot, group["id"]).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]


def test_every_call_is_on_record_with_unknown_parameters_named(sandbox, bot):
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="x", txet="y")
    call = sandbox.calls(bot, "sendMessage")[-1]
    assert (call["status"], call["ignored"], call["params"]["text"]) == (200, ["txet"], "x")
    assert sandbox.counters()["calls"]["sendMessage"] == 1


def test_the_control_door_refuses_forms_that_a_foreign_page_could_send(sandbox):
    answer = requests.post(f"{sandbox.url}/control/reset", data={"x": "y"}, timeout=5)
    assert answer.status_code == 415
