"""Migrations: one head, and the tables that they make are the models."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from app.core.db import db


def test_there_is_one_head(app: Flask):
    assert len(ScriptDirectory(app.extensions["migrate"].directory).get_heads()) == 1


def test_the_migrated_database_is_what_the_models_say(app: Flask):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []
