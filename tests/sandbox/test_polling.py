"""getUpdates: offsets, waiting, conflicts."""

import socket
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.sandbox_client import LIN, WANG, Json, Sandbox
from tests.waiting import wait_for

OTHER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
ACTIVE = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


def poll_in_background(
    pool: ThreadPoolExecutor, sandbox: Sandbox, bot: Json, **params: int
) -> "Future[Json]":
    """A long poll that the sandbox already holds when this returns."""
    future = pool.submit(sandbox.api, bot, "getUpdates", timeout=30, **params)
    wait_for(lambda: sandbox.get("queue", bot=bot["username"])["is_polled"], what="the poll to wait")
    return future


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_ids_grow_by_one_and_an_offset_confirms_what_is_below(sandbox, bot):
    ids = [sandbox.say(bot, LIN, f"n{number}")["update_id"] for number in range(3)]
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
    answer = sandbox.api(bot, "getUpdates", offset=ids[1])
    assert [update["update_id"] for update in answer["result"]] == ids[1:]
    assert sandbox.get("queue", bot="demo_bot")["pending"] == ids[1:]


def test_what_is_not_confirmed_comes_again(sandbox, bot):
    sandbox.say(bot, LIN, "hello")
    first, second = (sandbox.api(bot, "getUpdates") for _ in range(2))
    assert first == second
    assert first["result"][0]["message"]["text"] == "hello"


def test_a_negative_offset_keeps_only_the_newest_and_forgets_the_rest(sandbox, bot):
    ids = [sandbox.say(bot, LIN, f"n{number}")["update_id"] for number in range(5)]
    answer = sandbox.api(bot, "getUpdates", offset=-2)
    assert [update["update_id"] for update in answer["result"]] == ids[-2:]
    assert sandbox.get("queue", bot="demo_bot")["pending"] == ids[-2:]


def test_limit_is_kept_between_1_and_100(sandbox, bot):
    sandbox.crowd("demo_bot", users=1, each=120, first_user=LIN)
    assert len(sandbox.api(bot, "getUpdates", limit=1000)["result"]) == 100
    assert len(sandbox.api(bot, "getUpdates", limit=0)["result"]) == 1
    assert len(sandbox.api(bot, "getUpdates", limit=7)["result"]) == 7


def test_a_waiting_poll_is_answered_as_soon_as_something_comes(sandbox, bot, pool):
    waiting = poll_in_background(pool, sandbox, bot)
    said = sandbox.say(bot, LIN, "now")
    assert waiting.result(2)["result"][0]["update_id"] == said["update_id"]


def test_what_comes_together_goes_out_in_one_answer(sandbox, bot, pool):
    waiting = poll_in_background(pool, sandbox, bot)
    sandbox.crowd("demo_bot", users=20)
    assert len(waiting.result(2)["result"]) == 20


def test_a_poll_that_found_nothing_ends_after_its_timeout(sandbox, bot):
    assert sandbox.api(bot, "getUpdates", timeout=1) == {"ok": True, "result": []}


def test_of_two_pollers_the_newer_wins(sandbox, bot, pool):
    older = poll_in_background(pool, sandbox, bot)
    newer = pool.submit(sandbox.api, bot, "getUpdates", timeout=30)
    assert older.result(2) == {"ok": False, "error_code": 409, "description": OTHER}
    sandbox.say(bot, LIN, "for the newer")
    assert newer.result(2)["result"][0]["message"]["text"] == "for the newer"


def test_a_poller_whose_line_is_cut_leaves_nothing_behind(sandbox, bot):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(f"GET /bot{bot['token']}/getUpdates?timeout=50 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for(lambda: sandbox.get("queue", bot="demo_bot")["is_polled"], what="the poll to wait")
    wait_for(lambda: not sandbox.get("queue", bot="demo_bot")["is_polled"], what="the poll to be given up")


def test_a_webhook_ends_polling(sandbox, bot, pool, receiver):
    waiting = poll_in_background(pool, sandbox, bot)
    assert sandbox.api(bot, "setWebhook", url=receiver.url)["ok"]
    assert waiting.result(2)["description"] == "Conflict: terminated by setWebhook request"
    assert sandbox.api(bot, "getUpdates")["description"] == ACTIVE


def test_wanted_kinds_are_remembered_until_they_are_named_again(sandbox, bot):
    sandbox.api(bot, "getUpdates", allowed_updates=["callback_query"])
    assert sandbox.say(bot, LIN, "unheard")["update_id"] == 0
    sandbox.api(bot, "getUpdates")
    assert sandbox.say(bot, LIN, "unheard too")["update_id"] == 0
    sandbox.api(bot, "getUpdates", allowed_updates=[])
    assert sandbox.say(bot, LIN, "heard")["update_id"] > 0


def test_messages_expire_after_a_day_and_presses_after_150_seconds(sandbox, bot):
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="menu", reply_markup=markup)
    said = sandbox.say(bot, LIN, "hello")
    pressed = sandbox.press(bot, LIN, "Go")
    sandbox.post("clock", seconds=151)
    assert [update["update_id"] for update in sandbox.api(bot, "getUpdates")["result"]] == [said["update_id"]]
    late = sandbox.api(bot, "answerCallbackQuery", callback_query_id=pressed["callback_query_id"])
    assert "query is too old" in late["description"]
    sandbox.post("clock", seconds=86400)
    assert sandbox.api(bot, "getUpdates")["result"] == []


def test_the_real_servers_brakes_slow_down_the_same_offset(sandbox, bot):
    sandbox.post("settings", strict=True)
    sandbox.say(bot, LIN, "one")
    sandbox.say(bot, WANG, "two")
    assert len(sandbox.api(bot, "getUpdates", offset=1)["result"]) == 2
    assert len(sandbox.api(bot, "getUpdates", offset=1)["result"]) == 1


def test_ten_bots_wait_at_once_without_disturbing_each_other(sandbox):
    tokens = sandbox.post("bots/bulk", count=10)["tokens"]
    with ThreadPoolExecutor(10) as pool:
        polls = [pool.submit(sandbox.api, token, "getUpdates", timeout=20) for token in tokens]
        wait_for(lambda: sandbox.counters()["polled"] == 10, what="all polls to wait")
        sandbox.crowd("*", users=1, text="for {n}")
        texts = {poll.result(3)["result"][0]["message"]["text"] for poll in polls}
    assert texts == {f"for {number}" for number in range(1, 11)}
