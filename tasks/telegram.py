"""Telegram's side of background work: reading the inbox, sending the outbox."""

from celery import shared_task
from flask import current_app

from app.core.queue import TaskName, enqueue, send, transaction
from app.core.settings import get_settings
from app.core.stopping import stopping
from app.core.tenancy import system_scope, tenant_scope
from app.services import directory, leases, outbox
from app.services.schedule import claim_slot
from bots import dispatcher
from bots.drain.reader import Drain
from bots.telegram.outbox import flush


@shared_task(name=TaskName.TELEGRAM_TICK)
def tick() -> None:
    """Starts readers of the inbox where fewer live than there should be."""
    settings = get_settings()
    with system_scope(), transaction():
        # Shorter than the schedule's three seconds, so that a tick that comes a little early is not lost.
        if not claim_slot(TaskName.TELEGRAM_TICK, 2):
            return
        leases.create_shards(leases.CHAT, settings.chat_shards)
        held, owners = leases.held(leases.CHAT, settings.chat_shards)
        if held < settings.chat_shards:
            for _ in range(settings.drain_slices - owners):
                enqueue(TaskName.TELEGRAM_DRAIN)


# Acknowledged at once: the lease decides who reads, and a tick brings a successor after a sudden death.
@shared_task(name=TaskName.TELEGRAM_DRAIN, acks_late=False)
def drain() -> None:
    """Stays for a slice: reads the inbox and has its updates handled."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - threads need the app itself
    Drain(get_settings(), app, dispatcher.handle, directory.find).run(stopping)


@shared_task(name=TaskName.TELEGRAM_SEND_OUTBOX)
def send_outbox(bot_id: int) -> None:
    """Sends what is due for one bot, and asks for a successor when its time is over."""
    config = directory.find(bot_id)
    if config is None:
        return
    with tenant_scope(config.tenant_id):
        if flush(config, stopping):
            send(TaskName.TELEGRAM_SEND_OUTBOX, bot_id)


@shared_task(name=TaskName.TELEGRAM_SWEEP_OUTBOX)
def sweep_outbox() -> None:
    """Finds messages that wait although nobody was asked to send them."""
    with system_scope(), transaction():
        # Shorter than the schedule, as above.
        if claim_slot(TaskName.TELEGRAM_SWEEP_OUTBOX, 4):
            outbox.sweep()
