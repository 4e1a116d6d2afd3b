"""The Celery app for `celery -A tasks.worker`: workers and beat."""

import logging
import random
import threading
from typing import Any

from celery.signals import worker_ready
from sqlalchemy.exc import SQLAlchemyError

from app.core.queue import TaskName, enqueue, transaction
from app.core.settings import get_settings
from app.core.stopping import stopping
from app.core.tenancy import system_scope
from app.factory import create_app
from app.services import schedule, system

log = logging.getLogger(__name__)

flask_app = create_app()
celery_app = flask_app.extensions["celery"]
with flask_app.app_context():
    system.refuse_unsafe_start(get_settings())


@worker_ready.connect
def _watch_beat(**_: Any) -> None:
    threading.Thread(target=_stand_in, name="stand-in", daemon=True).start()


def _stand_in() -> None:
    """Every worker does the beat's work while no beat does: the rows of the schedule tell."""
    every = {str(entry["task"]): float(entry["schedule"]) for entry in celery_app.conf.beat_schedule.values()}
    while not stopping.wait(random.uniform(10, 20)):  # noqa: S311 - spreads the workers
        try:
            with flask_app.app_context(), system_scope(), transaction():
                for job in schedule.overdue(every):
                    enqueue(TaskName(job))
        except SQLAlchemyError as error:
            log.warning("the schedule cannot be looked at", extra={"reason": str(error)})
