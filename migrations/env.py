"""Alembic: runs as the owner role, one migration at a time under an advisory lock."""

from alembic import context
from flask import current_app
from sqlalchemy import NullPool, create_engine, text

from app.core.db import Base
from app.core.settings import Settings

LOCK = 7_264_001


def run() -> None:
    """Migrates online; two releases that start at once wait for each other."""
    settings: Settings = current_app.extensions["settings"]
    engine = create_engine(settings.migration_url, poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            context.run_migrations()


run()
