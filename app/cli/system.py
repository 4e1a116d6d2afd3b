"""`flask system`: is this deployment sound?"""

from collections.abc import Callable

from flask import Flask, current_app
from flask.cli import AppGroup
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.cli.output import json_option, show
from app.core.db import db
from app.core.queue import depths
from app.core.redis import quick
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.services import system

PATIENCE = 1.0
"""Seconds for workers to say that they are there."""
NEED_TABLES = ("isolation", "keys", "ledger")
group = AppGroup("system", help="Is this deployment sound?")


@group.command("check")
@json_option
def check(*, as_json: bool) -> None:
    """Try everything that can be wrong; exits 1 and says what to mend."""
    folder = current_app.extensions["migrate"].directory
    checks: dict[str, Callable[[], str]] = {
        "settings": lambda: system.settings_fault(get_settings()),
        "database": system.database_fault,
        "migrations": lambda: system.migrations_fault(folder),
        "isolation": system.isolation_fault,
        "keys": system.keys_fault,
        "ledger": system.ledger_fault,
        "redis": _redis,
        "queues": _queues,
    }
    found: dict[str, str] = {}
    for name, one in checks.items():
        waits = name in NEED_TABLES and found["migrations"]
        found[name] = "Not checked, the migrations come first." if waits else _try(one)
    result = {
        "ok": not any(found.values()),
        "checks": [{"name": name, "ok": not fault, "mend": fault or None} for name, fault in found.items()],
    }
    lines = [f"{'✗' if fault else '✓'} {name:<12}{fault}".rstrip() for name, fault in found.items()]
    show(result, "\n".join(lines), as_json=as_json)
    if not result["ok"]:
        raise SystemExit(1)


def _try(one: Callable[[], str]) -> str:
    with system_scope():
        try:
            return one()
        except (SQLAlchemyError, RedisError, OperationalError, OSError) as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            return f"{type(error).__name__}: {reason}"
        finally:
            db.session.rollback()


def _redis() -> str:
    found = quick().info()
    return system.redis_fault(str(found["redis_version"]), str(found.get("maxmemory_policy", "")))


def _queues() -> str:
    waiting = depths()
    if not any(waiting.values()):
        return ""
    answers = current_app.extensions["celery"].control.inspect(timeout=PATIENCE).active_queues() or {}
    eaten = {queue["name"] for queues in answers.values() for queue in queues}
    return system.queues_fault(waiting, eaten)


def init_app(app: Flask) -> None:
    """Adds the commands."""
    app.cli.add_command(group)
