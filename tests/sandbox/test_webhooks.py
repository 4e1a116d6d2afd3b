"""setWebhook, getWebhookInfo and the delivery behind them."""

import pytest

from sandbox.tls import make_certificate
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.waiting import wait_for


def texts(receiver):
    return [update["message"]["text"] for update in receiver.got if "message" in update]


def pending(sandbox, bot):
    return sandbox.api(bot, "getWebhookInfo")["result"]["pending_update_count"]


def test_updates_are_delivered_with_the_secret(sandbox, bot, receiver):
    answer = sandbox.api(bot, "setWebhook", url=receiver.url, secret_token="s3cret-_A")
    assert answer == {"ok": True, "result": True, "description": "Webhook was set"}
    said = sandbox.say(bot, LIN, "hello")
    wait_for(lambda: receiver.got, what="the delivery")
    assert receiver.got[0]["update_id"] == said["update_id"]
    assert receiver.secrets == ["s3cret-_A"]
    wait_for(lambda: pending(sandbox, bot) == 0, what="an empty queue")


def test_what_waited_is_delivered_or_dropped(sandbox, bot, receiver):
    sandbox.say(bot, LIN, "early")
    sandbox.api(bot, "setWebhook", url=receiver.url)
    wait_for(lambda: texts(receiver) == ["early"], what="the early message")
    sandbox.api(bot, "deleteWebhook")
    sandbox.say(bot, LIN, "dropped")
    sandbox.api(bot, "setWebhook", url=receiver.url, drop_pending_updates=True)
    sandbox.say(bot, LIN, "late")
    wait_for(lambda: texts(receiver) == ["early", "late"], what="the late message")


def test_a_failed_delivery_is_repeated_and_the_error_is_told(sandbox, bot, receiver):
    receiver.answers = [(500, {}), (503, {}), (302, {})]
    sandbox.api(bot, "setWebhook", url=receiver.url)
    sandbox.say(bot, LIN, "hello")
    wait_for(lambda: len(receiver.got) == 4 and pending(sandbox, bot) == 0, what="the fourth attempt")
    assert texts(receiver) == ["hello"] * 4
    info = sandbox.api(bot, "getWebhookInfo")["result"]
    assert info["last_error_message"] == "Wrong response from the webhook: 302 Found"
    assert info["last_error_date"] > 0


def test_messages_of_one_chat_stay_in_order_while_others_go_on(sandbox, bot, receiver):
    sandbox.post("settings", retry_scale=0.2)
    receiver.answers = [(500, {})] * 3
    sandbox.api(bot, "setWebhook", url=receiver.url)
    for text in ("a1", "a2", "a3"):
        sandbox.say(bot, LIN, text)
    wait_for(lambda: len(receiver.got) == 2, what="two attempts")
    receiver.answers = receiver.answers[:1]
    sandbox.say(bot, WANG, "b1")
    wait_for(lambda: pending(sandbox, bot) == 0, what="an empty queue")
    order = texts(receiver)
    assert [text for text in order if text == "a1"][0:1] == ["a1"]
    assert order.index("a2") > max(place for place, text in enumerate(order) if text == "a1")
    assert order.index("a3") > order.index("a2")
    assert "b1" in order


def test_a_press_does_not_wait_behind_a_message(sandbox, bot, receiver):
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="menu", reply_markup=markup)
    sandbox.api(bot, "setWebhook", url=receiver.url)
    receiver.gate.clear()
    sandbox.say(bot, LIN, "slow")
    wait_for(lambda: len(receiver.got) == 1, what="the message")
    sandbox.press(bot, LIN, "Go")
    wait_for(lambda: len(receiver.got) == 2, what="the press while the message is still in work")
    assert "callback_query" in receiver.got[1]


def test_no_more_connections_than_allowed(sandbox, bot, receiver):
    sandbox.api(bot, "setWebhook", url=receiver.url, max_connections=2)
    receiver.gate.clear()
    sandbox.crowd("demo_bot", users=10)
    wait_for(lambda: len(receiver.got) == 2, what="two deliveries")
    assert pending(sandbox, bot) == 10
    assert len(receiver.got) == 2
    receiver.gate.set()
    wait_for(lambda: pending(sandbox, bot) == 0, what="an empty queue")
    assert len(receiver.got) == 10


def test_retry_after_is_obeyed(sandbox, bot, receiver):
    sandbox.post("settings", retry_scale=1)
    receiver.answers = [(429, {"Retry-After": "1"})]
    sandbox.api(bot, "setWebhook", url=receiver.url)
    sandbox.say(bot, LIN, "hello")
    wait_for(lambda: len(receiver.got) == 1, what="the first attempt")
    assert pending(sandbox, bot) == 1
    wait_for(lambda: pending(sandbox, bot) == 0, what="the second attempt")


def test_an_update_that_got_too_old_is_given_up(sandbox, bot, receiver):
    receiver.answers = [(500, {})] * 1000
    sandbox.api(bot, "setWebhook", url=receiver.url)
    sandbox.say(bot, LIN, "hello")
    wait_for(lambda: len(receiver.got) >= 2, what="two attempts")
    sandbox.post("clock", seconds=86401)
    wait_for(lambda: pending(sandbox, bot) == 0, what="an empty queue")


def test_nobody_listens(sandbox, bot, closed_port):
    sandbox.api(bot, "setWebhook", url=f"http://127.0.0.1:{closed_port}/")
    sandbox.say(bot, LIN, "hello")
    info = wait_for(
        lambda: (found := sandbox.api(bot, "getWebhookInfo")["result"]).get("last_error_message") and found,
        what="the error",
    )
    assert info["last_error_message"] == "Connection refused"
    assert info["pending_update_count"] == 1


def test_deleting_the_webhook_gives_the_rest_to_getupdates(sandbox, bot, closed_port):
    sandbox.api(bot, "setWebhook", url=f"http://127.0.0.1:{closed_port}/")
    said = sandbox.say(bot, LIN, "hello")
    assert sandbox.api(bot, "deleteWebhook")["description"] == "Webhook was deleted"
    assert sandbox.api(bot, "deleteWebhook")["description"] == "Webhook is already deleted"
    assert [update["update_id"] for update in sandbox.api(bot, "getUpdates")["result"]] == [said["update_id"]]


def test_information_about_the_webhook(sandbox, bot, receiver):
    assert sandbox.api(bot, "getWebhookInfo")["result"] == {
        "url": "", "has_custom_certificate": False, "pending_update_count": 0,
    }  # fmt: skip
    sandbox.api(bot, "setWebhook", url=receiver.url, max_connections=7, allowed_updates=["message"])
    assert sandbox.api(bot, "getWebhookInfo")["result"] == {
        "url": receiver.url, "has_custom_certificate": False, "pending_update_count": 0, "max_connections": 7,
        "ip_address": "127.0.0.1", "allowed_updates": ["message"],
    }  # fmt: skip


def test_the_same_webhook_again_is_no_news(sandbox, bot, receiver):
    sandbox.post("settings", strict=True)
    assert sandbox.api(bot, "setWebhook", url=receiver.url)["description"] == "Webhook was set"
    assert sandbox.api(bot, "setWebhook", url=receiver.url)["description"] == "Webhook is already set"
    hasty = sandbox.api(bot, "setWebhook", url=f"{receiver.url}2")
    assert (hasty["error_code"], hasty["parameters"]) == (429, {"retry_after": 1})


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"url": "http://example.com/hook"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        (
            {"url": "https://example.com:8000/"},
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        ({"url": "nonsense"}, "invalid webhook URL specified"),
        (
            {"url": "http://127.0.0.1:1/", "secret_token": "with space"},
            "secret token contains unallowed characters",
        ),
        ({"url": "http://127.0.0.1:1/", "secret_token": "x" * 257}, "secret token is too long"),
    ],
)
def test_bad_webhooks_are_refused(sandbox, bot, fields, problem):
    assert sandbox.api(bot, "setWebhook", **fields)["description"] == f"Bad Request: {problem}"


def test_a_throw_away_certificate_serves_tls_also_as_a_webhook(sandbox, bot, tmp_path):
    with Sandbox.start(tls=make_certificate(tmp_path)) as secure:
        other = secure.create_bot("other_bot")
        # Any address that answers 200 will do as a webhook.
        sandbox.api(bot, "setWebhook", url=f"{secure.url}/bot{other['token']}/getMe")
        sandbox.say(bot, LIN, "hello")
        wait_for(lambda: secure.calls(other, "getMe"), what="the delivery")
        wait_for(lambda: pending(sandbox, bot) == 0, what="an empty queue")
