"""Orders: what is due, and the workers that fulfil what is paid."""

from celery import shared_task
from flask import current_app

from app.core.queue import TaskName, transaction
from app.core.stopping import stopping
from app.core.tenancy import system_scope
from app.services.fulfilment import delivery, sweep
from app.services.schedule import claim_slot
from bots import order_worker

SWEEP_SECONDS = 1.5
"""Shorter than the schedule's step, so that a sweep that comes a little early is not lost."""
MOST_BATCHES = 5
"""Of one kind in one sweep; the next one comes soon."""


# Acknowledged at once: leases decide who works, and a sweep brings a successor after a sudden death.
@shared_task(name=TaskName.ORDERS_WORK, acks_late=False)
def work() -> None:
    """Works on paid orders for a slice."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - threads need the app itself
    with system_scope():
        order_worker.run(app, stopping)


@shared_task(name=TaskName.ORDERS_SWEEP)
def sweep_orders() -> None:
    """Starts workers, takes over from dead ones, tells buyers, completes deliveries, ends what was not paid."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.ORDERS_SWEEP, SWEEP_SECONDS):
                return
            sweep.start_workers()
        for step in sweep.STEPS.values():
            for _ in range(MOST_BATCHES):
                with transaction():
                    done = step()
                if not done:
                    break
        with transaction():
            delivered = sweep.list_delivered()
        for order_id in delivered:
            with transaction():
                delivery.heard(order_id)
