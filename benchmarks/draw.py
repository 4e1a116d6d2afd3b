"""A draw over a million entries: seconds and memory of each step, beside what reading the rows and hashing alone cost.

`python -m benchmarks.draw measure` is the measured process itself; it prints what it found as JSON.
"""

import contextlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.domain import lottery_spec
from app.domain.lotteries import CloseReason
from app.factory import create_app
from app.models import Bot, Tenant
from app.services.lotteries import manage, results, settling
from app.services.lotteries.sealing import LIST
from app.services.lotteries.streaming import patiently, rows
from benchmarks.machine import ROOT, SERVER_CORE, bench

ENTRIES = 1_000_000
WINNERS = 1_000
_ENTER = text("""
INSERT INTO lottery_entry (tenant_id, lottery_id, telegram_id, bot_id, conditions, weight)
SELECT :tenant_id, :lottery_id, 5000000000 + n, :bot_id, '0:1:1795160000', 1 FROM generate_series(1, :entries) AS n
""")


@dataclass
class Measured:
    """Seconds, and MiB beyond what the process held before, by step."""

    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        before = _memory("VmRSS")
        # Writing 5 makes the peak begin anew.
        Path("/proc/self/clear_refs").write_text("5")
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started
        self.memory[name] = _memory("VmHWM") - before


def _memory(name: str) -> float:
    """MiB of this process, as the system counts them."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise ValueError(name)


def make_closed() -> int:
    """A lottery that a million have joined and that is closed; its id."""
    with transaction():
        tenant = Tenant(name="Bench")
        db.session.add(tenant)
        db.session.flush()
        bot = Bot(tenant_id=tenant.id, token="1:a", token_fingerprint="a", state="running")
        db.session.add(bot)
        db.session.flush()
        spec = lottery_spec.read(
            {
                "title": "Million",
                "prizes": [{"name": "Mug", "quantity": WINNERS}],
                "closes_at": clock.now() + timedelta(days=1),
            }
        )
        lottery = manage.create(tenant.id, bot.id, spec)
    with transaction():
        manage.publish(lottery.id)
    with transaction():
        patiently()
        ids = {"tenant_id": tenant.id, "lottery_id": lottery.id, "bot_id": bot.id, "entries": ENTRIES}
        db.session.execute(_ENTER, ids)
    with transaction():
        manage.close(lottery.id, CloseReason.TIME)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = '10min'"))
        connection.execute(text("VACUUM ANALYZE lottery_entry"))
    return lottery.id


def until(done: Callable[[], bool]) -> None:
    """Repeats a step, a transaction each."""
    more = True
    while more:
        with transaction():
            more = not done()


def measure() -> Measured:
    """Runs in the measured process."""
    found = Measured()
    with create_app(get_settings()).app_context(), system_scope():
        lottery_id = make_closed()
        with found.step("read"), transaction():
            for _ in rows(LIST, lottery_id=lottery_id):
                pass
        with found.step("hash"):
            key, message = b"k" * 32, b"m" * 88
            for _ in range(ENTRIES):
                hmac.digest(key, message, "sha256")
        with found.step("seal"), transaction():
            results.advance(lottery_id)
        with found.step("order"), transaction():
            results.advance(lottery_id)
        with found.step("complete"):
            until(lambda: not results.advance(lottery_id))
        with found.step("settle"):
            until(lambda: not settling.settle(lottery_id))
    return found


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "benchmarks.draw", "measure"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=run.env)
    found = Measured(**json.loads(done.stdout))
    floor = found.seconds["read"] + found.seconds["hash"]
    whole = sum(found.seconds[name] for name in ("seal", "order", "complete"))
    lines = [
        f"## (f) The draw of a lottery with {ENTRIES:,} entries and {WINNERS:,} winners",
        "",
        "One process on one core, PostgreSQL on the other.",
        "",
        "| step | seconds | MiB more |",
        "|---|---|---|",
        *(f"| {name} | {found.seconds[name]:.2f} | {found.memory[name]:.0f} |" for name in found.seconds),
        "",
        f"Seal, order and complete take {whole:.1f} s, {whole / floor:.2f} times one pass over the rows and as many bare HMACs.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        measured = measure()
        print(json.dumps({"seconds": measured.seconds, "memory": measured.memory}))
    else:
        print(main())
