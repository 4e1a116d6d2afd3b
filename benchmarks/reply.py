"""(c) From webhook to reply at a fixed rate, through real web and worker processes, with a Bot API of 30 ms.

Open loop: updates leave when they are due, whether or not earlier ones were answered. Latency is from the moment the
POST leaves to the moment the bot's message reaches the Bot API, so the Bot API's own time is not in it.
"""

import asyncio
import os
import time
from collections import deque
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import redis
import uvloop

from benchmarks.fake_api import Api, Notes
from benchmarks.handling import SHARDS, update
from benchmarks.machine import OTHER_CORE, SERVER_CORE, Bench, Cpu, await_port, bench, free_port, seed, wait

RATE, SECONDS, API_MS = 200, 20, 30
BOTS, CHATS, FIRST_CHAT = 100, 2_000, 5_550_000
P50, P95 = 10.0, 25.0


@dataclass
class Result:
    """Figures of one run; milliseconds."""

    sent: int
    replied: int
    p50: float
    p95: float
    p99: float
    web: float
    worker: float
    messages: float


class Line(asyncio.Protocol):
    """One of Telegram's connections to our webhook."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.data = b""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        if b"\r\n\r\n" in self.data:
            self.load.statuses.append(self.data[9:12])
            self.data = b""
            self.load.idle.append(self)


class Load:
    """Sends updates on time."""

    def __init__(self, port: int, bots: list[dict[str, str]]) -> None:
        self.port = port
        self.bots = bots
        self.idle: deque[Line] = deque()
        self.statuses: list[bytes] = []
        self.sent: dict[int, list[float]] = {}

    async def send(self, number: int) -> None:
        chat = FIRST_CHAT + number % CHATS
        bot = self.bots[chat % len(self.bots)]
        body = update(1_000_000 + number, chat, "/start")
        head = (
            f"POST /api/webhook/{bot['public_id']}/ HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"X-Telegram-Bot-Api-Secret-Token: {bot['secret']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        if not self.idle:
            loop = asyncio.get_running_loop()
            _, line = await loop.create_connection(lambda: Line(self), "127.0.0.1", self.port)
            self.idle.append(line)
        self.sent.setdefault(chat, []).append(time.monotonic())
        self.idle.popleft().transport.write(head.encode() + body)

    async def run(self, first: int, count: int) -> None:
        start = time.monotonic()
        for number in range(count):
            delay = start + number / RATE - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            await self.send(first + number)


async def converse(run: Bench, bots: list[dict[str, str]]) -> Result:
    """Starts everything, warms up, and measures."""
    notes, loop = Notes(), asyncio.get_running_loop()
    api = await loop.create_server(lambda: Api(notes, API_MS / 1000), "127.0.0.1", 0, backlog=1024)
    telegram = f"http://127.0.0.1:{api.sockets[0].getsockname()[1]}"
    port = free_port()
    gunicorn = (
        "gunicorn",
        "-c",
        "deploy/gunicorn.conf.py",
        "-w",
        "1",
        "-k",
        "asgi",
        "-b",
        f"127.0.0.1:{port}",
    )
    celery = ("celery", "-A", "tasks.worker")
    web = run.start(*gunicorn, "asgi:app", core=SERVER_CORE, TELEGRAM_API_URL=telegram)
    eats = ("worker", "-P", "threads", "-c", "20", "-Q", "high")
    worker = run.start(*celery, *eats, core=SERVER_CORE, TELEGRAM_API_URL=telegram)
    run.start(*celery, "beat", core=OTHER_CORE)
    await_port(port)
    leased = "SELECT count(*) FROM shard_lease WHERE kind = 'chat' AND lease_until > now()"
    wait(lambda: run.sql(leased)[0][0] == SHARDS, 60, "leases")
    load = Load(port, bots)
    await load.run(0, CHATS)
    await asyncio.sleep(3)
    notes.calls.clear()
    load.sent.clear()
    load.statuses.clear()
    before = messages(run)
    await asyncio.sleep(SECONDS)
    idle = messages(run) - before
    with Cpu(web) as web_cpu, Cpu(worker) as worker_cpu:
        await load.run(CHATS, RATE * SECONDS)
        await asyncio.sleep(2)
    sent = RATE * SECONDS
    counted = messages(run) - before - 2 * idle
    latencies = [
        (said[number][0] - at) * 1000
        for chat, said in notes.by_chat().items()
        for number, at in enumerate(load.sent[chat])
        if number < len(said)
    ]
    if load.statuses != [b"200"] * sent:
        raise RuntimeError(f"{len(load.statuses)} answers to {sent} updates, not all of them 200")
    cuts = quantiles(latencies, n=100)
    return Result(
        sent,
        len(latencies),
        median(latencies),
        cuts[94],
        cuts[98],
        web_cpu.seconds / sent,
        worker_cpu.seconds / sent,
        max(0, counted) / sent,
    )


def messages(run: Bench) -> int:
    """How many Celery messages were ever sent."""
    with redis.Redis.from_url(run.env["REDIS_URL"]) as client:
        return int(client.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0))


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        bots = seed(run, BOTS, "webhook", [])
        os.sched_setaffinity(0, [OTHER_CORE])
        try:
            r = uvloop.run(converse(run, bots))
        finally:
            os.sched_setaffinity(0, {SERVER_CORE, OTHER_CORE})
    return "\n".join(
        [
            f"## (c) Webhook to reply at {RATE} updates/s",
            "",
            f"{BOTS} bots, {CHATS:,} chats, a Bot API of {API_MS} ms (not included), one web and one worker process on one core.",
            "",
            "| p50 ms | p95 ms | p99 ms | CPU us/update web + worker | Celery messages per update | replied |",
            "|---|---|---|---|---|---|",
            (
                f"| {r.p50:.1f} (target {P50:.0f}) | {r.p95:.1f} (target {P95:.0f}) | {r.p99:.1f} "
                f"| {r.web * 1e6:.0f} + {r.worker * 1e6:.0f} | {r.messages:.3f} | {r.replied:,} of {r.sent:,} |"
            ),
        ]
    )


if __name__ == "__main__":
    print(main())
