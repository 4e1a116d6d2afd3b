"""`/healthz` (this process), `/readyz` and `/health` (database, Redis, migrations), `/metrics` (Prometheus)."""

import hmac
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from functools import cache

import psycopg
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from redis.exceptions import RedisError

from app.core import metrics
from app.core.redis import quick
from app.core.settings import Settings, get_settings

blueprint = Blueprint("health", __name__)
BUDGET = 1.0

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
def healthz() -> Response:
    """200 as long as this process answers; touches nothing else. Public."""
    return jsonify(status="ok")


@blueprint.get("/health", endpoint="health")
@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when the database, its migrations and Redis are ready, else 503 and which is not. Public, no secrets."""
    head = _newest_migration(current_app.extensions["migrate"].directory)
    settings = get_settings()
    jobs: dict[str, Callable[[], str]] = {"database": lambda: _database(settings, head), "redis": _redis}
    running = {name: _checkers.submit(job) for name, job in jobs.items()}
    found = {name: _outcome(check) for name, check in running.items()}
    ready = all(answer == "ok" for answer in found.values())
    return jsonify(status="ok" if ready else "unavailable", **found), 200 if ready else 503


@blueprint.get("/metrics")
def prometheus() -> Response:
    """Prometheus text; needs `Authorization: Bearer METRICS_TOKEN` where that setting is set."""
    token = get_settings().metrics_token.get_secret_value()
    given = request.headers.get("Authorization", "")
    if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return Response("forbidden\n", 403, content_type="text/plain")
    return Response(metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")


def init_app(app: Flask) -> None:
    """Serves the four."""
    app.register_blueprint(blueprint)
