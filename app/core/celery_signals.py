"""What happens around every Celery task: logs with its id, and counts."""

import time
from contextvars import ContextVar
from logging import LogRecord, getLogger
from typing import Any

from celery import Task, signals

from app.core import logging, metrics
from app.core.settings import get_settings

RESULTS = {"SUCCESS": "ok", "RETRY": "retried", "IGNORED": "ok"}
_began: ContextVar[float | None] = ContextVar("began", default=None)


def _log_like_everything(**_: Any) -> None:
    """Celery sets up no logs of its own where somebody answers this signal."""
    settings = get_settings()
    logging.configure(settings.log_level, settings.log_format)
    getLogger("celery.beat").addFilter(_no_sending)


def _no_sending(record: LogRecord) -> bool:
    """Beat has a line for each message, three in a second."""
    return not str(record.msg).startswith("Scheduler: Sending due task")


def _begin(task_id: str, **_: Any) -> None:
    logging.clear()
    logging.bind(task_id=task_id)
    _began.set(time.monotonic())


def _end(task: Task[Any, Any], state: str | None = None, **_: Any) -> None:
    began = _began.get()
    if began is not None:
        metrics.task_ended(task.name, RESULTS.get(state or "", "failed"), time.monotonic() - began)
    _began.set(None)
    logging.clear()


def _process_ends(pid: int, **_: Any) -> None:
    metrics.process_ended(pid)


def connect() -> None:
    """Once or more often; Celery keeps each function once."""
    signals.setup_logging.connect(_log_like_everything)
    signals.task_prerun.connect(_begin)
    signals.task_postrun.connect(_end)
    signals.worker_process_shutdown.connect(_process_ends)
