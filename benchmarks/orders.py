"""Paid orders: how fast eight workers claim 10,000 of 100 tenants, and what one tenant's slow provider costs another.

Beside the claims, in the same run, what as many processes commit that change one row each time and nothing else.
`python -m benchmarks.orders <part> ...` is a measured process itself; it prints what it found as JSON.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
from flask import Flask
from sqlalchemy import event, text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import plans_kept, system_scope
from app.domain.orders import Actor, OrderState
from app.factory import create_app
from app.services.fulfilment import claims
from app.services.fulfilment.claims import Claimed
from app.services.orders import moves
from benchmarks.machine import ROOT, SERVER_CORE, Bench, bench, wait
from bots import order_worker
from bots.order_signs import Signs

WORKERS = 8
TENANTS = 100
ORDERS = 10_000
BARE_EACH = 1_000
BATCH = 16
WAITING = 5_000
PROBES = 150
EVERY = 0.05
SLOW, QUICK = 2.0, 0.01
_TENANTS = text("""
WITH made AS (
    INSERT INTO tenant (name) SELECT 'Bench ' || n FROM generate_series(1, :count) AS n RETURNING id
), bots AS (
    INSERT INTO bot (tenant_id, public_id, token, token_fingerprint, name, username, mode, state)
    SELECT id, 'bench' || id, '', 'bench' || id, '', '', 'polling', 'running' FROM made RETURNING tenant_id
)
INSERT INTO product (tenant_id, code, name, kind, price_minor, currency)
SELECT tenant_id, 'bench' || tenant_id, 'Credits', 'credits', 100, 'USD' FROM bots
""")
_ORDERS = text("""
INSERT INTO orders (tenant_id, code, bot_id, product_id, telegram_id, locale, state, provider, amount_minor, currency,
    value_minor, value_currency, product, made_by, expires_at, paid_at, told_turn)
SELECT p.tenant_id, :mark || p.id || 'N' || n, b.id, p.id, n, 'en', 'paid', 'manual', 100, 'USD', 100, 'USD',
    '{"name": "Credits", "kind": "credits", "options": {"credits": 1}, "commission": {}}', :mark || n, now(),
    :paid_at + n * interval '1 millisecond', 1
FROM (SELECT * FROM product ORDER BY id LIMIT :tenants OFFSET :first) p JOIN bot b ON b.tenant_id = p.tenant_id,
    generate_series(1, :each) n
""")
_OVER = "UPDATE orders SET state = 'completed', phase = NULL WHERE state IN ('paid', 'generating')"


def add(mark: str, tenants: int, each: int, *, first: int = 0, ago: float = 60.0) -> None:
    """Paid orders of some tenants."""
    values = {"mark": mark, "tenants": tenants, "each": each, "first": first}
    with transaction():
        db.session.execute(_ORDERS, values | {"paid_at": clock.now() - timedelta(seconds=ago)})


def tidy() -> None:
    """What the server does by itself after a while."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def statements() -> dict[str, float]:
    """Statements of a claim of 16 with 100 and with 10,000 orders that wait, and the milliseconds of one."""
    counted: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: counted.append(given[2]))
    found: dict[str, float] = {}
    add("A", TENANTS, 1)
    for name, more in (("100", 0), ("10,000", ORDERS // TENANTS)):
        if more:
            add("B", TENANTS, more)
        tidy()
        counted.clear()
        started = time.perf_counter()
        with transaction():
            got = claims.claim(BATCH).orders
        found[f"ms {name}"] = (time.perf_counter() - started) * 1000
        found[f"statements {name}"] = len(counted)
        with transaction():
            claims.give_back(got)
    return found


def claim_all(start: Path) -> dict[str, object]:
    """One of the workers: claims until nothing is left."""
    ids: list[int] = []
    _ready(start)
    after, began = 0, time.perf_counter()
    while True:
        with plans_kept(), transaction():
            found = claims.claim(BATCH, after)
        if not found.orders:
            break
        ids += [one.id for one in found.orders]
        after = found.last
    return {"ids": ids, "seconds": time.perf_counter() - began}


def bare(start: Path, number: int) -> dict[str, object]:
    """The same server, one row and one commit at a time."""
    with psycopg.connect(get_settings().libpq_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('laoban.tenant', '*', false)")
        rows = connection.execute(
            "SELECT id FROM orders ORDER BY id LIMIT %s OFFSET %s", (BARE_EACH, BARE_EACH * number)
        ).fetchall()
        _ready(start)
        began = time.perf_counter()
        for row in rows:
            connection.execute("UPDATE orders SET lease_until = now() WHERE id = %s", row)
        return {"rows": len(rows), "seconds": time.perf_counter() - began}


def neighbour(app: Flask, seconds: float) -> dict[str, float]:
    """Milliseconds from payment to completion of B's orders, while A has thousands that take so long each."""
    mark, slow = f"P{seconds}x", _first_tenant()
    if seconds:
        add(f"W{seconds}x", 1, WAITING)

    def produce(app: Flask, claimed: Claimed, _signs: Signs) -> None:
        with app.app_context(), system_scope():
            time.sleep(seconds if claimed.tenant_id == slow else QUICK)
            with transaction():
                moves.move(claims.hold(claimed), OrderState.COMPLETED, actor=Actor.WORKER, why="delivered")
            db.session.remove()

    order_worker.produce = produce  # type: ignore[assignment]
    order_worker.LINGER_SECONDS = 600.0
    stopping = threading.Event()
    worker = threading.Thread(target=_in_scope, args=(app, lambda: order_worker.run(app, stopping)))
    worker.start()
    time.sleep(2)
    for number in range(PROBES):
        add(f"{mark}{number}x", 1, 1, first=1, ago=0.001)
        time.sleep(EVERY)
    wait(lambda: not _left(mark), 60, "B's orders")
    stopping.set()
    worker.join()
    return _waited(mark)


def _in_scope(app: Flask, act: Callable[[], object]) -> None:
    with app.app_context(), system_scope():
        act()


def _first_tenant() -> int:
    with transaction():
        return int(db.session.scalar(text("SELECT min(tenant_id) FROM product")) or 0)


def _left(mark: str) -> int:
    with transaction():
        query = text("SELECT count(*) FROM orders WHERE code LIKE :codes AND state <> 'completed'")
        return int(db.session.scalar(query, {"codes": f"{mark}%"}) or 0)


def _waited(mark: str) -> dict[str, float]:
    with transaction():
        query = text(
            "SELECT extract(epoch FROM completed_at - paid_at) * 1000 FROM orders WHERE code LIKE :codes"
        )
        waits = sorted(float(one) for one in db.session.scalars(query, {"codes": f"{mark}%"}))
    return {"p50": statistics.median(waits), "p95": waits[int(len(waits) * 0.95) - 1]}


def _ready(start: Path) -> None:
    """Waits until all may begin."""
    start.with_name(f"{start.name}.{time.monotonic_ns()}").touch()
    wait(start.exists, 120, "the start")


def part(name: str, *given: str) -> object:
    """Runs in a measured process."""
    app = create_app(get_settings())
    with app.app_context(), system_scope():
        if name == "grow":
            with transaction():
                db.session.execute(_TENANTS, {"count": TENANTS})
            return None
        if name == "statements":
            return statements()
        if name == "claim":
            return claim_all(Path(given[0]))
        if name == "bare":
            return bare(Path(given[0]), int(given[1]))
        return neighbour(app, float(given[0]))


def call(run: Bench, *given: str, **env: str) -> str:
    """One measured process, to its end."""
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "benchmarks.orders", *given]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=run.env | env)
    return done.stdout.decode()


def together(run: Bench, name: str, **env: str) -> list[dict[str, object]]:
    """Eight processes that begin at the same moment."""
    start = run.home / f"start-{name}"
    results: list[str] = [""] * WORKERS

    def one(number: int) -> None:
        results[number] = call(run, name, str(start), str(number), **env)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    wait(lambda: len(list(run.home.glob(f"{start.name}.*"))) == WORKERS, 180, "eight workers")
    start.touch()
    for thread in threads:
        thread.join()
    return [json.loads(one) for one in results]


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        call(run, "grow")
        counts = json.loads(call(run, "statements", ORDERS_PER_TENANT="100"))
        floor = together(run, "bare")
        found = together(run, "claim", ORDERS_PER_TENANT="100")
        run.sql(_OVER)
        waits = {}
        for name, seconds in (("nothing else", 0.0), ("5,000 quick ones", QUICK), ("5,000 slow ones", SLOW)):
            waits[name] = json.loads(call(run, "neighbour", str(seconds)))
            run.sql(_OVER)
    return report(counts, floor, found, waits)


def report(
    counts: dict[str, float],
    floor: list[dict[str, object]],
    found: list[dict[str, object]],
    waits: dict[str, dict[str, float]],
) -> str:
    """As Markdown."""
    ids = [one for each in found for one in each["ids"]]  # type: ignore[attr-defined]
    pace = len(ids) / max(float(str(each["seconds"])) for each in found)
    bare_pace = sum(int(str(each["rows"])) for each in floor) / max(
        float(str(each["seconds"])) for each in floor
    )
    claimed = (
        f"{len(ids):,} claims, {len(set(ids)):,} distinct: {pace:,.0f} orders per second; one row and one commit at a"
        f" time {bare_pace:,.0f} per second: {pace / bare_pace:.2f} of that."
    )
    asked = (
        f"A claim of {BATCH}: {counts['statements 100']:.0f} statements with 100 orders that wait"
        f" ({counts['ms 100']:.1f} ms), {counts['statements 10,000']:.0f} with 10,000 ({counts['ms 10,000']:.1f} ms)."
    )
    return "\n".join(
        [
            f"## Claims of {ORDERS:,} paid orders of {TENANTS} tenants by {WORKERS} workers",
            "",
            claimed,
            "",
            asked,
            "",
            "From B's payment to the end of his order, in milliseconds, while A has waiting",
            "",
            "| | p50 | p95 |",
            "|---|---|---|",
            *(f"| {name} | {one['p50']:.0f} | {one['p95']:.0f} |" for name, one in waits.items()),
        ]
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(part(*sys.argv[1:])))
    else:
        print(main())
