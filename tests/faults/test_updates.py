"""Nothing accepted is lost, and no update is in the way of others: real processes, killed and restarted under load."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest

from app.core.embedded import EmbeddedPostgres, EmbeddedRedis
from tests.e2e.stack import OurBot, Stack
from tests.faults.conftest import Keeper
from tests.sandbox_client import Json
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
USERS, EACH = 25, 5
people = count(7_000_000, 1_000)
"""The first of people who never wrote before."""


class Crowd:
    """People who write to bots at a steady rate."""

    def __init__(self, stack: Stack, bots: list[OurBot], rate: float = 60, users: int = USERS) -> None:
        self.stack = stack
        self.bots = bots
        self.users = users
        self.first = next(people)
        self.sent: Json = {}
        names = [bot.telegram["username"] for bot in bots]
        more = {"users": users, "text": "hello {n}", "each": EACH, "rate": rate, "first_user": self.first}
        self._thread = threading.Thread(target=lambda: self.sent.update(stack.sandbox.crowd(names, **more)))
        self._thread.start()

    @property
    def updates(self) -> int:
        return len(self.bots) * self.users * EACH

    def wait(self, seconds: float = 120) -> None:
        """Until everybody has spoken and everything is handled."""
        self._thread.join(seconds)
        done = "SELECT count(*) FROM inbox WHERE chat_key BETWEEN %s AND %s AND state = 'done'"
        wait_for(
            lambda: self.stack.sql(done, self.first, self.first + self.users)[0][0] >= self.updates,
            seconds=seconds,
            what=f"{self.updates} handled updates; there are {self.stack.inbox()}",
        )

    def answers(self) -> Counter[int]:
        """How many chats got how many answers."""
        ours = range(self.first, self.first + self.users)
        calls = [call for bot in self.bots for call in self.stack.sandbox.calls(bot.telegram, "sendMessage")]
        said = [(call["bot_id"], int(call["params"]["chat_id"])) for call in calls if call["status"] == 200]
        return Counter(Counter(where for where in said if where[1] in ours).values())


def during(crowd: Crowd, *acts: Callable[[], object], pause: float = 2.0) -> None:
    """Does things one after the other while the crowd speaks."""
    for act in acts:
        time.sleep(pause)
        act()
    crowd.wait()


def test_servers_that_restart_cost_no_update_and_double_none(stack: Stack, bots: list[OurBot]):
    crowd = Crowd(stack, bots, rate=90, users=50)
    during(crowd, lambda: restart(stack.postgres), lambda: restart(stack.redis), lambda: flush(stack))
    assert crowd.updates == 1000
    assert crowd.answers() == {EACH: len(bots) * 50}


def test_a_postgresql_that_is_killed_costs_no_update(stack: Stack, bots: list[OurBot]):
    crowd = Crowd(stack, bots)
    during(crowd, lambda: crash(stack.postgres), lambda: crash(stack.redis))
    assert crowd.answers() == {EACH: len(bots) * USERS}


def test_workers_that_are_killed_under_load_lose_no_update(stack: Stack, bots: list[OurBot]):
    with Keeper(stack, "worker", "worker2") as keeper:
        crowd = Crowd(stack, bots)
        during(crowd, *(lambda name=name: stack.kill9(name) for name in ["worker", "worker2", "worker"]))
    assert keeper.restarts == 3
    answers = crowd.answers()
    assert sum(answers.values()) == len(bots) * USERS
    assert min(answers) >= EACH
    repeated = sum((number - EACH) * chats for number, chats in answers.items())
    assert repeated <= 3 * 2 * 40


def test_poison_and_killer_are_set_aside_and_nobody_else_is(stack: Stack, bots: list[OurBot]):
    first, second = next(people), next(people)
    with Keeper(stack, "worker", "worker2") as keeper:
        crowd = Crowd(stack, bots[1:])
        # One after the other: what waits for its next attempt while the killer strikes three times dies with it.
        say_and_see(stack, bots[0], first, before="done", poison="dead", after="done")
        say_and_see(stack, bots[0], second, killer="dead", after="done")
        crowd.wait()
    assert [status for _, status in keeper.deaths] == [9, 9, 9]
    assert fates(stack, first)[1][3] == "ValueError: poison"
    assert fates(stack, second)[0][2] == 3
    assert stack.sql("SELECT count(*) FROM inbox WHERE state = 'dead'") == [(2,)]


def say_and_see(stack: Stack, bot: OurBot, user: int, **ends: str) -> None:
    """Somebody says these words, and each ends as it should."""
    for words in ends:
        stack.sandbox.say(bot.telegram, user, words)
    wait_for(
        lambda: [row[0] for row in fates(stack, user)] == [*ends.values()],
        seconds=90,
        what=f"{', '.join(ends)} to end as {', '.join(ends.values())}",
    )


def fates(stack: Stack, user: int) -> list[tuple[str, int, int, str]]:
    """(state, attempts, deaths, error) of somebody's updates in order."""
    statement = "SELECT state, attempts, deaths, error FROM inbox WHERE chat_key = %s ORDER BY seq"
    return stack.sql(statement, user)


def test_one_tenants_flood_does_not_delay_the_other(stack: Stack, bots: list[OurBot], theirs: OurBot):
    crowd = Crowd(stack, bots[:1], rate=50, users=100)
    waits = [answer_time(stack, theirs, next(people)) for _ in range(10)]
    crowd.wait()
    assert sorted(waits)[8] < 3


def test_without_a_beat_slices_hand_over_to_each_other(stack: Stack, bots: list[OurBot]):
    stack.kill9("beat")
    tokens = "SELECT sum(token) FROM shard_lease WHERE kind = 'chat'"
    before = stack.sql(tokens)[0][0]
    wait_for(lambda: stack.sql(tokens)[0][0] >= before + 32, seconds=40, what="new slices")
    assert answer_time(stack, bots[0], next(people)) < 3
    # With readers killed and no beat to start new ones, the other worker does it.
    stack.kill9("worker")
    waits = [answer_time(stack, bots[0], next(people), 90) for _ in range(4)]
    assert max(waits) < 90


def test_two_beats_start_everything_once(stack: Stack, bots: list[OurBot]):
    stack.up("beat2")
    try:
        crowd = Crowd(stack, bots[:2])
        crowd.wait()
        owners = "SELECT count(DISTINCT owner) FROM shard_lease WHERE kind = 'chat' AND lease_until > now()"
        assert stack.sql(owners)[0][0] <= 2
        assert crowd.answers() == {EACH: 2 * USERS}
    finally:
        stack.kill9("beat2")
        del stack.processes["beat2"]


def answer_time(stack: Stack, bot: OurBot, user: int, seconds: float = 20) -> float:
    """Seconds until the bot answered somebody new."""
    asked = time.monotonic()
    said = stack.sandbox.say(bot.telegram, user, "/help")
    stack.sandbox.wait_for_text(bot.telegram, user, "", after=said["revision"], seconds=seconds)
    return time.monotonic() - asked


def restart(server: EmbeddedPostgres | EmbeddedRedis) -> None:
    server.stop()
    time.sleep(0.5)
    server.start()


def crash(server: EmbeddedPostgres | EmbeddedRedis) -> None:
    server.kill9()
    server.start()


def flush(stack: Stack) -> None:
    with stack.redis_client() as client:
        client.flushall()


def test_a_worker_that_slept_past_its_leases_starts_nothing_more(stack: Stack, bots: list[OurBot]):
    crowd = Crowd(stack, bots)
    time.sleep(2)
    stack.freeze("worker")
    try:
        time.sleep(8)
    finally:
        stack.thaw("worker")
    crowd.wait()
    answers = crowd.answers()
    assert sum(answers.values()) == len(bots) * USERS
    # Only what it was in the middle of may have been answered by both.
    assert sum((number - EACH) * chats for number, chats in answers.items()) <= 5


def test_a_worker_that_is_asked_to_end_hands_over_and_doubles_nothing(stack: Stack, bots: list[OurBot]):
    crowd = Crowd(stack, bots)
    with Keeper(stack, "worker", "worker2"):
        for name in ("worker", "worker2"):
            time.sleep(2)
            asked = time.monotonic()
            ended = stack.processes[name]
            stack.terminate(name)
            ended.wait(10)
            assert time.monotonic() - asked < 8
        crowd.wait()
    assert crowd.answers() == {EACH: len(bots) * USERS}
    deaths = "SELECT sum(deaths) FROM inbox WHERE chat_key BETWEEN %s AND %s"
    assert stack.sql(deaths, crowd.first, crowd.first + USERS) == [(0,)]
