"""When Telegram refuses: a revoked token, another reader, a flood. Real web, worker, poller and beat."""

import pytest
from requests import post, request

from tests.e2e.stack import Boss, OurBot, Stack
from tests.sandbox_client import LIN, WANG
from tests.waiting import wait_for


@pytest.fixture
def boss(stack: Stack) -> Boss:
    stack.sandbox.clear_orders()
    return stack.boss()


@pytest.fixture
def bot(stack: Stack, boss: Boss) -> OurBot:
    made = stack.bot(boss)
    _talk(stack, made, LIN)
    return made


def _talk(stack: Stack, bot: OurBot, user: int) -> None:
    said = stack.sandbox.say(bot.telegram, user, "/start")
    stack.sandbox.wait_for_text(bot.telegram, user, "", after=said["revision"], seconds=15)


def _state(stack: Stack, bot: OurBot) -> str:
    return str(stack.sql("SELECT state FROM bot WHERE id = %s", bot.id)[0][0])


def _refusals(stack: Stack) -> int:
    counts = stack.sandbox.counters()["calls"]
    return sum(number for name, number in counts.items() if name.endswith(" 401"))


def _api(stack: Stack, boss: Boss, method: str, path: str, **body: str) -> int:
    headers = {"X-Api-Key": boss.api_key}
    return request(method, stack.url + path, json=body, headers=headers, timeout=20).status_code


def test_a_revoked_token_is_shown_not_hammered_and_healed_by_the_new_one(
    stack: Stack, boss: Boss, bot: OurBot
):
    fresh = stack.sandbox.revoke(bot.telegram)
    wait_for(lambda: _state(stack, bot) == "revoked", seconds=15, what="the revoked token to be noticed")
    refused = _refusals(stack)
    assert stack.sandbox.say(fresh, WANG, "/start")
    assert _api(stack, boss, "PUT", "/api/bot", token=fresh["token"]) == 200
    stack.sandbox.wait_for_text(fresh, WANG, "", seconds=10)
    assert _refusals(stack) - refused <= 2


def test_another_reader_is_a_conflict_that_we_neither_fight_nor_lose_by(
    stack: Stack, boss: Boss, bot: OurBot
):
    theirs = post(
        f"{stack.sandbox.url}/bot{bot.telegram['token']}/setWebhook",
        json={"url": "http://127.0.0.1:9/theirs"},
        timeout=10,
    )
    assert theirs.json()["ok"]
    wait_for(lambda: _state(stack, bot) == "conflict", seconds=20, what="the conflict to be noticed")
    info = stack.sandbox.api(bot.telegram, "getWebhookInfo")["result"]
    assert info["url"] == "http://127.0.0.1:9/theirs"
    stack.sandbox.say(bot.telegram, WANG, "/start")
    assert _api(stack, boss, "POST", "/api/bot/remove-webhook") == 200
    stack.sandbox.wait_for_text(bot.telegram, WANG, "", seconds=15)


def test_a_flood_limit_delays_answers_and_loses_none(stack: Stack, boss: Boss, bot: OurBot):
    stack.sandbox.order_error(
        429,
        "Too Many Requests: retry after 2",
        bot=bot.telegram,
        method="sendMessage",
        retry_after=2,
        count=1,
    )
    people = range(7_000_000, 7_000_010)
    for person in people:
        stack.sandbox.say(bot.telegram, person, "/start")
    for person in people:
        stack.sandbox.wait_for_text(bot.telegram, person, "", seconds=20)
        assert len(stack.sandbox.texts(bot.telegram, person)) == 1
