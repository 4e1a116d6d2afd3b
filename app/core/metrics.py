"""What the program counts, in one place. Labels take few values: never an id, a name or a path with ids in it.

Several processes (gunicorn workers, Celery's) count into files of one folder, and `render` adds them up. The folder
must be in the environment before this module is imported; without it a process counts for itself.
"""

# ruff: noqa: E402 - prometheus_client reads the environment when it is imported

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
if not os.environ.get(FOLDER):
    # The library takes an empty value for the folder that we stand in.
    os.environ.pop(FOLDER, None)

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from app.core.embedded.processes import exists

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
_broadcasts = Counter("laoban_broadcast_messages", "Calls of broadcasts", ["result"], registry=_OWN)
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


def broadcast_sent(result: str) -> None:
    """A message of a broadcast was sent, or was not."""
    _broadcasts.labels(result).inc()


def task_ended(task: str, result: str, seconds: float) -> None:
    """`result` is ok, retried or failed."""
    _tasks.labels(task, result).inc()
    _task_seconds.labels(task).observe(seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot(Collector):
    """What is read from PostgreSQL and Redis when somebody asks, the same whichever process answers.

    None = it could not be read just now; then its gauge is missing, which an alert can see. A zero would be a lie.
    """

    bots: Mapping[str, int] | None = None
    inbox_open: int | None = None
    inbox_oldest_seconds: float | None = None
    queues: Mapping[str, int] | None = None
    ledger_mismatches: int | None = None

    def collect(self) -> Iterator[Metric]:
        """The gauges of this moment."""
        if self.bots is not None:
            yield _by_label("laoban_bots", "Bots by state", "state", self.bots)
        if self.queues is not None:
            yield _by_label("laoban_queue_depth", "Waiting task messages", "queue", self.queues)
        if self.inbox_open is not None:
            yield GaugeMetricFamily(
                "laoban_inbox_open", "Updates that wait or are worked on", self.inbox_open
            )
        if self.inbox_oldest_seconds is not None:
            oldest = "Age of the oldest open update"
            yield GaugeMetricFamily("laoban_inbox_oldest_seconds", oldest, self.inbox_oldest_seconds)
        if self.ledger_mismatches is not None:
            wrong = "Credit accounts that did not add up when they were last checked"
            yield GaugeMetricFamily("laoban_ledger_mismatches", wrong, self.ledger_mismatches)


def _by_label(name: str, words: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


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
    """Makes the folder, drops the files of processes that are gone, and returns the environment of those that count.

    For whoever starts them, before they start: what an earlier run counted would be counted again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.db"):
        pid = re.search(r"_(\d+)\.db$", path.name)
        if pid and not (exists(int(pid[1])) and int(pid[1]) != os.getpid()):
            path.unlink(missing_ok=True)
    return {FOLDER: str(folder)}


def process_ended(pid: int) -> None:
    """For gunicorn's `child_exit` and Celery's `worker_process_shutdown`: drops what only counted while alive."""
    if os.environ.get(FOLDER):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
