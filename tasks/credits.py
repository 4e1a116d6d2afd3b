"""Credits: expired holds, and sending changes to partners."""

import time

from celery import shared_task

from app.core.queue import TaskName, enqueue, transaction
from app.core.stopping import stopping
from app.core.tenancy import system_scope, tenant_scope
from app.gateways import partners
from app.services import partner_alerts
from app.services.credit_sync import claiming, outcome
from app.services.credits import feed, holds
from app.services.orders import taking_back
from app.services.schedule import claim_slot

HOLDS_AT_ONCE = 500
HOLDS_SECONDS = 4.5
SYNC_SECONDS = 1.5
"""Shorter than the schedule, so that a beat that comes a little early is not lost."""
TELL_SECONDS = 9.5
TURN_SECONDS = 5.0
"""After this long a partner's turn ends, so that others get theirs."""


@shared_task(name=TaskName.CREDITS_EXPIRE_HOLDS)
def expire_holds() -> None:
    """Frees holds whose time is over, but those of open disputes."""
    with system_scope(), transaction():
        taking_back.renew(HOLDS_AT_ONCE)
        holds.expire_due(HOLDS_AT_ONCE)


@shared_task(name=TaskName.CREDITS_SYNC)
def sync() -> None:
    """Asks for a turn of each partner that has changes to get, and tells bosses how their partners are."""
    with system_scope(), transaction():
        if not claim_slot(TaskName.CREDITS_SYNC, SYNC_SECONDS):
            return
        for partner_id in claiming.ask_for_due():
            enqueue(TaskName.CREDITS_SEND, partner_id)
        if claim_slot("credits.tell", TELL_SECONDS):
            partner_alerts.sweep()


@shared_task(name=TaskName.CREDITS_SEND)
def send(partner_id: int) -> None:
    """A partner's turn: one batch after the other while he takes them, for a few seconds at most."""
    until = time.monotonic() + TURN_SECONDS
    while send_one(partner_id):
        if time.monotonic() > until or stopping.is_set():
            with system_scope(), transaction():
                if claiming.ask_again(partner_id):
                    enqueue(TaskName.CREDITS_SEND, partner_id)
            return


def send_one(partner_id: int) -> bool:
    """Sends one batch; True when the next may follow at once."""
    with system_scope():
        with transaction():
            settled = feed.advance()
        with transaction():
            parcel = claiming.claim(partner_id, settled)
    if parcel is None:
        return False
    began = time.monotonic()
    answer = partners.send(parcel.url, parcel.key_id, parcel.secrets, parcel.batch_id, parcel.items)
    with tenant_scope(parcel.tenant_id), transaction():
        return outcome.complete(parcel, answer, time.monotonic() - began)
