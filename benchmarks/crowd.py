"""50,000 members join one lottery through 200 chats at once: real webhook, workers and Bot API calls.

They press in four bots of one tenant, since our gate lets one bot answer 200 presses a second and no more. Each join is the press of a button, costs ten credits, and is answered. A twentieth of the presses comes twice. A second
lottery with a limit gets a fifth more people than it takes. Then six processes try to draw the first.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.fake_api import Api, Notes
from benchmarks.machine import (
    BIN,
    OTHER_CORE,
    ROOT,
    SERVER_CORE,
    Bench,
    await_port,
    bench,
    free_port,
    seed,
    wait,
)

MEMBERS = int(os.environ.get("CROWD", "50000"))
PARALLEL, FIRST, PRICE, REPEATED = 200, 7_000_000, 10, 20
BOTS, AGAIN = 4, 1.0
LIMIT = MEMBERS // 10
DRAWERS = 6
DRAWER = """
import sys
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.factory import create_app
from tasks import lotteries
with create_app(get_settings()).app_context():
    print("ready", flush=True)
    sys.stdin.readline()
    lotteries.draw(int(sys.argv[1]))
"""


@dataclass
class Result:
    """What came out of one rush."""

    pressed: int
    seconds: float
    entries: int
    tally: int
    postings: int
    debited: int
    put_off: int
    """Updates that were answered 503 since too many of their bot's waited; they came again."""


class Line(asyncio.Protocol):
    """One of Telegram's connections: the next update leaves when the last one was taken, which full inboxes delay."""

    def __init__(self, rush: "Rush") -> None:
        self.rush = rush
        self.data = self.sent = b""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.next()

    def data_received(self, data: bytes) -> None:
        self.data += data
        if b"\r\n\r\n" in self.data:
            status, self.data = self.data[9:12], b""
            if status == b"503":
                self.rush.put_off += 1
                asyncio.get_running_loop().call_later(AGAIN, self.transport.write, self.sent)
            else:
                self.rush.answered(status)
                self.next()

    def next(self) -> None:
        if self.rush.waiting:
            self.sent = self.rush.waiting.popleft()
            self.transport.write(self.sent)
        else:
            self.transport.close()


class Rush:
    """Everybody presses the button, 200 at a time."""

    def __init__(self, requests: list[bytes]) -> None:
        self.waiting = deque(requests)
        self.open = len(requests)
        self.put_off = 0
        self.done = asyncio.Event()

    def answered(self, status: bytes) -> None:
        if status != b"200":
            raise RuntimeError(f"the webhook answered {status.decode()}")
        self.open -= 1
        if not self.open:
            self.done.set()

    async def run(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(PARALLEL):
            await loop.create_connection(lambda: Line(self), "127.0.0.1", port)
        await self.done.wait()


def press(bot: dict[str, str], number: int, user: int, code: str) -> bytes:
    """The press of the join button as Telegram sends it, with its HTTP head."""
    person = {"id": user, "is_bot": False, "first_name": "Lin", "language_code": "zh-hans"}
    message = {
        "message_id": 1,
        "date": 1_795_160_000,
        "text": "lottery",
        "chat": {"id": user, "type": "private", "first_name": "Lin"},
    }
    query = {
        "id": str(number),
        "from": person,
        "message": message,
        "chat_instance": "1",
        "data": f"1:lj:{code}",
    }
    body = json.dumps({"update_id": number, "callback_query": query}).encode()
    head = (
        f"POST /api/webhook/{bot['public_id']}/ HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"X-Telegram-Bot-Api-Secret-Token: {bot['secret']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def create(run: Bench, tenant: int, **more: object) -> str:
    """Opens a lottery and returns its code."""
    closes = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
    body = {
        "title": "Rush",
        "prizes": [{"name": "Phone", "quantity": 10}],
        "closes_at": closes,
        "conditions": [{"type": "credits", "amount": PRICE}],
        **more,
    }
    file = run.home / "lottery.json"
    file.write_text(json.dumps(body))
    bot = str(run.sql("SELECT min(id) FROM bot")[0][0])
    words = ["lotteries", "create", "--tenant", str(tenant), "--bot", bot, "--file", str(file), "--json"]
    done = subprocess.run([BIN / "flask", *words], check=True, cwd=ROOT, env=run.env, stdout=subprocess.PIPE)
    return str(json.loads(done.stdout)["code"])


async def rush(
    run: Bench, port: int, bots: list[dict[str, str]], code: str, *, first: int, people: int
) -> Result:
    """Everybody presses, and everything is handled."""
    numbers = [user for user in range(people) for _ in range(2 if user % REPEATED == 0 else 1)]
    requests = [
        press(bots[user % len(bots)], first + place, FIRST + user, code) for place, user in enumerate(numbers)
    ]
    began, crowd = time.monotonic(), Rush(requests)
    await crowd.run(port)
    left = "SELECT count(*) FROM inbox WHERE state <> 'done'"
    await asyncio.to_thread(wait, lambda: not run.sql(left)[0][0], 1200, "every press to be handled")
    seconds = time.monotonic() - began
    lottery = run.sql("SELECT id FROM lottery WHERE code = %s", code)[0][0]
    entries = run.sql("SELECT count(*) FROM lottery_entry WHERE lottery_id = %s", lottery)[0][0]
    tally = run.sql("SELECT sum(entries)::bigint FROM lottery_tally WHERE lottery_id = %s", lottery)[0][0]
    posted = "SELECT count(*), -coalesce(sum(amount), 0)::bigint FROM credit_posting WHERE reference LIKE %s"
    postings, debited = run.sql(posted, f"lottery:{lottery}:join:%")[0]
    counted = map(int, (entries, tally, postings, debited))  # type: ignore[call-overload]
    return Result(len(numbers), seconds, *counted, crowd.put_off)


async def everything(run: Bench, bots: list[dict[str, str]], tenant: int) -> tuple[Result, Result, str]:
    """Both rushes, through one web process and two workers."""
    loop = asyncio.get_running_loop()
    api = await loop.create_server(lambda: Api(Notes(), 0.03), "127.0.0.1", 0, backlog=1024)
    telegram = f"http://127.0.0.1:{api.sockets[0].getsockname()[1]}"
    env = {"TELEGRAM_API_URL": telegram}
    port = free_port()
    gunicorn = [
        "gunicorn",
        "-c",
        "deploy/gunicorn.conf.py",
        "-w",
        "1",
        "-k",
        "asgi",
        "-b",
        f"127.0.0.1:{port}",
    ]
    run.start(*gunicorn, "asgi:app", core=None, **env)
    eats = ["-Q", "high,default,low,batch", "--without-gossip", "--without-mingle"]
    for name in ("one", "two"):
        words = ["celery", "-A", "tasks.worker", "worker", "-n", name, "-P", "threads", "-c", "20", *eats]
        run.start(*words, core=None, **env)
    run.start("celery", "-A", "tasks.worker", "beat", core=None, **env)
    await_port(port)
    leased = "SELECT count(*) FROM shard_lease WHERE kind = 'chat' AND lease_until > now()"
    wait(lambda: bool(run.sql(leased)[0][0]), 60, "leases")
    code = create(run, tenant)
    whole = await rush(run, port, bots, code, first=1_000_000, people=MEMBERS)
    limited = create(run, tenant, title="Limited", max_entries=LIMIT)
    narrow = await rush(run, port, bots, limited, first=5_000_000, people=LIMIT + LIMIT // 5)
    return whole, narrow, code


def draw(run: Bench, code: str) -> str:
    """Six processes draw at once; returns what the database then holds."""
    lottery = str(run.sql("SELECT id FROM lottery WHERE code = %s", code)[0][0])
    script = Path(run.home) / "drawer.py"
    script.write_text(DRAWER)
    drawers = [
        subprocess.Popen(
            [sys.executable, script, lottery],
            cwd=ROOT,
            env=run.env | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(DRAWERS)
    ]
    for drawer in drawers:
        assert drawer.stdout is not None
        drawer.stdout.readline()
    subprocess.run(
        [BIN / "flask", "lotteries", "close", code], check=True, cwd=ROOT, env=run.env, stdout=subprocess.PIPE
    )
    for drawer in drawers:
        drawer.communicate(b"\n")
    wait(lambda: run.sql("SELECT state FROM lottery WHERE code = %s", code)[0][0] == "drawn", 120, "the draw")
    results = run.sql("SELECT count(*) FROM lottery_draw WHERE lottery_id = %s", int(lottery))[0][0]
    winners = run.sql("SELECT count(*) FROM lottery_winner WHERE lottery_id = %s", int(lottery))[0][0]
    events = run.sql(
        "SELECT count(*) FROM lottery_event WHERE lottery_id = %s AND kind = 'drawn'", int(lottery)
    )
    return f"{results} result, {winners} winners, {events[0][0]} drawn event"


def row(name: str, result: Result) -> str:
    """A line of the table."""
    return (
        f"| {name} | {result.pressed:,} | {result.seconds:.0f} | {result.pressed / result.seconds:.0f} "
        f"| {result.entries:,} | {result.tally:,} | {result.postings:,} | {result.debited:,} | {result.put_off:,} |"
    )


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        bots = seed(run, BOTS, "webhook", [])
        tenant = int(str(run.sql("SELECT min(tenant_id) FROM bot")[0][0]))
        run.sql("UPDATE bot SET tenant_id = %s", tenant)
        run.sql(
            "INSERT INTO credit_account (tenant_id, telegram_id, balance)"
            " SELECT %s, n, 100 FROM generate_series(%s::bigint, %s) n",
            *(tenant, FIRST, FIRST + MEMBERS),
        )
        whole, narrow, code = uvloop.run(everything(run, bots, tenant))
        os.sched_setaffinity(0, {SERVER_CORE, OTHER_CORE})
        drawn = draw(run, code)
    return "\n".join(
        [
            f"## A rush of {MEMBERS:,} members into one lottery",
            "",
            f"{PARALLEL} chats at once, {BOTS} bots, {PRICE} credits each, a Bot API of 30 ms, one web and two worker processes on two cores.",
            "",
            "| lottery | presses | seconds | presses/s | entries | counted | postings | credits | put off |",
            "|---|---|---|---|---|---|---|---|---|",
            row("no limit", whole),
            row(f"limit {LIMIT:,}", narrow),
            "",
            f"Six processes drawing the first at once, two workers beside them: {drawn}.",
        ]
    )


if __name__ == "__main__":
    print(main())
