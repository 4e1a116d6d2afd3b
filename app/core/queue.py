"""Work for later: task names, queues, and the transaction that sends what was queued only after its commit.

PostgreSQL holds the truth; a task message or a bell only says "look now". Losing one costs latency, because
sweeps look for rows in a state. So failing to send is logged and counted, and never fails the caller.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from flask import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from app.core.bells import Bell, ring_now
from app.core.db import db
from app.core.redis import quick

log = logging.getLogger(__name__)


class Queue(StrEnum):
    """The five queues; `celeryconfig.py` says which task goes where."""

    HIGH = "high"
    DEFAULT = "default"
    LOW = "low"
    BATCH = "batch"
    POLLING = "polling"


class TaskName(StrEnum):
    """Every task. The part before the dot is the file in `tasks/` and decides the queue."""

    POLLING_TICK = "polling.tick"
    POLLING_SLICE = "polling.slice"
    TELEGRAM_TICK = "telegram.tick"
    TELEGRAM_DRAIN = "telegram.drain"
    TELEGRAM_SEND_OUTBOX = "telegram.send_outbox"
    TELEGRAM_SWEEP_OUTBOX = "telegram.sweep_outbox"
    BOTS_APPLY = "bots.apply"
    BOTS_SWEEP = "bots.sweep"
    BOTS_CHECK_HEALTH = "bots.check_health"
    BOTS_SEND_ALERTS = "bots.send_alerts"
    LOTTERIES_SWEEP = "lotteries.sweep"
    LOTTERIES_DRAW = "lotteries.draw"
    LOTTERIES_CHECK = "lotteries.check"
    LOTTERIES_SETTLE = "lotteries.settle"
    LOTTERIES_REFRESH_POSTS = "lotteries.refresh_posts"
    LOTTERIES_REPEAT = "lotteries.repeat"
    BROADCASTS_SWEEP = "broadcasts.sweep"
    BROADCASTS_SEND = "broadcasts.send"
    ORDERS_SWEEP = "orders.sweep"
    ORDERS_WORK = "orders.work"
    PAYMENTS_SWEEP = "payments.sweep"
    PAYMENTS_CREATE = "payments.create"
    PAYMENTS_ASK = "payments.ask"
    PAYMENTS_REFUND = "payments.refund"
    PAYMENTS_RECONCILE = "payments.reconcile"
    PAYMENTS_TELL = "payments.tell"
    CREDITS_SYNC = "credits.sync"
    CREDITS_SEND = "credits.send"
    CREDITS_EXPIRE_HOLDS = "credits.expire_holds"
    MAINTENANCE_PRUNE = "maintenance.prune"
    MAINTENANCE_SEND_MAIL = "maintenance.send_mail"
    MAINTENANCE_SWEEP_MAIL = "maintenance.sweep_mail"
    MAINTENANCE_FORGET = "maintenance.forget"
    MAINTENANCE_CHECK_LEDGER = "maintenance.check_ledger"
    MAINTENANCE_CHECK_COMMISSIONS = "maintenance.check_commissions"


@dataclass(frozen=True)
class _Job:
    name: TaskName
    args: tuple[int | str, ...]


@dataclass(frozen=True)
class _Ring:
    bell: Bell
    what: str


_queued: ContextVar[list[_Job | _Ring] | None] = ContextVar("queued", default=None)


@contextmanager
def transaction() -> Iterator[None]:
    """Runs the block, commits, then sends what the block queued; on any error rolls back and sends nothing.

    Does not nest: the entry point owns the transaction.
    """
    if _queued.get() is not None:
        raise RuntimeError("transaction() does not nest: only the entry point opens one")
    jobs: list[_Job | _Ring] = []
    token = _queued.set(jobs)
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        _queued.reset(token)
    for job in jobs:
        if isinstance(job, _Job):
            send(job.name, *job.args)
        else:
            ring_now(job.bell, job.what)


def _pending() -> list[_Job | _Ring]:
    jobs = _queued.get()
    if jobs is None:
        raise RuntimeError("work may only be queued inside transaction()")
    return jobs


def enqueue(name: TaskName, *args: int | str) -> None:
    """Asks for a task after the commit, once however often it is asked for. Arguments are ids, never secrets."""
    job, jobs = _Job(name, args), _pending()
    if job not in jobs:
        jobs.append(job)


def ring(bell: Bell, what: str | int = "") -> None:
    """Rings a bell after the commit."""
    _pending().append(_Ring(bell, str(what)))


def send(name: TaskName, *args: int | str) -> None:
    """Sends a task message at once: for ticks and hand-overs, which belong to no transaction."""
    try:
        current_app.extensions["celery"].send_task(str(name), args=list(args))
    except (OperationalError, RedisError, OSError) as error:
        log.warning(
            "task message not sent, a sweep will find the work", extra={"task": name, "reason": str(error)}
        )


def depths() -> dict[str, int]:
    """How many task messages wait in each queue. Raises RedisError."""
    options = current_app.extensions["celery"].conf.broker_transport_options
    steps = options["priority_steps"]
    with quick().pipeline(transaction=False) as pipe:
        for queue in Queue:
            for step in steps:
                # Kombu keeps a list for each priority; the lowest number has the plain name.
                pipe.llen(f"{options['global_keyprefix']}{queue}" + (f"\x06\x16{step}" if step else ""))
        found = pipe.execute()
    return {
        str(queue): sum(found[place * len(steps) : (place + 1) * len(steps)])
        for place, queue in enumerate(Queue)
    }
