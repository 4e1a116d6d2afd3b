"""A broadcast to many chats by real processes that are killed on the way, measured; the benchmark runs it in full."""

import threading
import time
from collections import Counter
from dataclasses import dataclass

from tests.e2e.stack import Boss, Stack
from tests.faults.conftest import Keeper
from tests.sandbox_client import Json
from tests.waiting import wait_for

WORDS = "News for everybody"
FIRST = 8_000_000
CURIOUS = 8_900_000
WORKERS = ("worker", "worker2")


@dataclass(frozen=True)
class Measured:
    """What came of it. `p95` seconds until an answer meanwhile, in calm; `pace` messages per second, in calm."""

    states: dict[str, int]
    copies: dict[int, int]
    calls: int
    refused: int
    p95: float
    pace: float
    seconds: float


class Announcement:
    """One bot at 25 messages a second and 50-200 ms an answer, and `chats` people who once wrote to it."""

    def __init__(self, stack: Stack, boss: Boss, chats: int) -> None:
        self.stack, self.boss, self.chats = stack, boss, chats
        self.telegram = stack.sandbox.create_bot(f"news{chats}_bot")
        self.bot_id = self._known_to_everybody()
        stack.sandbox.order_limits(bot=self.telegram, per_second=25)
        stack.sandbox.order_latency(125, bot=self.telegram, jitter_ms=75, method="sendMessage")

    def _known_to_everybody(self) -> int:
        """What people wrote before the bot was ours is fetched away, so that nobody is answered."""
        sandbox, people = self.stack.sandbox, range(FIRST, FIRST + self.chats)
        said = sandbox.crowd([self.telegram["username"]], users=self.chats, text="hi", first_user=FIRST)
        sandbox.api(self.telegram, "getUpdates", offset=max(said["update_ids"]) + 1, timeout=0)
        words = ["--tenant", str(self.boss.tenant_id), "--token", self.telegram["token"], "--mode", "webhook"]
        bot_id = int(self.stack.flask("bots", "add", *words, "--json")["bot_id"])
        given = (self.boss.tenant_id, people.start, people.stop - 1)
        everybody = "FROM generate_series(%s::bigint, %s::bigint) n"
        member = "INSERT INTO member (tenant_id, telegram_id, first_name)"
        self.stack.sql(f"{member} SELECT %s, n, 'Lin' {everybody}", *given)
        talk = "INSERT INTO bot_member (tenant_id, bot_id, telegram_id)"
        self.stack.sql(
            f"{talk} SELECT b.tenant_id, b.id, n {everybody}, bot b WHERE b.id = %s", *given[1:], bot_id
        )
        ready = "SELECT webhook_set_at IS NOT NULL FROM bot WHERE id = %s"
        wait_for(lambda: self.stack.sql(ready, bot_id)[0][0], seconds=30, what="the webhook to be set")
        return bot_id

    def run(self, kills: int, questions: int = 20) -> Measured:
        """Sends it to all, killing every worker `kills` times on the way."""
        started = time.monotonic()
        self._start()
        with Keeper(self.stack, *WORKERS) as keeper:
            pace = self._pace()
            waits = sorted(self._ask(number) for number in range(questions))
            for number in range(kills):
                self._reach(max(self.sent + self.chats // 10, self.chats * (number + 1) // (kills + 1)))
                self._kill(keeper)
            done = "SELECT state FROM broadcast WHERE bot_id = %s"
            wait_for(
                lambda: self.stack.sql(done, self.bot_id) == [("done",)],
                seconds=60 + self.chats / 5,
                what="the broadcast to be done",
            )
        return self._measured(waits[int(questions * 0.95) - 1], pace, time.monotonic() - started)

    def _start(self) -> None:
        columns = "tenant_id, bot_id, name, body, audience, state, started_at"
        values = "%s, %s, 'News', %s, '{\"kind\": \"all\"}', 'running', now()"
        self.stack.sql(
            f"INSERT INTO broadcast ({columns}) VALUES ({values})", self.boss.tenant_id, self.bot_id, WORDS
        )

    def _kill(self, keeper: Keeper) -> None:
        """Kills every worker, and waits until each was started anew."""
        before = keeper.restarts
        for name in WORKERS:
            self.stack.kill9(name)
        wait_for(
            lambda: keeper.restarts == before + len(WORKERS) and all(map(self.stack._ready, WORKERS)),
            seconds=60,
            what="the workers to be back",
        )

    @property
    def sent(self) -> int:
        """As our own counter has it."""
        return int(self.stack.sql("SELECT sent FROM broadcast WHERE bot_id = %s", self.bot_id)[0][0])

    def _reach(self, number: int) -> None:
        wait_for(lambda: self.sent >= number, seconds=30 + self.chats / 10, what=f"{number} to be sent")

    def _pace(self) -> float:
        """Messages per second while nobody asks anything."""
        self._reach(10)
        first, since = self.sent, time.monotonic()
        self._reach(first + self.chats // 10)
        return (self.sent - first) / (time.monotonic() - since)

    def _ask(self, number: int) -> float:
        """Seconds until somebody new is answered; three ask per second."""
        threading.Event().wait(0.3)
        asked, user = time.monotonic(), CURIOUS + number
        said = self.stack.sandbox.say(self.telegram, user, "/help")
        self.stack.sandbox.wait_for_text(self.telegram, user, "", after=said["revision"], seconds=20)
        return time.monotonic() - asked

    def _measured(self, p95: float, pace: float, seconds: float) -> Measured:
        calls: list[Json] = self.stack.sandbox.calls(self.telegram, "sendMessage")
        got = [int(call["params"]["chat_id"]) for call in calls if is_news(call) and call["status"] == 200]
        states = "SELECT state, count(*) FROM broadcast_recipient WHERE broadcast_id IN (SELECT id FROM broadcast WHERE bot_id = %s) GROUP BY state"
        refused = sum(call["status"] == 429 for call in calls)
        found = dict(self.stack.sql(states, self.bot_id))
        copies = dict(Counter(Counter(got).values()))
        return Measured(found, copies, len(calls), refused, p95, pace, seconds)


def is_news(call: Json) -> bool:
    """Whether a call is the broadcast's, and no answer."""
    return bool(call["params"].get("text") == WORDS)
