"""What the program counts, in one place. Labels take few values: never an id, a name or a path with ids in it.

Several processes (gunicorn workers, Celery children) count into files of one folder, and `render` adds them up. That
needs the environment variable of `prepare` before this module is imported; without it a process counts for itself.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Seconds. The first ones tell whether an answer feels immediate, the last ones whether something hangs.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)

# When each series was first seen tells nothing here and doubles the output.
disable_created_metrics()  # type: ignore[no-untyped-call]
_OWN = CollectorRegistry()

_http = Counter("laoban_http_requests", "Answered requests", ["route", "method", "status"], registry=_OWN)
_accepted = Counter("laoban_updates_accepted", "Updates stored in the inbox", ["transport"], registry=_OWN)
_handled = Counter("laoban_updates_handled", "Updates that left the inbox", ["result"], registry=_OWN)
_telegram = Counter("laoban_telegram_calls", "Calls to the Bot API", ["method", "outcome"], registry=_OWN)
_outbox = Counter("laoban_outbox_messages", "Messages that left the outbox", ["result"], registry=_OWN)
_tasks = Counter("laoban_tasks", "Celery tasks that ended", ["task", "result"], registry=_OWN)

_http_seconds = Histogram("laoban_http_seconds", "Time to answer", ["route"], buckets=BUCKETS, registry=_OWN)
_handled_seconds = Histogram("laoban_update_seconds", "Acceptance to the end", buckets=BUCKETS, registry=_OWN)
_telegram_seconds = Histogram("laoban_telegram_seconds", "Time of a call", buckets=BUCKETS, registry=_OWN)
_task_seconds = Histogram("laoban_task_seconds", "Time of a task", ["task"], buckets=BUCKETS, registry=_OWN)


def http_answered(route: str | None, method: str, status: int, seconds: float) -> None:
    """`route` is the rule with its placeholders; None where no rule matched."""
    name = route or "unmatched"
    _http.labels(name, method if method in METHODS else "other", f"{status // 100}xx").inc()
    _http_seconds.labels(name).observe(seconds)


def updates_accepted(transport: str, count: int = 1) -> None:
    """`transport` is webhook or polling."""
    _accepted.labels(transport).inc(count)


def update_handled(result: str, seconds: float) -> None:
    """`result` is done, ignored, retried or dead; `seconds` since it was accepted."""
    _handled.labels(result).inc()
    _handled_seconds.observe(seconds)


def telegram_called(method: str, outcome: str, seconds: float) -> None:
    """`method` as the Bot API names it; `outcome` is ok, refused, flood, revoked, unclear or the like."""
    _telegram.labels(method, outcome).inc()
    _telegram_seconds.observe(seconds)


def outbox_left(result: str, count: int = 1) -> None:
    """`result` is sent, held, dead or unknown."""
    _outbox.labels(result).inc(count)


def task_ended(task: str, result: str, seconds: float) -> None:
    """`result` is ok, retried or failed."""
    _tasks.labels(task, result).inc()
    _task_seconds.labels(task).observe(seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot(Collector):
    """What is read from PostgreSQL and Redis when somebody asks, the same whichever process answers."""

    bots: Mapping[str, int] = field(default_factory=dict)
    inbox_open: int = 0
    inbox_oldest_seconds: float = 0.0
    queues: Mapping[str, int] = field(default_factory=dict)

    def collect(self) -> Iterator[Metric]:
        """The gauges of this moment."""
        bots = GaugeMetricFamily("laoban_bots", "Bots by state", labels=["state"])
        for state, count in self.bots.items():
            bots.add_metric([state], count)
        queues = GaugeMetricFamily("laoban_queue_depth", "Waiting task messages", labels=["queue"])
        for queue, depth in self.queues.items():
            queues.add_metric([queue], depth)
        yield bots
        yield queues
        yield GaugeMetricFamily("laoban_inbox_open", "Updates that wait or are worked on", self.inbox_open)
        oldest = "Age of the oldest open update"
        yield GaugeMetricFamily("laoban_inbox_oldest_seconds", oldest, self.inbox_oldest_seconds)


def render(snapshot: Snapshot | None = None) -> bytes:
    """Everything in Prometheus' text format: the counts of all processes, and the gauges where given."""
    counts = _OWN
    folder = os.environ.get(FOLDER)
    if folder:
        counts = CollectorRegistry()
        MultiProcessCollector(counts, folder)  # type: ignore[no-untyped-call]
    text = generate_latest(counts)
    if snapshot is not None:
        gauges = CollectorRegistry()
        gauges.register(snapshot)
        text += generate_latest(gauges)
    return text


def prepare(folder: Path) -> dict[str, str]:
    """Empties the folder and returns the environment that the processes which count need.

    For the one parent that starts them all; the files of an earlier run would be counted again.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {FOLDER: str(folder)}


def process_ended(pid: int) -> None:
    """For gunicorn's `child_exit` and Celery's `worker_process_shutdown`: drops what only counted while alive."""
    if os.environ.get(FOLDER):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
