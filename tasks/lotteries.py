"""Lotteries: opening, closing, drawing, telling the winners, channel posts, repeats."""

import logging
import time
from collections.abc import Callable

from celery import shared_task
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from app.core.queue import TaskName, transaction
from app.core.tenancy import system_scope
from app.services.lotteries import manage, posts
from app.services.lotteries import sweep as sweeping
from app.services.schedule import claim_slot

log = logging.getLogger(__name__)
SWEEP_SECONDS = 1.5
RING = "lotteries.ring"
RING_SECONDS = 4.5
REFRESH_SECONDS = 4
"""Shorter than the schedule's step, so that a round ends before the next one is due."""


@shared_task(name=TaskName.LOTTERIES_SWEEP)
def sweep() -> None:
    """Opens and closes what is due, asks again for draws that are not done."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.LOTTERIES_SWEEP, SWEEP_SECONDS):
                return
            due = sweeping.find()
            if claim_slot(RING, RING_SECONDS):
                sweeping.ring()
        beacon = manage.prepare_beacon() if due.opening else None
        for step in sweeping.steps(due, beacon):
            _try(step)


def _try(step: Callable[[], object]) -> None:
    """One transaction. A lottery that somebody holds for too long is left for the next time and stops no other."""
    try:
        with transaction():
            step()
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        log.warning("a lottery that is due is held by somebody", extra={"reason": str(error.orig)})


@shared_task(name=TaskName.LOTTERIES_REFRESH_POSTS)
def refresh_posts() -> None:
    """Brings the counters of posts in channels up to date."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.LOTTERIES_REFRESH_POSTS, REFRESH_SECONDS):
                return
        until, more = time.monotonic() + REFRESH_SECONDS, True
        while more and time.monotonic() < until:
            with transaction():
                more = posts.sweep()
