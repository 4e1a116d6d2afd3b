"""Lists and sweeps where there are many lotteries: 10,000 of 1,000 tenants beside 10 of one tenant.

The list of open lotteries is what every press on "lotteries" costs, the sweep runs every two seconds; neither may
grow with what other tenants have. Beside them, what an export of very many entries takes.
`python -m benchmarks.lottery_list measure` is the measured process itself; it prints what it found as JSON.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import text

from app.core import crypto
from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.factory import create_app
from app.models import Lottery
from app.services.lotteries import exports, lookup, sweep
from app.services.lotteries.exports import Format, What
from app.services.lotteries.streaming import patiently
from benchmarks.machine import ROOT, SERVER_CORE, bench

TENANTS = 1_000
OF_EACH = 10
ROUNDS = 200
ENTRIES = 300_000
_TENANTS = text("""
WITH made AS (
    INSERT INTO tenant (name) SELECT 'Bench ' || n FROM generate_series(1, :count) AS n RETURNING id
)
INSERT INTO bot (tenant_id, public_id, token, token_fingerprint, name, username, mode, state)
SELECT id, 'bench' || id, '', 'bench' || id, '', '', 'polling', 'running' FROM made
""")
# Of ten lotteries six are open, two are to be opened, one is a draft and one is drawn; every hundredth is due.
_LOTTERIES = text("""
INSERT INTO lottery (tenant_id, bot_id, code, title, state, opens_at, closes_at, seed, salt, commitment, settled_at)
SELECT b.tenant_id, b.id, upper(md5(b.id || '/' || n)), 'Draw ' || n,
       (ARRAY['open','open','open','open','open','open','scheduled','scheduled','draft','drawn'])[n],
       CASE WHEN n IN (7, 8) THEN now() + make_interval(mins => n + 600 * b.id::int) END,
       now() + CASE WHEN n = 1 AND b.id % 10 = 0 THEN interval '-1 second' ELSE make_interval(days => 3, mins => n * b.id::int) END,
       :secret, :secret, '', CASE WHEN n = 10 THEN now() END
FROM bot b CROSS JOIN generate_series(1, :each) AS n WHERE NOT EXISTS (SELECT 1 FROM lottery l WHERE l.bot_id = b.id)
""")
_ENTER = text("""
INSERT INTO lottery_entry (tenant_id, lottery_id, telegram_id, bot_id)
SELECT tenant_id, id, 5000000000 + n, bot_id FROM lottery, generate_series(1, :count) AS n WHERE id = :id
""")


def grow(tenants: int) -> int:
    """Adds tenants with their lotteries; gives the first tenant's id."""
    with transaction():
        db.session.execute(_TENANTS, {"count": tenants})
        db.session.execute(_LOTTERIES, {"each": OF_EACH, "secret": crypto.box().encrypt("0" * 64)})
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    with transaction():
        return int(db.session.scalar(text("SELECT min(id) FROM tenant")) or 0)


def milliseconds(act: Callable[[], object]) -> float:
    """The median of many runs, each a transaction of its own."""
    found = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with transaction():
            act()
        db.session.expunge_all()
        found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)


def exported(form: Format) -> float:
    """Seconds that a file of all entries of one lottery takes."""
    started = time.perf_counter()
    with transaction():
        lottery = db.session.query(Lottery).order_by(Lottery.id).first()
        assert lottery is not None
        with tempfile.TemporaryFile() as file:
            exports.write(lottery, What.ENTRIES, form, file, "en")
    return time.perf_counter() - started


def measure() -> dict[str, dict[str, float]]:
    """Runs in the measured process."""
    found: dict[str, dict[str, float]] = {}
    with create_app(get_settings()).app_context(), system_scope():
        for name, tenants in (("few", 1), ("many", TENANTS - 1)):
            tenant_id = grow(tenants)
            found[name] = {
                "bare": milliseconds(lambda: db.session.scalar(text("SELECT 1"))),
                "list": milliseconds(partial(lookup.list_open, tenant_id)),
                "sweep": milliseconds(sweep.find),
            }
        with transaction():
            patiently()
            first = db.session.scalar(text("SELECT min(id) FROM lottery"))
            db.session.execute(_ENTER, {"count": ENTRIES, "id": first})
        found["export"] = {form.value: exported(form) for form in Format}
    return found


def main() -> str:
    """Runs it and returns the report."""
    with bench() as run:
        command = [
            "taskset",
            "-c",
            str(SERVER_CORE),
            sys.executable,
            "-m",
            "benchmarks.lottery_list",
            "measure",
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=run.env)
    found = json.loads(done.stdout)
    few, many, files = found["few"], found["many"], found["export"]
    return "\n".join(
        [
            f"## Lists and sweeps with {TENANTS * OF_EACH:,} lotteries of {TENANTS:,} tenants",
            "",
            f"Medians of {ROUNDS} runs in milliseconds, beside the same with {OF_EACH} lotteries of one tenant.",
            "",
            f"| | {OF_EACH} lotteries | {TENANTS * OF_EACH:,} lotteries | ratio |",
            "|---|---|---|---|",
            *(
                f"| {name} | {few[name]:.2f} | {many[name]:.2f} | {many[name] / few[name]:.2f} |"
                for name in few
            ),
            "",
            f"A file of {ENTRIES:,} entries: "
            + ", ".join(f"{form} {took:.1f} s" for form, took in files.items()),
        ]
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(measure()))
    else:
        print(main())
