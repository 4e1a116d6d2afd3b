"""The measured processes of `benchmarks.credits`: `python -m benchmarks.ledger <part> ...` prints what it found as JSON."""

import json
import random
import secrets
import sys
import time
from pathlib import Path

import psycopg
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import plans_kept, system_scope, tenant_scope
from app.domain import credit_signing as signing
from app.domain.credits import NewPosting
from app.domain.plans import Plan
from app.factory import create_app
from app.models import CreditClient, Tenant
from app.services.credit_clients import manage
from app.services.credits import posting, reading
from benchmarks.machine import wait

TENANTS = 4
PROJECTS = 2
"""Of each tenant."""
ACCOUNTS = 100_000
BATCH = 1_000
HOT = 1
PATH = "/api/credits/sync"
_ACCOUNTS = text("""
INSERT INTO credit_account (tenant_id, telegram_id) SELECT :tenant_id, n FROM generate_series(1, :count) AS n
""")
_LIKE = """
CREATE TABLE IF NOT EXISTS copied (LIKE credit_posting INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)
"""


def seed() -> list[dict[str, object]]:
    """Some tenants with projects that may call as fast as they can; the first has 100,000 accounts."""
    made: list[dict[str, object]] = []
    with system_scope(), transaction():
        for number in range(TENANTS):
            tenant = Tenant(name=f"Bench {number}", plan=Plan.ENTERPRISE)
            db.session.add(tenant)
            db.session.flush()
            made += [_project(tenant.id, f"shop-{place}") for place in range(PROJECTS)]
            count = ACCOUNTS if number == 0 else ACCOUNTS // TENANTS
            db.session.execute(_ACCOUNTS, {"tenant_id": tenant.id, "count": count})
    tidy()
    return made


def _project(tenant_id: int, source: str) -> dict[str, object]:
    client = manage.create_client(tenant_id, source, source)
    # More than a boss may allow: the limit's work is measured, not the limit.
    db.session.query(CreditClient).filter_by(id=client.id).update({"rate": 10_000, "burst": 10_000})
    key = manage.create_key(client.id)
    return {"tenant": tenant_id, "api_key": key.api_key, "secret": key.secret_key}


def tidy() -> None:
    """What the server does by itself after a while; only the tables' owner may ask for it."""
    url = get_settings().database_owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE credit_account, credit_posting")


def copy(rows: int) -> float:
    """Rows per second that COPY writes into a table like the postings', with its indexes."""
    with psycopg.connect(get_settings().database_owner_url.replace("+psycopg", "")) as connection:
        connection.execute(_LIKE)
        connection.commit()
        began = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "COPY copied (id, tenant_id, account_id, amount, balance, source, reference, reason) FROM STDIN"
            ) as pipe,
        ):
            for number in range(rows):
                account = random.randrange(ACCOUNTS)
                pipe.write(f"{number}\t1\t{account}\t1\t{number}\tshop\tcopied-{number}\tOrder {number}\n")
        connection.commit()
        return rows / (time.perf_counter() - began)


def single(tenant_id: int, *, hot: bool, seconds: float, start: Path) -> dict[str, float]:
    """Postings one by one, each with its own commit."""
    mark, count = _ready(start), 0
    began = time.perf_counter()
    with tenant_scope(tenant_id), plans_kept():
        while time.perf_counter() - began < seconds:
            with transaction():
                posting.post(
                    tenant_id,
                    HOT if hot else random.randint(1, ACCOUNTS),
                    1,
                    source="shop",
                    reference=f"{mark}-{count}",
                    reason="Order",
                )
            count += 1
    return {"count": count, "seconds": time.perf_counter() - began}


def batches(tenant_id: int, *, hot: bool, seconds: float, start: Path) -> dict[str, float]:
    """Postings by the thousand."""
    mark, count = _ready(start), 0
    began = time.perf_counter()
    with tenant_scope(tenant_id):
        while time.perf_counter() - began < seconds:
            new = [
                NewPosting(
                    HOT if hot else random.randint(1, ACCOUNTS), 1, "shop", f"{mark}-{count + n}", "Order"
                )
                for n in range(BATCH)
            ]
            with transaction():
                results = posting.post_many(tenant_id, new)
            count += sum(not isinstance(each, Exception) for each in results)
    return {"count": count, "seconds": time.perf_counter() - began}


def sign(projects: list[dict[str, object]], count: int, target: Path) -> int:
    """Signed calls, a line each: API key, timestamp, nonce, signature, body. They are good for five minutes."""
    mark, moment = secrets.token_hex(4), str(int(time.time()))
    with target.open("w") as file:
        for number in range(count):
            project = projects[number % len(projects)]
            api_key, nonce = str(project["api_key"]), secrets.token_urlsafe(18)
            user = random.randint(1, ACCOUNTS // TENANTS)
            body = json.dumps(
                {"telegram_id": user, "amount": 1, "reason": "Order", "reference": f"{mark}-{number}"}
            )
            message = signing.string_to_sign(
                signing.key_id_of(api_key),
                method="POST",
                path=PATH,
                query="",
                timestamp=moment,
                nonce=nonce,
                body=body.encode(),
            )
            signature = signing.sign_v2(str(project["secret"]), message)
            file.write(f"{api_key}\t{moment}\t{nonce}\t{signature}\t{body}\n")
    return count


def check() -> dict[str, int]:
    """Adds up the whole ledger: how many postings there are, and how many accounts are wrong."""
    tidy()
    with system_scope(), transaction():
        found = reading.check()
    return {"postings": found.postings, "wrong": len(found.mismatches)}


def _ready(start: Path) -> str:
    """Connects, then waits until all may begin; answers a mark that is this process's own."""
    with transaction():
        db.session.execute(text("SELECT 1"))
    start.with_name(f"{start.name}.{time.monotonic_ns()}").touch()
    wait(start.exists, 120, "the start")
    return secrets.token_hex(4)


def part(name: str, given: list[str]) -> object:
    """Runs in a measured process."""
    with create_app(get_settings()).app_context():
        if name == "seed":
            return seed()
        if name == "copy":
            return copy(int(given[0]))
        if name == "sign":
            return sign(json.loads(given[0]), int(given[1]), Path(given[2]))
        if name == "check":
            return check()
        work = {"single": single, "batches": batches}[name]
        return work(int(given[0]), hot=given[1] == "hot", seconds=float(given[2]), start=Path(given[3]))


if __name__ == "__main__":
    print(json.dumps(part(sys.argv[1], sys.argv[2:])))
