"""`/healthz` (this process), `/readyz` and `/health` (database, Redis, migrations), `/metrics` (Prometheus)."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from functools import cache
from time import monotonic
from typing import Any, TypeVar

import psycopg
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core import metrics
from app.core.crypto import constant_time_equal
from app.core.queue import depths, transaction
from app.core.redis import quick
from app.core.settings import Settings, get_settings
from app.core.tenancy import system_scope
from app.http.access import bare, own_secret
from app.services import gauges
from app.services.credits import nightly

T = TypeVar("T")
log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)
BUDGET = 1.0
FRESH = 5.0
"""Seconds for which what was read for /metrics is shown again, however many ask."""

# A check that hangs must not hang the answer; its thread ends with its own timeouts.
_checkers = ThreadPoolExecutor(4, thread_name_prefix="readyz")


@cache
def _newest_migration(folder: str) -> str | None:
    return ScriptDirectory(folder).get_current_head()


def _database(settings: Settings, head: str | None) -> str:
    with psycopg.connect(settings.libpq_url, connect_timeout=2, autocommit=True) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None or row[0] != head:
        return f"migrations are behind: at {row[0] if row else 'none'}, newest is {head}"
    return "ok"


def _redis() -> str:
    quick().ping()
    return "ok"


def _outcome(check: Future[str]) -> str:
    try:
        return check.result(timeout=BUDGET)
    except TooSlow:
        return "no answer within a second"
    except (psycopg.Error, RedisError, OSError) as error:
        return type(error).__name__


@blueprint.get("/healthz")
@bare
def healthz() -> Response:
    """200 as long as this process answers; touches nothing else. Public."""
    return jsonify(status="ok")


@blueprint.get("/health", endpoint="health")
@blueprint.get("/readyz")
@bare
def readyz() -> tuple[Response, int]:
    """200 when the database, its migrations and Redis are ready, else 503 and which is not. Public, no secrets."""
    head = _newest_migration(current_app.extensions["migrate"].directory)
    settings = get_settings()
    jobs: dict[str, Callable[[], str]] = {"database": lambda: _database(settings, head), "redis": _redis}
    running = {name: _checkers.submit(job) for name, job in jobs.items()}
    found = {name: _outcome(check) for name, check in running.items()}
    ready = all(answer == "ok" for answer in found.values())
    return jsonify(status="ok" if ready else "unavailable", **found), 200 if ready else 503


def _in_app(app: Flask, read: Callable[[], T]) -> T:
    with app.app_context(), system_scope():
        return read()


def _from_database() -> tuple[dict[str, int], tuple[int, float], int]:
    with transaction():
        return gauges.bots_by_state(), gauges.open_updates(), nightly.standing().mismatches


def _result(reading: Future[T]) -> T | None:
    try:
        return reading.result(timeout=BUDGET)
    except (TooSlow, SQLAlchemyError, RedisError, OSError) as error:
        log.warning("gauges not read", extra={"reason": type(error).__name__})
        return None


def _snapshot() -> metrics.Snapshot:
    """The gauges, at most FRESH seconds old; those that can't be read within the budget are missing."""
    app: Any = current_app
    kept: tuple[float, metrics.Snapshot] | None = app.extensions.get("laoban-snapshot")
    if kept and monotonic() - kept[0] < FRESH:
        return kept[1]
    flask = app._get_current_object()  # noqa: SLF001 - another thread needs the app itself
    database = _checkers.submit(_in_app, flask, _from_database)
    broker = _checkers.submit(_in_app, flask, depths)
    bots, (waiting, oldest), wrong = _result(database) or (None, (None, None), None)
    snapshot = metrics.Snapshot(bots, waiting, oldest, _result(broker), wrong)
    app.extensions["laoban-snapshot"] = (monotonic(), snapshot)
    return snapshot


@blueprint.get("/metrics")
@own_secret
def prometheus() -> Response:
    """Prometheus text; needs `Authorization: Bearer METRICS_TOKEN` where that setting is set."""
    token = get_settings().metrics_token.get_secret_value()
    given = request.headers.get("Authorization", "")
    if token and not constant_time_equal(given, f"Bearer {token}"):
        return Response("forbidden\n", 403, content_type="text/plain")
    return Response(metrics.render(_snapshot()), content_type="text/plain; version=0.0.4; charset=utf-8")


def init_app(app: Flask) -> None:
    """Serves the four."""
    app.register_blueprint(blueprint)
