"""Fixtures of every test: real PostgreSQL and Redis, and the fixed cast.

Tenant A has an `owner` and `staff`; `stranger` owns tenant B; `operator` runs the deployment.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

_HOME = Path(tempfile.mkdtemp(prefix="laoban-test-"))
os.environ.update(
    APP_ENV="test",
    EMBEDDED_DIR=str(_HOME),
    TELEGRAM_API_URL="http://127.0.0.1:9",
    LOG_LEVEL="WARNING",
    LOG_FORMAT="console",
)
for _name in (
    "DATABASE_URL",
    "REDIS_URL",
    "PUBLIC_URL",
    "TENANT_DOMAIN",
    "MAIL_URL",
    "SECRET_KEY",
    "ENCRYPTION_KEYS",
):
    os.environ.pop(_name, None)

from app.core import embedded  # noqa: E402 - the environment above must be set first

embedded.ensure(_HOME, fast=True)

from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile("shared machine", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

from flask_migrate import upgrade  # noqa: E402 - the servers above must run first

from app.core.db import db  # noqa: E402
from app.core.redis import quick  # noqa: E402
from app.core.settings import get_settings  # noqa: E402
from app.core.tenancy import enter_scope, system_scope  # noqa: E402
from tests.browser import Browser  # noqa: E402
from tests.cast import Cast, make_cast  # noqa: E402
from tests.clockwork import Clockwork  # noqa: E402
from tests.sandbox_client import Sandbox  # noqa: E402
from wsgi import app as the_app  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    with the_app.app_context():
        upgrade()
        _make_emptying()
    yield
    with the_app.app_context():
        db.session.remove()
        db.engine.dispose()
    embedded.stop(_HOME)
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture
def app() -> Iterator[Flask]:
    """The application with an empty database and Redis, inside an app context and the system scope."""
    the_app.config.update(TESTING=True)
    the_app.test_client_class = Browser
    quick().flushdb()
    with the_app.app_context(), system_scope():
        _empty_database()
        yield the_app
        db.session.remove()
    enter_scope(None)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()


@pytest.fixture
def cast(app: Flask) -> Cast:
    """Tenant A with owner and staff, tenant B with the stranger, and the operator."""
    return make_cast()


@pytest.fixture(scope="session")
def _telegram() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def telegram(_telegram: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox in Telegram's place, empty, over real HTTP."""
    _telegram.reset()
    monkeypatch.setattr(get_settings(), "telegram_api_url", _telegram.url)
    return _telegram


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    """A clock to move: `time.forward(minutes=31)`. It moves what the code asks `clock.now()`, not PostgreSQL's."""
    return Clockwork(monkeypatch)


def _make_emptying() -> None:
    """One statement that empties the tables, of which most are empty: it runs before every test."""
    deletions = "\n".join(
        f'IF EXISTS (SELECT FROM "{table}") THEN DELETE FROM "{table}"; END IF;'
        for table in reversed(db.metadata.sorted_tables)
    )
    owner = create_engine(get_settings().migration_url)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"""
            CREATE FUNCTION empty_every_table() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
                PERFORM set_config('laoban.tenant', '*', true), set_config('laoban.erasing', 'yes', true);
                {deletions}
            END $$""")
    owner.dispose()


def _empty_database() -> None:
    db.session.execute(text("SELECT empty_every_table()"))
    db.session.commit()
