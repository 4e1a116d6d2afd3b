"""Long polling: the tick makes sure that every shard of bots has an owner, a slice is an owner for a while."""

from celery import shared_task

from app.core.queue import TaskName, enqueue, transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.services import leases
from app.services.schedule import claim_slot
from bots.telegram import polling

TICK_SECONDS = 2
"""Shorter than the steps of the schedule, so that a message that comes a little early is not lost."""


@shared_task(name=TaskName.POLLING_TICK)
def tick() -> None:
    """Asks for a slice for each shard that nobody holds."""
    shards = get_settings().poll_shards
    with system_scope(), transaction():
        if not claim_slot(TaskName.POLLING_TICK, TICK_SECONDS):
            return
        leases.create_shards(leases.POLL, shards)
        held, _ = leases.held(leases.POLL, shards)
        for _ in range(shards - held):
            enqueue(TaskName.POLLING_SLICE)


@shared_task(name=TaskName.POLLING_SLICE, acks_late=False)
def slice_() -> None:
    """Polls a shard; acknowledged at its start, since the tick replaces what dies."""
    with system_scope():
        polling.run()
