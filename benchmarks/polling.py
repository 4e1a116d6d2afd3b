"""(b) Polling over TLS, all bots in one process: memory and idle CPU of each bot, and update to inbox."""

import argparse
import asyncio
import contextlib
import ssl
import statistics
import sys
import time
from dataclasses import dataclass, field

import aiohttp
import psutil
import requests
from redis.asyncio import Redis

from app.domain.inbox import shard_of
from benchmarks.machine import OTHER_CORE, Bench, Cpu, await_port, bench, free_port, pss_bytes, seed, wait
from sandbox.tls import make_certificate

IDLE_SECONDS, LOAD_SECONDS, RATE, SHARDS = 60, 15, 200, 256


@dataclass
class Figures:
    """What one run showed."""

    bots: int
    start_seconds: float = 0.0
    start_cpu: float = 0.0
    bytes_each: float = 0.0
    idle: float = 0.0
    loaded: float = 0.0
    landed: int = 0
    latencies: list[float] = field(default_factory=list)

    def row(self) -> str:
        """A line of the table."""
        p50, p95, p99 = (
            statistics.quantiles(self.latencies, n=100)[percent - 1] * 1000 for percent in (50, 95, 99)
        )
        return (
            f"| {self.bots:,} | {self.start_seconds:.1f} | {self.start_cpu:.1f} | {self.bytes_each / 1024:.1f} "
            f"| {self.idle:.2f} | {self.loaded:.1f} | {p50:.1f} | {p95:.1f} | {p99:.1f} "
            f"| {self.landed}/{len(self.latencies)} |"
        )


class World:
    """The sandbox in Telegram's place, over TLS."""

    def __init__(self, run: Bench) -> None:
        cert, key = make_certificate(run.home / "tls")
        port = free_port()
        self.url = f"https://localhost:{port}"
        self.cert = str(cert)
        command = ("python", "-m", "sandbox", "--fast", "--lenient", "--port", str(port))
        self.process = run.start(*command, "--tls-cert", self.cert, "--tls-key", str(key), core=OTHER_CORE)
        await_port(port)

    def control(self, method: str, path: str, **params: object) -> dict[str, object]:
        """The sandbox's own door."""
        answer = requests.request(
            method, f"{self.url}/control/{path}", json=params or None, verify=self.cert, timeout=120
        )
        found: dict[str, object] = answer.json()
        return found

    def polled(self) -> int:
        """Bots with a long poll under way."""
        return int(str(self.control("GET", "counters")["polled"]))


def measure(run: Bench, count: int) -> Figures:
    """One run with so many bots."""
    figures, world = Figures(count), World(run)
    env = {"TELEGRAM_API_URL": world.url, "SSL_CERT_FILE": world.cert, "CHAT_SHARDS": str(SHARDS)}
    poller = _start_poller(run, env)
    beat = run.start("celery", "-A", "tasks.worker", "--quiet", "beat", core=OTHER_CORE)
    wait(
        lambda: run.sql("SELECT count(*) FROM shard_lease WHERE lease_until > now()")[0][0] == 4, 60, "slices"
    )
    time.sleep(5)
    before = pss_bytes(poller)
    tokens = world.control("POST", "bots/bulk", count=count)["tokens"]
    assert isinstance(tokens, list)
    with Cpu(poller) as cpu:
        bots = seed(run, count, "polling", tokens)
        started = time.monotonic()
        wait(lambda: world.polled() >= count, 300, f"{count} polls")
        figures.start_seconds = time.monotonic() - started
    figures.start_cpu = cpu.seconds
    time.sleep(10)
    with Cpu(poller) as cpu:
        time.sleep(IDLE_SECONDS)
    figures.idle = 100 * cpu.seconds / cpu.elapsed
    figures.bytes_each = (pss_bytes(poller) - before) / count
    with Cpu(poller) as cpu:
        figures.latencies = asyncio.run(_talk(run, world, bots))
    figures.loaded = 100 * cpu.seconds / cpu.elapsed
    figures.landed = int(str(run.sql("SELECT count(*) FROM inbox")[0][0]))
    for process in (beat, poller, world.process):
        run.stop(process)
    return figures


def _start_poller(run: Bench, env: dict[str, str]) -> psutil.Process:
    command = (
        "celery",
        "-A",
        "tasks.worker",
        "--quiet",
        "worker",
        "-Q",
        "polling",
        "-P",
        "threads",
        "-c",
        "8",
    )
    return run.start(*command, "--without-gossip", "--without-mingle", **env)


async def _talk(run: Bench, world: World, bots: list[dict[str, str]]) -> list[float]:
    """Sends updates one by one at the rate and hears when the bell of their shard rings, after their commit."""
    waiting: dict[int, list[tuple[float, int]]] = {}
    latencies: list[float] = []
    redis = Redis.from_url(run.env["REDIS_URL"])
    listener = asyncio.create_task(_listen(redis, waiting, latencies))
    await asyncio.sleep(0.5)
    context = ssl.create_default_context(cafile=world.cert)
    connector = aiohttp.TCPConnector(ssl=context, limit=50)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
        begun = time.monotonic()
        for number in range(RATE * LOAD_SECONDS):
            await asyncio.sleep(max(0.0, begun + number / RATE - time.monotonic()))
            bot = bots[number * 7919 % len(bots)]
            group.create_task(_say(http, world, bot, 7_000_000 + number, waiting))
    await asyncio.sleep(2)
    listener.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listener
    await redis.aclose()
    return latencies


async def _say(
    http: aiohttp.ClientSession,
    world: World,
    bot: dict[str, str],
    chat: int,
    waiting: dict[int, list[tuple[float, int]]],
) -> None:
    message = {
        "message_id": 1,
        "date": 1,
        "text": "hello",
        "chat": {"id": chat, "type": "private"},
        "from": {"id": chat, "is_bot": False, "first_name": "Lin"},
    }
    waiting.setdefault(shard_of(int(bot["id"]), chat, SHARDS), []).append((time.monotonic(), chat))
    body = {"bot": bot["token"], "updates": [{"message": message}]}
    async with http.post(f"{world.url}/control/updates", json=body) as answer:
        assert answer.status == 200, await answer.text()


async def _listen(redis: Redis, waiting: dict[int, list[tuple[float, int]]], latencies: list[float]) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("laoban:bell:inbox")
        async for message in pubsub.listen():
            now = time.monotonic()
            for shard in message["data"].decode().split(","):
                latencies.extend(now - at for at, _ in waiting.pop(int(shard), []))


def main(counts: tuple[int, ...] = (1_000, 10_000)) -> str:
    """Runs it and returns the report."""
    lines = [
        "### (b) Polling over TLS, all bots in one process pinned to one core",
        "",
        "| bots | start s | start CPU s | KiB/bot | idle CPU % | CPU % at 200/s | p50 ms | p95 ms | p99 ms | landed |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for count in counts:
        with bench() as run:
            lines.append(measure(run, count).row())
    lines += [
        "",
        (
            "Idle is measured over a minute with a long poll of 50 s. Latency runs from before the sandbox is told of "
            "the update to the bell after the commit. Targets: 64 KiB, 3 %, p95 20 ms."
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("counts", nargs="*", type=int, default=[1_000, 10_000])
    sys.stdout.write(main(tuple(parser.parse_args().counts)) + "\n")
