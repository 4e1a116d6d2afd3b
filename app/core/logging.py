"""Logs: one line a record, with the ids of what is being worked on and without secrets.

Records of every library (gunicorn, Celery, urllib3, SQLAlchemy) take the same way as our own.
"""

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter

from app.core.redaction import HIDDEN, is_secret_name, redact, redact_text

# Libraries that hang their own handlers on their loggers.
WITH_HANDLERS = ("gunicorn", "celery", "werkzeug", "flask.app", "py.warnings", "TeleBot", "telebot")
CHATTY = (
    *("alembic.runtime.plugins", "urllib3", "asyncio", "kombu", "amqp", "redis"),
    # A line for each task that comes and each that succeeds: metrics count them. Failures are errors and stay.
    *("celery.worker.strategy", "celery.app.trace"),
)

Event = MutableMapping[str, Any]


def _redact_event(_: object, __: str, event: Event) -> Event:
    """Hides the values of secret fields while they are still data; texts are cleaned with the finished line."""
    for key, value in event.items():
        if value and is_secret_name(key):
            event[key] = HIDDEN
        elif isinstance(value, Mapping | list | tuple):
            event[key] = redact(value, clean=str)
    return event


class RedactingFormatter(ProcessorFormatter):
    """Cleans the finished line once more: tracebacks and whatever a renderer added are in it only now."""

    def format(self, record: logging.LogRecord) -> str:
        """The line without secrets."""
        return redact_text(super().format(record))


# Applied to our own records and to those of libraries alike.
_SHARED: list[Callable[..., Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    _redact_event,
]


def _renderers(fmt: str) -> list[Callable[..., Any]]:
    if fmt == "console":
        # The default would show the values of local variables in tracebacks.
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    return [
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def make_formatter(fmt: str) -> logging.Formatter:
    """The formatter for "json" or "console"."""
    return RedactingFormatter(
        foreign_pre_chain=_SHARED,
        processors=[ProcessorFormatter.remove_processors_meta, *_renderers(fmt)],
    )


def configure(level: str, fmt: str, stream: TextIO | None = None) -> None:
    """Sends every record of this process to standard error (or `stream`) as "json" or "console".

    May be called again; the last call counts.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(make_formatter(fmt))
    root = logging.getLogger()
    for old in root.handlers[:]:
        # Handlers of others, such as those of a test runner, stay.
        if isinstance(old.formatter, RedactingFormatter) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    _take_over()
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=True,
    )


def _take_over() -> None:
    """Lets the records of libraries with handlers of their own rise to ours."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(WITH_HANDLERS):
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True


def get_logger(name: str) -> BoundLogger:
    """A logger that takes fields: `log.info("order_paid", order_id=7)`."""
    logger: BoundLogger = structlog.get_logger(name)
    return logger


def bind(
    *,
    request_id: str | None = None,
    task_id: str | None = None,
    tenant_id: int | None = None,
    bot_id: int | None = None,
) -> None:
    """Adds ids to every later record of this request or task; None leaves an id as it is."""
    given = {"request_id": request_id, "task_id": task_id, "tenant_id": tenant_id, "bot_id": bot_id}
    structlog.contextvars.bind_contextvars(
        **{key: value for key, value in given.items() if value is not None}
    )


def clear() -> None:
    """Forgets the ids, at the start and the end of a request or task."""
    structlog.contextvars.clear_contextvars()
