"""(a) Durable ingest by webhook: CPU of the web server for each accepted update, against its own floor and Celery."""

import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import psutil

from benchmarks.machine import OTHER_CORE, SERVER_CORE, Bench, Cpu, await_port, bench, free_port, seed

BOTS, CHATS, CONNECTIONS, ROUNDS, SECONDS = 100, 2_000, 64, 3, 6

WRK = """
local bots = {%s}
local counter, thread = 0, 0
function setup(t) thread = thread + 1; t:set("thread", thread) end
function init() counter = thread * 100000000 + %d end
function request()
  counter = counter + 1
  local bot = bots[counter %% #bots + 1]
  local chat = 5550000 + counter %% %d
  local body = '{"update_id":' .. counter .. ',"message":{"message_id":12,"from":{"id":' .. chat ..
    ',"is_bot":false,"first_name":"Lin","language_code":"zh-hans"},"chat":{"id":' .. chat ..
    ',"first_name":"Lin","type":"private"},"date":1795160000,"text":"/start ref_k3Q9",' ..
    '"entities":[{"offset":0,"length":6,"type":"bot_command"}]}}'
  return "POST " .. bot[1] .. " HTTP/1.1\\r\\nHost: bench\\r\\nContent-Type: application/json\\r\\n" ..
    "Accept-Encoding: gzip, deflate\\r\\nX-Telegram-Bot-Api-Secret-Token: " .. bot[2] ..
    "\\r\\nContent-Length: " .. #body .. "\\r\\n\\r\\n" .. body
end
function done(summary, latency, requests)
  print(string.format("RESULT %%d %%d %%d %%d %%d", summary.requests, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass
class Round:
    """Figures of one round; times in microseconds."""

    requests: int
    bad: int
    seconds: float
    cpu: float
    p50: float
    p99: float

    @property
    def each(self) -> float:
        """CPU for each request."""
        return self.cpu / self.requests * 1e6


@dataclass
class Variant:
    """A web server under test."""

    name: str
    command: tuple[str, ...]
    core: int | None = SERVER_CORE


GUNICORN = ("gunicorn", "--no-control-socket", "-c", "deploy/gunicorn.conf.py", "-w", "1", "-b")
VARIANTS = (
    Variant("bare ASGI 200, gunicorn asgi", ("-k", "asgi", "benchmarks.bare:app")),
    Variant("**durable ingest, gunicorn asgi**", ("-k", "asgi", "asgi:app")),
    Variant(
        "Flask view + one Celery `.delay()`, gunicorn gthread",
        ("-k", "gthread", "--threads", "8", "benchmarks.flask_celery:app"),
    ),
)


def measure(run: Bench, bots: list[dict[str, str]], rounds: int = ROUNDS) -> dict[str, list[Round]]:
    """Interleaved rounds of all variants."""
    results: dict[str, list[Round]] = {variant.name: [] for variant in VARIANTS}
    for number in range(rounds):
        for variant in VARIANTS:
            port = free_port()
            server = run.start(*GUNICORN, f"127.0.0.1:{port}", *variant.command, core=variant.core)
            await_port(port)
            load(bots, port, server, 1_000_000 * (10 * number + 1), 1)
            results[variant.name].append(load(bots, port, server, 1_000_000 * (10 * number + 3), SECONDS))
            run.stop(server)
    return results


def load(bots: list[dict[str, str]], port: int, server: psutil.Process, first: int, seconds: int) -> Round:
    """Sends unique updates as fast as they are taken."""
    table = ",".join(f'{{"/api/webhook/{bot["public_id"]}/","{bot["secret"]}"}}' for bot in bots)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK % (table, first, CHATS))
        script.flush()
        command = ["taskset", "-c", str(OTHER_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
        with Cpu(server) as cpu:
            done = subprocess.run(
                [*command, "-s", script.name, f"http://127.0.0.1:{port}"],
                check=True,
                capture_output=True,
                text=True,
            )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    requests, status, broken, p50, p99 = (int(word) for word in line.split()[1:])
    return Round(requests, status + broken, cpu.elapsed, cpu.seconds, p50, p99)


def rows_in_inbox(run: Bench) -> int:
    """What was accepted, as the database knows it."""
    return int(str(run.sql("SELECT count(*) FROM inbox")[0][0]))


def table(results: dict[str, list[Round]]) -> str:
    """A Markdown table of medians."""
    lines = [
        "| variant | req/s | CPU us/req | p50 ms | p99 ms | errors | CPU against ours |",
        "|---|---|---|---|---|---|---|",
    ]
    ours = statistics.median(r.each for r in results[VARIANTS[1].name])
    for name, rounds in results.items():
        each = statistics.median(r.each for r in rounds)
        rate = statistics.median(r.requests / r.seconds for r in rounds)
        p50, p99 = (statistics.median(getattr(r, p) for r in rounds) / 1000 for p in ("p50", "p99"))
        lines.append(
            f"| {name} | {rate:,.0f} | {each:.1f} | {p50:.1f} | {p99:.1f} | {sum(r.bad for r in rounds)} | {each / ours:.2f} x |"
        )
    return "\n".join(lines)


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        bots = seed(run, BOTS, "webhook", [])
        results = measure(run, bots)
        rows = rows_in_inbox(run)
    accepted = sum(r.requests - r.bad for r in results[VARIANTS[1].name])
    floor, ours, celery = (statistics.median(r.each for r in results[variant.name]) for variant in VARIANTS)
    return "\n".join(
        [
            "### (a) Durable ingest by webhook, one web process pinned to one core",
            "",
            table(results),
            "",
            (
                f"Accepted in the measured rounds {accepted:,}; rows in the inbox (with warm-up) {rows:,}. "
                f"Ours is {ours / floor:.2f} x the floor (target 1.5) "
                f"and {celery / ours:.1f} x less than Celery (target 12)."
            ),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")
