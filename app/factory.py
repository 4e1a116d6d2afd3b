"""Makes the application: settings, database, Celery. Faces (pages, API, CLI) are added by the entry points."""

from pathlib import Path

from apiflask import APIFlask
from flask import Flask

import app.models  # noqa: F401 - registers every table
from app.core import crypto, logging
from app.core.db import engine_options
from app.core.extensions import babel, db, init_celery, migrate
from app.core.i18n import ZH
from app.core.settings import Settings, get_settings

ROOT = Path(__file__).parent.parent


def create_app(settings: Settings | None = None) -> Flask:
    """A Flask app with core and models only; reads the environment unless settings are given."""
    settings = settings or get_settings()
    logging.configure(settings.log_level, settings.log_format)
    crypto.configure(settings.keys)
    # Pages answer errors as pages, so its JSON errors stay off; the API's own come from `app/http/errors.py`.
    flask = APIFlask(
        "app",
        title="Laoban",
        version="1",
        root_path=str(ROOT / "app"),
        json_errors=False,
        spec_path=None,
        docs_path=None,
    )
    flask.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings),
        BABEL_DEFAULT_LOCALE=ZH,
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "app" / "translations"),
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
    )
    flask.extensions["settings"] = settings
    db.init_app(flask)
    migrate.init_app(flask, db, directory=str(ROOT / "migrations"))
    babel.init_app(flask)
    init_celery(flask)
    return flask


__all__ = ["ROOT", "create_app"]
