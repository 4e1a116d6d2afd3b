"""Flask extensions that every process needs, and the Celery app that runs tasks inside the app context."""

from typing import Any

from celery import Celery, Task
from flask import Flask
from flask_babel import Babel
from flask_migrate import Migrate

from app.core import celery_signals
from app.core.db import db

babel = Babel()
migrate = Migrate()


def init_celery(app: Flask) -> Celery:
    """Makes the Celery app of this process from `celeryconfig.py` and puts it at `app.extensions["celery"]`."""

    class ContextTask(Task[Any, Any]):  # type: ignore[misc]
        """Runs inside an app context of its own, and so with a database session of its own."""

        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    celery = Celery("laoban", task_cls=ContextTask)
    celery.config_from_object("celeryconfig")
    celery.set_default()
    celery_signals.connect()
    app.extensions["celery"] = celery
    return celery


__all__ = ["babel", "db", "init_celery", "migrate"]
