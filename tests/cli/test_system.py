"""`flask system check` names each fault and says what to mend."""

import json
from contextlib import closing

import pytest
from flask import Flask
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy import text

from app.cli import system as command
from app.core import crypto
from app.core.db import db
from app.core.errors import Misconfigured
from app.core.settings import Settings, get_settings
from app.services import system
from tests.cast import Cast
from tests.inbox_tools import make_bot


def check(app: Flask) -> tuple[int, dict[str, str | None]]:
    done = app.test_cli_runner().invoke(args=["system", "check", "--json"])
    return done.exit_code, {each["name"]: each["mend"] for each in json.loads(done.output)["checks"]}


def test_a_sound_deployment(app: Flask, cast: Cast):
    status, found = check(app)
    assert status == 0
    assert found == dict.fromkeys(
        ("settings", "database", "migrations", "isolation", "keys", "ledger", "redis", "queues")
    )


def test_old_migrations(app: Flask):
    db.session.execute(text("UPDATE alembic_version SET version_num = 'old'"))
    assert "flask db upgrade" in system.migrations_fault("migrations")
    db.session.rollback()


def test_a_table_without_forced_row_level_security(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "OPEN_TABLES", text("SELECT 'bot' WHERE 'bot' = ANY(:names)"))
    assert "not forced on: bot" in system.isolation_fault()


def test_a_role_above_the_law(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "ROLE", text("SELECT true"))
    assert "superuser" in system.isolation_fault()


def test_a_key_that_opens_nothing(app: Flask, cast: Cast):
    make_bot(cast.tenant)
    crypto.configure(["MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="])
    try:
        assert "ENCRYPTION_KEYS" in system.keys_fault()
    finally:
        crypto.configure(get_settings().keys)


@pytest.mark.parametrize(
    ("version", "policy", "words"),
    [("7.2.4", "noeviction", ""), ("6.0.1", "", "6.2 or newer"), ("7.0.0", "allkeys-lru", "noeviction")],
)
def test_redis(version: str, policy: str, words: str):
    assert words in system.redis_fault(version, policy)


def test_redis_away(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "depths", lambda: (_ for _ in ()).throw(RedisGone("no")))
    status, found = check(app)
    assert (status, found["queues"]) == (1, "ConnectionError: no")


def test_messages_that_nobody_eats():
    assert system.queues_fault({"high": 3, "low": 2}, {"low"}) == (
        "Messages wait and no worker listens to: high. Start one."
    )


def test_production_needs_https():
    settings = Settings.model_construct(app_env="production", public_url="http://x.example")
    assert "https" in system.settings_fault(settings)


def test_production_does_not_start_with_a_role_above_the_law(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "ROLE", text("SELECT true"))
    monkeypatch.setattr(system.event, "listen", lambda *_: None)
    production = Settings.model_construct(app_env="production")
    with pytest.raises(Misconfigured, match="superuser"):
        system.refuse_unsafe_start(production)
    system.refuse_unsafe_start(Settings.model_construct(app_env="development"))


def test_no_connection_is_made_with_a_role_above_the_law(app: Flask, monkeypatch: pytest.MonkeyPatch):
    with closing(db.engine.raw_connection()) as connection:
        system._refuse_role(connection.driver_connection, None)
        monkeypatch.setattr(system, "ROLE", text("SELECT true"))
        with pytest.raises(Misconfigured):
            system._refuse_role(connection.driver_connection, None)
