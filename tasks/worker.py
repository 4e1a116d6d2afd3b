"""The Celery app for `celery -A tasks.worker`: workers and beat."""

from app.factory import create_app

flask_app = create_app()
celery_app = flask_app.extensions["celery"]
