"""A lottery of real processes: 150 entrants of whom some have left the channel since, 40 prizes, and what came of it."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.stack import Stack
from tests.sandbox_client import Json
from tests.waiting import wait_for

FIRST, PEOPLE, LEAVES = 9_300_000, 150, 6
"""Every sixth has left the channel."""
MUGS, PAID, CREDITS = 30, 10, 5
CHANNEL = "@mug_house"


@dataclass(frozen=True)
class House:
    """A bot, its channel, and people who know both."""

    stack: Stack
    tenant_id: int
    bot_id: int
    telegram: Json
    folder: Path

    @classmethod
    def build(cls, stack: Stack, folder: Path) -> "House":
        """What they said before the bot was ours is fetched away, so that nobody is answered."""
        sandbox, boss = stack.sandbox, stack.boss()
        telegram = sandbox.create_bot("mugs_bot")
        said = sandbox.crowd([telegram["username"]], users=PEOPLE, text="hi", first_user=FIRST)
        sandbox.api(telegram, "getUpdates", offset=max(said["update_ids"]) + 1, timeout=0)
        inside: dict[str, str] = {str(FIRST + n): "member" if n % LEAVES else "left" for n in range(PEOPLE)}
        inside[telegram["username"]] = "administrator"
        sandbox.create_chat("channel", "Mugs", username=CHANNEL[1:], members=inside)
        words = ["--tenant", str(boss.tenant_id), "--token", telegram["token"], "--mode", "webhook"]
        bot_id = int(stack.flask("bots", "add", *words, "--json")["bot_id"])
        everybody = f"FROM generate_series({FIRST}, {FIRST + PEOPLE - 1}) n"
        stack.sql(
            f"INSERT INTO member (tenant_id, telegram_id, first_name) SELECT %s, n, 'Lin' {everybody}",
            boss.tenant_id,
        )
        stack.sql(
            f"INSERT INTO bot_member (tenant_id, bot_id, telegram_id) SELECT %s, %s, n {everybody}",
            *(boss.tenant_id, bot_id),
        )
        return cls(stack, boss.tenant_id, bot_id, telegram, folder)

    def open(self, title: str, seconds: float = 3_600) -> "Drawn":
        """A lottery that all of them have joined, and that closes in so many seconds."""
        file = self.folder / "lottery.json"
        body = {
            "title": title,
            "prizes": [
                {"name": "Mug", "quantity": MUGS},
                {"name": "Credits", "quantity": PAID, "credits": CREDITS},
            ],
            "conditions": [{"type": "channel", "chat": CHANNEL}],
            "publish_to": [CHANNEL],
            "closes_at": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds"),
        }
        file.write_text(json.dumps(body))
        words = ["--tenant", str(self.tenant_id), "--bot", str(self.bot_id), "--file", str(file), "--json"]
        made = self.stack.flask("lotteries", "create", *words)
        lottery_id = self.stack.sql("SELECT id FROM lottery WHERE code = %s", made["code"])[0][0]
        columns = "tenant_id, lottery_id, telegram_id, bot_id, conditions"
        self.stack.sql(
            f"INSERT INTO lottery_entry ({columns}) SELECT %s, %s, n, %s, '0:1:1795160000'"
            f" FROM generate_series({FIRST}, {FIRST + PEOPLE - 1}) n",
            *(self.tenant_id, lottery_id, self.bot_id),
        )
        count = "UPDATE lottery_tally SET entries = %s WHERE lottery_id = %s AND shard = 0"
        self.stack.sql(count, PEOPLE, lottery_id)
        return Drawn(self, lottery_id, made["code"], title)


@dataclass(frozen=True)
class Drawn:
    """One lottery, on its way from the last entry to the last message."""

    house: House
    id: int
    code: str
    title: str

    def close(self) -> None:
        """The boss closes it; the rest happens by itself."""
        self.house.stack.flask("lotteries", "close", self.code)

    def reach(self, condition: str, *, seconds: float = 30) -> None:
        """Waits until an SQL condition on `lottery l` is true."""
        query = f"SELECT 1 FROM lottery l WHERE l.id = %s AND {condition}"
        wait_for(
            lambda: self.house.stack.sql(query, self.id),
            seconds=seconds,
            what=f"{self.title} to be {condition}",
        )

    def settle(self, seconds: float) -> None:
        """Waits until everybody has been told."""
        waiting = "SELECT FROM outbox o WHERE o.dedupe_key LIKE 'lottery:' || l.id || ':%%' AND o.state IN ('queued', 'sending')"
        self.reach(f"l.settled_at IS NOT NULL AND NOT EXISTS ({waiting})", seconds=seconds)

    def check(self) -> int:
        """One draw, everybody told and paid once; says how many messages came once more because their fate was unclear."""
        stack = self.house.stack
        kinds = stack.sql("SELECT kind FROM lottery_event WHERE lottery_id = %s ORDER BY number", self.id)
        assert [kind for (kind,) in kinds] == ["opened", "closed", "sealed", "revealed", "drawn"]
        winners = stack.sql("SELECT telegram_id FROM lottery_winner WHERE lottery_id = %s", self.id)
        holders = {one for (one,) in winners}
        assert len(winners) == len(holders) == MUGS + PAID
        assert all((one - FIRST) % LEAVES for one in holders)
        paid = "SELECT amount FROM credit_posting WHERE reference LIKE %s"
        assert stack.sql(paid, f"lottery:{self.id}:prize:%") == [(CREDITS,)] * PAID
        return self._told(holders)

    def verify(self) -> None:
        """The public record proves itself."""
        assert self.house.stack.flask("lotteries", "verify", self.code, "--json")["ok"]

    def _told(self, holders: set[int]) -> int:
        stack, like = self.house.stack, f"lottery:{self.id}:%"
        rows = "SELECT dedupe_key, state, unclear FROM outbox WHERE dedupe_key LIKE %s"
        found = stack.sql(rows, like)
        assert {state for _, state, _ in found} <= {"sent", "unknown"}
        unclear = sum(number for _, _, number in found)
        lost = sum(state == "unknown" for _, state, _ in found)
        calls = [call for call in stack.sandbox.calls(self.house.telegram, "sendMessage") if self._ours(call)]
        copies = Counter(str(call["params"]["chat_id"]) for call in calls)
        posts = copies.pop(CHANNEL, 0) + copies.pop(self._channel_id(), 0)
        assert {int(chat) for chat in copies} <= holders
        assert len(copies) + lost >= len(holders)
        more = copies.total() - len(copies) + max(0, posts - 2)
        assert max(copies.values()) <= 2
        assert posts >= 2 - lost
        assert more <= unclear
        return more

    def _ours(self, call: Json) -> bool:
        return call["status"] == 200 and self.title in str(call["params"].get("text"))

    def _channel_id(self) -> str:
        found = self.house.stack.sql("SELECT chat_id FROM lottery_post WHERE lottery_id = %s", self.id)
        return str(found[0][0])
