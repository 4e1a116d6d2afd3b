"""A pooled connection that has died is noticed before it is used, without asking each time."""

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.core import pool
from app.core.db import db

PID = text("SELECT pg_backend_pid()")


def backend() -> int:
    pid: int = db.session.execute(PID).scalar_one()
    db.session.rollback()
    return pid


def kill(pid: int) -> None:
    other = create_engine(db.engine.url)
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()


def test_a_connection_is_used_again(app: Flask):
    assert backend() == backend()


def test_one_that_the_server_ended_is_replaced(app: Flask):
    first = backend()
    kill(first)
    assert backend() != first


def test_one_that_rested_is_asked(app: Flask, monkeypatch: pytest.MonkeyPatch):
    first = backend()
    monkeypatch.setattr(pool, "_has_news", lambda _connection: False)
    monkeypatch.setattr(pool, "RESTED", -1.0)
    assert backend() == first
    kill(first)
    assert backend() != first
