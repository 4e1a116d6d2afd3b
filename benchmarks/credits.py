"""The ledger of credits: postings at the service and over HTTP, beside pgbench, COPY and a bare Flask view in the same run.

PostgreSQL, Redis and the load generator have one core, whatever is measured the other. `CREDITS_SECONDS` (default 5) is
how long each part is measured. After the parts every posting that was answered has to be in a ledger that adds up.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from app.core.embedded.binaries import postgres_folder
from benchmarks.ingest import GUNICORN, Round, Variant
from benchmarks.machine import (
    OTHER_CORE,
    ROOT,
    SERVER_CORE,
    Bench,
    Cpu,
    await_port,
    bench,
    free_port,
    wait,
)

SECONDS = float(os.environ.get("CREDITS_SECONDS", "5"))
ROUNDS = 2
MANY = 8
CONNECTIONS = 64
COPIED = 200_000
FASTEST = 8_000
"""Calls per second that are signed beforehand; more than any variant answers."""
WRK = """
local file, calls, place = %s, {}, 0
function init()
  for line in io.lines(file) do
    local key, moment, nonce, signature, body = line:match("([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t(.*)")
    calls[#calls + 1] = "POST /api/credits/sync HTTP/1.1\\r\\nHost: bench\\r\\nContent-Type: application/json\\r\\n" ..
      "Accept: application/json\\r\\nX-Api-Key: " .. key .. "\\r\\nX-Timestamp: " .. moment .. "\\r\\nX-Nonce: " .. nonce ..
      "\\r\\nX-Signature: " .. signature .. "\\r\\nContent-Length: " .. #body .. "\\r\\n\\r\\n" .. body
  end
end
function request() place = place %% #calls + 1; return calls[place] end
function done(summary, latency, requests)
  print(string.format("RESULT %%d %%d %%d %%d %%d", summary.requests, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""
FLOOR = Variant("plain Flask view, gunicorn `asgi`", ("-k", "asgi", "benchmarks.plain_flask:served"))
THREADED = Variant(
    "plain Flask view, gunicorn gthread", ("-k", "gthread", "--threads", "8", "benchmarks.plain_flask:app")
)
OURS = Variant("**signed posting, gunicorn `asgi`**", ("-k", "asgi", "asgi:app"))
VARIANTS = (FLOOR, THREADED, OURS)


@dataclass
class Ledger:
    """What ran so far: rates by name, and how many postings were answered."""

    run: Bench
    projects: list[dict[str, object]]
    rates: dict[str, float] = field(default_factory=dict)
    posted: int = 0

    def call(self, *given: str) -> object:
        """One measured process, to its end."""
        command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "benchmarks.ledger", *given]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=self.run.env)
        found: object = json.loads(done.stdout)
        return found

    def measure(self, name: str, part: str, whom: str, processes: int) -> None:
        """Some processes that begin at the same moment and go on for as long."""
        start = self.run.home / f"start-{len(self.rates)}"
        found: list[object] = []
        words = (part, str(self.projects[0]["tenant"]), whom, str(SECONDS), str(start))
        threads = [threading.Thread(target=lambda: found.append(self.call(*words))) for _ in range(processes)]
        for thread in threads:
            thread.start()
        wait(lambda: len(list(self.run.home.glob(f"{start.name}.*"))) == processes, 120, "the processes")
        start.touch()
        for thread in threads:
            thread.join()
        counts = [(int(each["count"]), float(each["seconds"])) for each in found]  # type: ignore[index]
        self.rates[name] = sum(count for count, _ in counts) / max(seconds for _, seconds in counts)
        self.posted += sum(count for count, _ in counts)
        self.prove()

    def prove(self) -> None:
        """Nothing was lost, nothing doubled, and each balance is the sum of its postings."""
        found = self.call("check")
        if found != {"postings": self.posted, "wrong": 0}:
            raise RuntimeError(f"{self.posted} postings were answered; the ledger says {found}")


def pgbench(run: Bench) -> dict[str, float]:
    """Transactions per second of pgbench's TPC-B-like script, by connections."""
    url = run.env["DATABASE_OWNER_URL"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE pgbench")
        parts = connection.info
        where = ("-h", parts.host, "-U", parts.user)
    program = ["taskset", "-c", str(SERVER_CORE), str(postgres_folder() / "pgbench"), *where]
    subprocess.run([*program, "-i", "-q", "-s", "10", "pgbench"], check=True, capture_output=True)
    rates = {}
    for connections in (1, MANY):
        words = ("-M", "prepared", "-n", "-c", str(connections), "-j", "1", "-T", str(int(SECONDS)))
        done = subprocess.run([*program, *words, "pgbench"], check=True, capture_output=True, text=True)
        line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
        rates[f"pgbench TPC-B, {connections}"] = float(line.split()[2])
    return rates


def over_http(ledger: Ledger) -> dict[str, list[Round]]:
    """Rounds of all variants in turns."""
    results: dict[str, list[Round]] = {variant.name: [] for variant in VARIANTS}
    for _ in range(ROUNDS):
        for variant in VARIANTS:
            port = free_port()
            server = ledger.run.start(*GUNICORN, f"127.0.0.1:{port}", *variant.command)
            await_port(port)
            warm = load(ledger, port, 1)
            with Cpu(server) as cpu:
                found = load(ledger, port, SECONDS)
            found.seconds, found.cpu = SECONDS, cpu.seconds
            results[variant.name].append(found)
            ledger.run.stop(server)
            if variant is OURS:
                # What was under way when the load generator stopped is posted too, and nobody heard of it.
                ledger.posted = _settled(ledger, warm.requests + found.requests)
    return results


def _settled(ledger: Ledger, answered: int) -> int:
    found = int(str(ledger.run.sql("SELECT count(*) FROM credit_posting")[0][0]))
    if not 0 <= found - ledger.posted - answered <= 2 * CONNECTIONS:
        raise RuntimeError(f"{answered} calls were answered, {found - ledger.posted} postings made")
    ledger.posted = found
    ledger.prove()
    return found


def load(ledger: Ledger, port: int, seconds: float) -> Round:
    """Sends calls as fast as they are answered, each once."""
    with tempfile.TemporaryDirectory() as folder:
        calls, script = Path(folder) / "calls", Path(folder) / "wrk.lua"
        ledger.call("sign", json.dumps(ledger.projects), str(int(FASTEST * seconds)), str(calls))
        script.write_text(WRK % json.dumps(str(calls)))
        command = ["taskset", "-c", str(OTHER_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s"]
        done = subprocess.run(
            [*command, "-s", str(script), f"http://127.0.0.1:{port}"],
            check=True,
            capture_output=True,
            text=True,
        )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    requests, status, broken, p50, p99 = (int(word) for word in line.split()[1:])
    if status or broken:
        raise RuntimeError(f"{status} calls were refused, {broken} not answered")
    return Round(requests, 0, seconds, 0.0, p50, p99)


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        ledger = Ledger(run, [])
        ledger.projects = ledger.call("seed")  # type: ignore[assignment]
        ledger.rates |= pgbench(run)
        ledger.rates["COPY"] = float(str(ledger.call("copy", str(COPIED))))
        for whom in ("spread", "hot"):
            for processes in (1, MANY):
                ledger.measure(f"single, {whom}, {processes}", "single", whom, processes)
            ledger.measure(f"batch, {whom}", "batches", whom, 1)
        calls = over_http(ledger)
    return report(ledger.rates, calls, ledger.posted)


def report(rates: dict[str, float], calls: dict[str, list[Round]], posted: int) -> str:
    """As Markdown."""
    one, many, copied = rates["pgbench TPC-B, 1"], rates[f"pgbench TPC-B, {MANY}"], rates["COPY"]
    lines = [
        f"## Postings at the service, spread over 100,000 accounts and all to one ({posted:,} postings, all there)",
        "",
        "| | per second | of pgbench, 1 connection | of pgbench, 8 | of COPY |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {rate:,.0f} | {rate / one:.2f} | {rate / many:.2f} | {rate / copied:.3f} |"
            for name, rate in rates.items()
        ),
        "",
        f"## Postings over HTTP, one web process, {CONNECTIONS} connections",
        "",
        "| | per second | CPU us/call | p50 ms | p99 ms | of the plain Flask view |",
        "|---|---|---|---|---|---|",
    ]
    floor = statistics.median(each.requests / each.seconds for each in calls[FLOOR.name])
    for name, rounds in calls.items():
        rate = statistics.median(each.requests / each.seconds for each in rounds)
        cpu = statistics.median(each.each for each in rounds)
        p50, p99 = (statistics.median(getattr(each, p) for each in rounds) / 1000 for p in ("p50", "p99"))
        lines.append(f"| {name} | {rate:,.0f} | {cpu:.0f} | {p50:.1f} | {p99:.1f} | {rate / floor:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")
