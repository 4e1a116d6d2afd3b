"""The database: engine, session, declarative base."""

from datetime import datetime

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Connection, DateTime, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import DeclarativeBase, registry

from app.core import pool, tenancy
from app.core.settings import CUT_LINE, Settings

_metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(DeclarativeBase):
    """All tables. Strings are `text`, whole numbers `bigint`, times `timestamptz`."""

    # A registry, since Flask-SQLAlchemy makes a second base out of this one and both must share it.
    registry = registry(
        metadata=_metadata,
        type_annotation_map={
            str: Text,
            int: BigInteger,
            datetime: DateTime(timezone=True),
            dict[str, object]: JSONB,
            list[object]: JSONB,
        },
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
tenancy.install(db.session)


def at_once() -> Connection:
    """A connection of its own on which each statement is a transaction, done when it returns; use it in a `with`.

    The tenants' scope is not set on it.
    """
    return db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")


UNHURRIED = text("SELECT set_config('statement_timeout', '0', true)")
"""For the rest of a transaction whose statements may take the time they need."""
# Row-level security makes PostgreSQL expect a few hundred rows where there are a hundred thousand: it would compare each
# account with every other's sum, for minutes.
ADD_UP = text("SELECT set_config('statement_timeout', '0', true), set_config('enable_nestloop', 'off', true)")
"""For the rest of a transaction that adds up a ledger: take the time it needs, and join by hash."""


# Connection lost, server shutting down or starting, too many connections.
_AWAY = ("08", "57P", "53")


def is_away(error: BaseException) -> bool:
    """Whether PostgreSQL itself is gone, not yet back or has no connection free, as against a statement it refused."""
    if isinstance(error, NoConnectionFree):
        return True
    if not isinstance(
        error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError
    ):
        return False
    state: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state is None or state.startswith(_AWAY)


def engine_options(settings: Settings) -> dict[str, object]:
    """SQLAlchemy engine options: bounded pool, statement limits, safe behind a transaction pooler."""
    connect: dict[str, object] = {
        "connect_timeout": 5,
        "options": (
            "-c timezone=UTC -c statement_timeout=15s -c lock_timeout=5s"
            " -c idle_in_transaction_session_timeout=30s -c plan_cache_mode=force_custom_plan"
        ),
    }
    if settings.database_pooler:
        connect = {"connect_timeout": 5, "prepare_threshold": None}
    return {
        "connect_args": connect | CUT_LINE,
        "pool_size": settings.database_pool_size,
        "max_overflow": 5,
        "pool_timeout": 10,
        "pool_events": pool.EVENTS,
        # Errors are logged, and parameters hold names, messages and seeds.
        "hide_parameters": True,
        "pool_recycle": 300,
    }
