"""gunicorn's settings for every web process. Address and number of workers come from PORT and WEB_CONCURRENCY."""

# ruff: noqa: INP001 - a settings file, no package

import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

# What counts reads this when it is imported, so it is settled first. Set it where Celery's workers run on the same
# host: then /metrics adds them up too.
_PREFIX = "laoban-metrics-"
_FOLDER = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR") or tempfile.mkdtemp(prefix=_PREFIX))
_FOLDER.mkdir(parents=True, exist_ok=True)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_FOLDER)

from app.core import logging, metrics  # noqa: E402
from app.core.settings import get_settings  # noqa: E402

# Telegram keeps an idle connection for about 60 s. We must be the ones who wait longer, or an update meets a
# connection that is being closed.
keepalive = 75
graceful_timeout = 25
timeout = 30
limit_request_line = 4094
# Where a page lies is no visitor's to say, whatever a proxy passes on.
forwarder_headers = ""
# Runtime control over a socket in a home directory that may be read-only or shared: nobody here needs it.
control_socket_disable = True
# No access log: the path of a webhook names a bot, and a line costs more than an update.
accesslog = None
access_log_format = '%(h)s "%(m)s" %(s)s %(B)s %(L)s'


def on_starting(_server: Any) -> None:
    """Before the first worker: logs like everywhere else, and no counts of processes that are gone."""
    settings = get_settings()
    logging.configure(settings.log_level, settings.log_format)
    metrics.prepare(_FOLDER)


def post_worker_init(_worker: Any) -> None:
    """What is loaded by now lives as long as the process, so the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def child_exit(_server: Any, worker: Any) -> None:
    """The gauges of a worker that is gone count no more."""
    metrics.process_ended(worker.pid)


def on_exit(_server: Any) -> None:
    """Leaves no temporary folder behind."""
    if _FOLDER.name.startswith(_PREFIX):
        shutil.rmtree(_FOLDER, ignore_errors=True)
