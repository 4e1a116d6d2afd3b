"""Background work for bots: making Telegram match the wish, health checks, alerts."""

import time

from celery import shared_task

from app.core.queue import TaskName, transaction
from app.core.tenancy import system_scope
from app.services import bots, health
from app.services.health import alerts
from app.services.schedule import claim_slot

CHECK_SECONDS = 45
"""A round of health checks ends before the next one is due. Slots are a little shorter than the schedule's steps, so
that a message that comes early is not lost."""


@shared_task(name=TaskName.BOTS_APPLY)
def apply(bot_id: int) -> None:
    """Makes Telegram match what the boss wants of one bot."""
    with system_scope():
        with transaction():
            job = bots.claim(bot_id)
        if job is not None:
            done = bots.perform(job)
            with transaction():
                bots.complete(done)


@shared_task(name=TaskName.BOTS_SWEEP)
def sweep() -> None:
    """Finds bots whose wish and fact differ."""
    with system_scope(), transaction():
        if claim_slot(TaskName.BOTS_SWEEP, 4):
            bots.sweep()


@shared_task(name=TaskName.BOTS_CHECK_HEALTH)
def check_health() -> None:
    """Asks Telegram about the bots whose turn it is."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.BOTS_CHECK_HEALTH, 50):
                return
        until = time.monotonic() + CHECK_SECONDS
        while time.monotonic() < until and _check_some():
            pass


def _check_some() -> bool:
    """One batch; False when nobody is due any more."""
    with transaction():
        questions = health.claim_due()
    for answer in health.ask_all(questions):
        with transaction():
            health.record(answer)
    return bool(questions)


@shared_task(name=TaskName.BOTS_SEND_ALERTS)
def send_alerts() -> None:
    """Tells bosses about bots that fell ill or are well again."""
    with system_scope(), transaction():
        if claim_slot(TaskName.BOTS_SEND_ALERTS, 12):
            alerts.tell()
