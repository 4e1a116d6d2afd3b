"""Joins per second at the service, beside rows that are inserted and committed one by one in the same run.

`python -m benchmarks.join measure` is the measured process itself; it prints what it found as JSON.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

import psycopg
from sqlalchemy import event, text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import plans_kept, system_scope, tenant_scope
from app.domain import lottery_spec
from app.factory import create_app
from app.models import Bot, Tenant
from app.services.lotteries import entries, lookup, manage
from app.services.lotteries.errors import LotteryFull
from benchmarks.machine import ROOT, SERVER_CORE, bench

THREADS, PEOPLE, PRICE, ROUNDS, FIRST = 20, 4_000, 10, 3, 6_000_000
_BARE = text("INSERT INTO bench_row (telegram_id) VALUES (:telegram_id)")
_TABLE = (
    "CREATE TABLE bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, telegram_id bigint)",
    "GRANT INSERT ON bench_row TO laoban_app",
)
_NUMBERS = "generate_series(:first, :last) n"
_PEOPLE = (
    "INSERT INTO member (tenant_id, telegram_id) SELECT :tenant_id, n FROM " + _NUMBERS,
    "INSERT INTO bot_member (tenant_id, bot_id, telegram_id) SELECT :tenant_id, :bot_id, n FROM " + _NUMBERS,
    "INSERT INTO credit_account (tenant_id, telegram_id, balance) SELECT :tenant_id, n, 1000000 FROM "
    + _NUMBERS,
    "ANALYZE",
)


@dataclass
class Result:
    """One kind of work: how many a second, statements for one, and what was counted afterwards."""

    rate: float
    statements: float
    entries: int = 0
    refused: int = 0


class Crowd:
    """Everybody does the same once; a worker's threads take whoever of the waiting chats comes next."""

    def __init__(self, tenant_id: int) -> None:
        self.app = create_app(get_settings())
        self.tenant_id = tenant_id
        self.statements = 0
        self.refused = 0

    def run(self, act: Callable[[int], object]) -> float:
        """Acts a second."""
        people = list(range(FIRST, FIRST + PEOPLE))
        ready = threading.Barrier(THREADS + 1)

        def work() -> None:
            with self.app.app_context(), tenant_scope(self.tenant_id):
                ready.wait()
                while people:
                    try:
                        person = people.pop()
                    except IndexError:
                        break
                    try:
                        with plans_kept(), transaction():
                            act(person)
                    except LotteryFull:
                        self.refused += 1
                db.session.remove()

        crew = [threading.Thread(target=work) for _ in range(THREADS)]
        for one in crew:
            one.start()
        ready.wait()
        began = time.perf_counter()
        for one in crew:
            one.join()
        return PEOPLE / (time.perf_counter() - began)

    def count(self, *_: object) -> None:
        self.statements += 1


def measure() -> dict[str, list[Result]]:
    """Runs in a process of its own, with a pool of 20 connections as a worker has."""
    app = create_app(get_settings())
    with app.app_context(), system_scope():
        bot = _make_people()
        crowd = Crowd(bot.tenant_id)
    with crowd.app.app_context(), system_scope():
        event.listen(db.engine, "before_cursor_execute", crowd.count)
        found: dict[str, list[Result]] = {"bare": [], "free": [], "priced": [], "limited": []}
        for number in range(ROUNDS + 1):
            # The first round only warms up.
            kept = number > 0
            for name, rounds in found.items():
                result = _round(crowd, bot, name)
                if kept:
                    rounds.append(result)
    return found


def _make_people() -> Bot:
    with transaction():
        tenant = Tenant(name="Bench")
        db.session.add(tenant)
        db.session.flush()
        bot = Bot(tenant_id=tenant.id, telegram_id=1, username="b", token="1:x", token_fingerprint="x")
        db.session.add(bot)
    values = {"tenant_id": tenant.id, "bot_id": bot.id, "first": FIRST, "last": FIRST + PEOPLE}
    for statement in _PEOPLE:
        with transaction():
            db.session.execute(text(statement), values if ":" in statement else {})
    return bot


def _round(crowd: Crowd, bot: Bot, name: str) -> Result:
    crowd.statements = crowd.refused = 0
    if name == "bare":
        rate = crowd.run(lambda person: db.session.execute(_BARE, {"telegram_id": person}))
        return Result(rate, crowd.statements / PEOPLE)
    lottery_id = _open(bot, name)
    crowd.statements = 0
    rate = crowd.run(lambda person: entries.join(lottery_id, person, bot.id, {}))
    statements = crowd.statements / PEOPLE
    return Result(rate, statements, lookup.entry_count(lottery_id), crowd.refused)


def _open(bot: Bot, name: str) -> int:
    body: dict[str, object] = {
        "title": name,
        "prizes": [{"name": "Phone", "quantity": 1}],
        "closes_at": clock.now() + timedelta(days=1),
    }
    if name == "priced":
        body["conditions"] = [{"type": "credits", "amount": PRICE}]
    if name == "limited":
        body["max_entries"] = PEOPLE * 3 // 4
    with transaction():
        lottery = manage.create(bot.tenant_id, bot.id, lottery_spec.read(body))
        manage.publish(lottery.id)
    return lottery.id


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        url = run.env["DATABASE_OWNER_URL"].replace("+psycopg", "") or run.env["DATABASE_URL"]
        _prepare(url)
        done = subprocess.run(
            ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "benchmarks.join", "measure"],
            check=True,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=run.env | {"DRAND_URLS": ""},
        )
    found = {name: [Result(**each) for each in rounds] for name, rounds in json.loads(done.stdout).items()}
    bare = median(each.rate for each in found["bare"])
    names = {
        "bare": "one bare row, inserted and committed",
        "free": "join",
        "priced": f"join for {PRICE} credits",
        "limited": f"join, {PEOPLE * 3 // 4:,} places",
    }
    lines = [
        f"## Joins at the service: one process on one core, {THREADS} threads",
        "",
        f"{PEOPLE:,} people, median of {ROUNDS} rounds. Statements include the one that names the tenant.",
        "",
        "| work | per second | of bare | statements each | entries | refused |",
        "|---|---|---|---|---|---|",
    ]
    for name, rounds in found.items():
        rate = median(each.rate for each in rounds)
        last = rounds[-1]
        lines.append(
            f"| {names[name]} | {rate:,.0f} | {rate / bare:.2f} | {last.statements:.2f} "
            f"| {last.entries:,} | {last.refused:,} |"
        )
    return "\n".join(lines)


def _prepare(url: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in _TABLE:
            connection.execute(statement)


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        results = measure()
        print(json.dumps({name: [vars(each) for each in rounds] for name, rounds in results.items()}))
    else:
        print(main())
