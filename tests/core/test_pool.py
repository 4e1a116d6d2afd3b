"""A pooled connection that has died is noticed before it is used, without asking each time."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, text

from app.core import pool
from app.core.db import db


@pytest.fixture
def engine(app: Flask) -> Iterator[Engine]:
    """With one connection in its pool."""
    engine = create_engine(db.engine.url, pool_size=1, max_overflow=0, pool_events=pool.EVENTS)
    yield engine
    engine.dispose()


def backend(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def kill(pid: int) -> None:
    db.session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_connection_is_used_again(engine: Engine):
    assert backend(engine) == backend(engine)


def test_one_that_the_server_ended_is_replaced(engine: Engine):
    first = backend(engine)
    kill(first)
    assert backend(engine) != first


def test_one_that_rested_is_asked(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    first = backend(engine)
    monkeypatch.setattr(pool, "_has_news", lambda _connection: False)
    monkeypatch.setattr(pool, "RESTED", -1.0)
    assert backend(engine) == first
    kill(first)
    assert backend(engine) != first
