"""The Celery app for `celery -A tasks.worker`: workers and beat."""

from app.core.settings import get_settings
from app.factory import create_app
from app.services import system

flask_app = create_app()
celery_app = flask_app.extensions["celery"]
with flask_app.app_context():
    system.refuse_unsafe_start(get_settings())
