"""Pollers that are killed, stopped and cut off, and bots that move between polling and webhook, under load."""

import time
from collections.abc import Iterator

import pytest
import requests

from tests.e2e.stack import Boss, OurBot, Stack
from tests.faults.conftest import Keeper
from tests.faults.test_updates import Crowd
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
PROCESSES = ("web", "worker", "poller", "poller2", "beat")


@pytest.fixture(scope="module")
def polled() -> Iterator[Stack]:
    with Stack.start(PROCESSES, LEASE_SECONDS="2", SLICE_SECONDS="6", POLL_SHARDS="2") as stack:
        yield stack


@pytest.fixture(scope="module")
def boss(polled: Stack) -> Boss:
    return polled.boss()


@pytest.fixture(scope="module")
def bots(polled: Stack, boss: Boss) -> list[OurBot]:
    made = [polled.bot(boss) for _ in range(4)]
    wait_for(lambda: polled.sandbox.counters()["polled"] == 4, seconds=30, what="the bots to be polled")
    return made


@pytest.fixture
def stack(polled: Stack, bots: list[OurBot]) -> Stack:
    """Both pollers alive, every bot polled."""
    polled.redis.start()
    polled.up(*[name for name in PROCESSES if not polled.lives(name)])
    wait_for(lambda: polled.sandbox.counters()["polled"] == 4, seconds=40, what="the bots to be polled")
    return polled


def owners(stack: Stack) -> dict[str, set[int]]:
    """Shards by the process that polls them."""
    rows = stack.sql("SELECT owner, shard FROM shard_lease WHERE kind = 'poll' AND lease_until > now()")
    found: dict[str, set[int]] = {}
    for owner, shard in rows:
        found.setdefault(owner.split(":")[1], set()).add(shard)
    return found


def arrived(stack: Stack, crowd: Crowd) -> int:
    found = stack.sql(
        "SELECT count(*) FROM inbox WHERE chat_key BETWEEN %s AND %s", crowd.first, crowd.first + crowd.users
    )
    return int(found[0][0])


def test_pollers_killed_five_times_lose_no_update(stack: Stack, bots: list[OurBot]):
    with Keeper(stack, "poller", "poller2") as keeper:
        crowd = Crowd(stack, bots, rate=130, users=100)
        for number in range(5):
            time.sleep(2.5)
            stack.kill9(["poller", "poller2"][number % 2])
        wait_for(lambda: arrived(stack, crowd) == crowd.updates == 2_000, seconds=60, what="all updates")
    assert keeper.restarts == 5
    crowd.wait()
    assert stack.sandbox.counters()["pending_updates"] == 0


def test_a_poller_that_is_asked_to_stop_hands_over_at_once(stack: Stack, bots: list[OurBot]):
    crowd = Crowd(stack, bots, rate=100, users=40)
    stopped = next(name for name in ("poller", "poller2") if str(pid_of(stack, name)) in owners(stack))
    asked = time.monotonic()
    stack.terminate(stopped)
    wait_for(
        lambda: str(pid_of(stack, stopped)) not in owners(stack), seconds=3, what="the shards to be free"
    )
    released = time.monotonic() - asked
    wait_for(lambda: len(set().union(*owners(stack).values())) == 2, seconds=5, what="the other to take over")
    wait_for(lambda: not stack.lives(stopped), seconds=15, what="the process to end")
    crowd.wait()
    assert released < 2.5


def test_slices_hand_over_without_dropping_a_connection(stack: Stack, bots: list[OurBot]):
    tokens = "SELECT sum(token) FROM shard_lease WHERE kind = 'poll'"
    before = stack.sql(tokens)[0][0]
    polls = stack.sandbox.counters()["calls"]["getUpdates"]
    time.sleep(8)
    # At the very moment of a hand-over some are between two questions.
    wait_for(lambda: stack.sandbox.counters()["polled"] == 4, seconds=3, what="all bots to be polled")
    # Within a process the lease goes on; where another one takes over, each of its bots is polled anew once.
    assert stack.sandbox.counters()["calls"]["getUpdates"] - polls <= 4 * (stack.sql(tokens)[0][0] - before)


def test_without_redis_updates_arrive_all_the_same(stack: Stack, bots: list[OurBot]):
    stack.redis.stop()
    crowd = Crowd(stack, bots, rate=60, users=30)
    time.sleep(9)
    wait_for(lambda: arrived(stack, crowd) == crowd.updates, seconds=10, what="all updates without Redis")
    stack.redis.start()
    crowd.wait()


def test_a_bot_that_moves_under_load_loses_and_doubles_nothing(stack: Stack, boss: Boss, bots: list[OurBot]):
    moving = bots[:1]
    crowd = Crowd(stack, moving, rate=25, users=60)
    for mode in ("webhook", "polling", "webhook", "polling"):
        move(stack, boss, moving[0], mode)
    crowd.wait()
    answers = crowd.answers()
    assert answers == {5: 60}
    assert stack.sandbox.counters()["pending_updates"] == 0


def move(stack: Stack, boss: Boss, bot: OurBot, mode: str) -> None:
    """Switches as the boss does, and waits until Telegram is of the same mind."""
    answer = requests.put(
        f"{stack.url}/api/bot",
        json={"mode": mode},
        headers={"X-Api-Key": boss.api_key},
        params={"bot": bot.public_id},
        timeout=10,
    )
    assert answer.ok, answer.text
    where = {"webhook": "webhook_set_at IS NOT NULL", "polling": "webhook_set_at IS NULL"}[mode]
    asked = f"SELECT 1 FROM bot WHERE id = %s AND mode = %s AND {where}"
    wait_for(lambda: stack.sql(asked, bot.id, mode), seconds=15, what=f"the bot to be moved to {mode}")


def pid_of(stack: Stack, name: str) -> int:
    return stack.processes[name].pid
