"""Housekeeping: e-mail, and forgetting what no longer means anything."""

import time

from celery import shared_task

from app.core.queue import TaskName, enqueue, transaction
from app.core.settings import get_settings
from app.core.tenancy import system_scope
from app.gateways.mail import MailRefused, MailUnreachable, mailer
from app.services import mails, people, retention
from app.services.affiliates import nightly as commissions
from app.services.credits import nightly
from app.services.schedule import claim_slot

PRUNE_SECONDS = 300
LEDGER_SECONDS = 300


@shared_task(name=TaskName.MAINTENANCE_SEND_MAIL)
def send_mail(mail_id: int) -> None:
    """Sends one letter."""
    with system_scope(), transaction():
        letter = mails.claim(mail_id)
    if letter is None:
        return
    try:
        mailer(get_settings()).send(letter)
    except (MailRefused, MailUnreachable) as error:
        with transaction():
            mails.fail(letter.id, error.code, for_good=not error.retryable)
    else:
        with transaction():
            mails.complete(letter.id)


@shared_task(name=TaskName.MAINTENANCE_SWEEP_MAIL)
def sweep_mail() -> None:
    """Asks again for letters that are due."""
    with transaction():
        if not claim_slot("maintenance.sweep_mail", 30):
            return
        for mail_id in mails.list_due():
            enqueue(TaskName.MAINTENANCE_SEND_MAIL, mail_id)


@shared_task(name=TaskName.MAINTENANCE_FORGET)
def forget() -> None:
    """Deletes ended sessions, old counts of failed log-ins and letters that have left."""
    with transaction():
        if claim_slot("maintenance.forget", 3600):
            people.prune()
            mails.prune()


@shared_task(name=TaskName.MAINTENANCE_PRUNE)
def prune() -> None:
    """Deletes old updates and the like in small batches, for a few minutes at most."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.MAINTENANCE_PRUNE, 590):
                return
        until = time.monotonic() + PRUNE_SECONDS
        for kind in retention.KINDS:
            more = True
            while more and time.monotonic() < until:
                with transaction():
                    more = retention.forget_some(kind)


@shared_task(name=TaskName.MAINTENANCE_CHECK_LEDGER)
def check_ledger() -> None:
    """Adds up the credits of tenants whose turn it is, one in each transaction, for a few minutes at most."""
    with system_scope():
        with transaction():
            if not claim_slot(TaskName.MAINTENANCE_CHECK_LEDGER, 590):
                return
        until = time.monotonic() + LEDGER_SECONDS
        while time.monotonic() < until:
            with transaction():
                tenant_id = nightly.claim_next()
            if tenant_id is None:
                return
            with transaction():
                nightly.run(tenant_id)


@shared_task(name=TaskName.MAINTENANCE_CHECK_COMMISSIONS)
def check_commissions() -> None:
    """Adds up the commissions of every tenant for whom it is night, one in each transaction."""
    with system_scope():
        with transaction():
            due = commissions.due()
        for tenant_id in due:
            with transaction():
                if commissions.claim(tenant_id):
                    commissions.run(tenant_id)
