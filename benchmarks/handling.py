"""(d) Updates handled and answered per second by one worker process, and whether any chat was answered out of order."""

import json
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from statistics import median

import psutil
import psycopg

from app.domain.inbox import shard_of
from benchmarks.machine import OTHER_CORE, SERVER_CORE, Bench, Cpu, await_port, bench, free_port, seed, wait

BOTS, CHATS, BURST, ROUNDS, SHARDS = 100, 2_000, 3, 3, 32
UPDATES = CHATS * BURST
REST = 5.0
"""Seconds between rounds, so that Telegram's limits for a chat (about one message a second) are not what is measured."""
COMMANDS = ("/start", "/help", "/language")
TARGETS = {0: 1_500, 50: 1_000}

INSERT = (
    "INSERT INTO inbox (bot_id, update_id, tenant_id, chat_key, shard, raw) VALUES (%s, %s, %s, %s, %s, %s)"
)
WORKER = (
    "celery",
    "-A",
    "tasks.worker",
    "worker",
    "-P",
    "threads",
    "-c",
    "20",
    "-Q",
    "high,default,low,batch",
)


@dataclass
class Result:
    """Figures of one run."""

    milliseconds: int
    rate: float
    cpu: float
    out_of_order: int
    answered: int
    memory: int


def fill(run: Bench, bots: list[dict[str, str]], first: int, updates: int) -> None:
    """Puts updates into the inbox: bursts of three per chat, chats in turn."""
    tenants = dict(run.sql("SELECT id, tenant_id FROM bot"))
    rows = []
    for number in range(updates):
        chat = number // BURST % CHATS
        bot_id, chat_key = int(bots[chat % len(bots)]["id"]), 5_550_000 + chat
        raw = update(first + number, chat_key, COMMANDS[number % BURST])
        shard = shard_of(bot_id, chat_key, SHARDS)
        rows.append((bot_id, first + number, tenants[bot_id], chat_key, shard, raw))
    with psycopg.connect(run.env["DATABASE_URL"].replace("+psycopg", "")) as connection:
        connection.execute("SELECT set_config('laoban.tenant', '*', true)")
        connection.cursor().executemany(INSERT, rows)


def update(update_id: int, chat: int, command: str) -> bytes:
    """A command as Telegram sends it."""
    person = {"id": chat, "is_bot": False, "first_name": "Lin", "language_code": "en"}
    message = {
        "message_id": update_id,
        "from": person,
        "chat": {"id": chat, "type": "private", "first_name": "Lin"},
        "date": 1_795_160_000,
        "text": command,
        "entities": [{"offset": 0, "length": len(command), "type": "bot_command"}],
    }
    return json.dumps({"update_id": update_id, "message": message}).encode()


def ask(port: int, path: str) -> str:
    """What the fake Bot API tells about itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60) as answer:
        return str(answer.read().decode())


def out_of_order(chats: dict[str, list[tuple[float, str]]]) -> int:
    """Answers that did not come in the order in which the chat had asked."""
    usual = [Counter(said[step][1] for said in chats.values() if len(said) > step) for step in range(BURST)]
    expected = [counts.most_common(1)[0][0] for counts in usual]
    return sum(
        text != expected[number % BURST] for said in chats.values() for number, (_, text) in enumerate(said)
    )


def one_round(
    run: Bench, bots: list[dict[str, str]], port: int, first: int, worker: psutil.Process
) -> tuple[float, float, int]:
    """(updates per second, CPU seconds per update, answers out of order)."""
    time.sleep(REST)
    ask(port, "reset")
    with Cpu(worker) as cpu:
        fill(run, bots, first, UPDATES)
        wait(lambda: int(ask(port, "count")) >= UPDATES, 120, "all answers")
    chats = json.loads(ask(port, "report"))
    times = [at for said in chats.values() for at, _ in said]
    return len(times) / (max(times) - min(times)), cpu.seconds / len(times), out_of_order(chats)


def measure(run: Bench, bots: list[dict[str, str]], milliseconds: int, first: int) -> Result:
    """One worker process on one core; everything else on the other."""
    port = free_port()
    run.start("python", "-m", "benchmarks.fake_api", str(port), str(milliseconds), core=OTHER_CORE)
    await_port(port)
    worker = run.start(*WORKER, core=SERVER_CORE, TELEGRAM_API_URL=f"http://127.0.0.1:{port}")
    run.start("celery", "-A", "tasks.worker", "beat", core=OTHER_CORE)
    wait(
        lambda: run.sql("SELECT count(*) FROM shard_lease WHERE lease_until > now()")[0][0] == SHARDS,
        60,
        "leases",
    )
    rounds = [one_round(run, bots, port, first + number * UPDATES, worker) for number in range(ROUNDS + 1)]
    # The first one only warms up.
    rates, cpus, wrong = zip(*rounds[1:], strict=True)
    result = Result(
        milliseconds, median(rates), median(cpus), sum(wrong), UPDATES * ROUNDS, worker.memory_info().rss
    )
    for child in reversed(run.children):
        if child.poll() is None:
            run.stop(psutil.Process(child.pid))
    return result


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        bots = seed(run, BOTS, "webhook", [])
        results = [
            measure(run, bots, milliseconds, 10_000_000 * (number + 1))
            for number, milliseconds in enumerate(TARGETS)
        ]
    lines = [
        "## (d) Handled and answered by one worker process on one core",
        "",
        f"{BOTS} bots, {CHATS:,} chats, bursts of {BURST} commands per chat; median of {ROUNDS} rounds of {UPDATES:,} updates.",
        "",
        "| Bot API | updates/s | target | CPU us/update | out of order | RSS MiB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.milliseconds} ms | {r.rate:,.0f} | {TARGETS[r.milliseconds]:,} | {r.cpu * 1e6:.0f} "
        f"| {r.out_of_order} of {r.answered:,} | {r.memory >> 20} |"
        for r in results
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(main())
