"""Broadcasts: starting those that are due, and sending."""

from celery import shared_task
from flask import current_app

from app.core.queue import TaskName, send, transaction
from app.core.stopping import stopping
from app.core.tenancy import system_scope, tenant_scope
from app.services import broadcasts, directory
from app.services.schedule import claim_slot
from bots.telegram import broadcasts as sender


@shared_task(name=TaskName.BROADCASTS_SEND)
def send_some(bot_id: int) -> None:
    """Gives one broadcast of the bot its turn, and asks for a successor when its time is over."""
    config = directory.find(bot_id)
    if config is None or not config.enabled:
        with system_scope(), transaction():
            broadcasts.halt_silent(bot_id)
        return
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - threads need the app itself
    with tenant_scope(config.tenant_id):
        if sender.send(app, config, stopping):
            send(TaskName.BROADCASTS_SEND, bot_id)


@shared_task(name=TaskName.BROADCASTS_SWEEP)
def sweep() -> None:
    """Starts what is due, pauses what cannot go on, and finds broadcasts that nobody sends."""
    with system_scope(), transaction():
        # Shorter than the schedule, so that a sweep that comes a little early is not lost.
        if claim_slot(TaskName.BROADCASTS_SWEEP, 2):
            broadcasts.sweep()
