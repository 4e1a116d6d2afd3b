"""Lotteries: opening, closing, drawing, telling the winners, channel posts, repeats."""

import time

from celery import shared_task

from app.core.queue import TaskName, transaction
from app.core.tenancy import system_scope
from app.services.lotteries import posts
from app.services.schedule import claim_slot

REFRESH_SECONDS = 4
"""Shorter than the schedule's step, so that a round ends before the next one is due."""


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
