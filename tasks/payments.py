"""Payments: links, questions to providers, refunds, the daily comparison, news for the boss."""

from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from celery import shared_task

from app.core.queue import TaskName, transaction
from app.core.tenancy import system_scope, tenant_scope
from app.domain.payments import Receipt
from app.gateways.payments.base import ProviderFailed
from app.services import reconciliation, shop_alerts
from app.services.payments import asking, creating, refunding
from app.services.payments import sweep as sweeping
from app.services.schedule import claim_slot

SWEEP_SECONDS = 2.5
ASK_SECONDS = 9
RECONCILE_SECONDS = 590
TELL_SECONDS = 4.5
ASK_THREADS = 8
ASK_BUDGET = 90.0
"""Seconds of one round; shorter than the lease of its questions."""


@shared_task(name=TaskName.PAYMENTS_SWEEP)
def sweep() -> None:
    """Closes what is over, asks for the tasks of what waits."""
    with system_scope(), transaction():
        if claim_slot(TaskName.PAYMENTS_SWEEP, SWEEP_SECONDS):
            sweeping.sweep()


@shared_task(name=TaskName.PAYMENTS_CREATE)
def create(payment_id: int) -> None:
    """Makes a payment at its provider and sends the buyer his button."""
    with system_scope():
        with transaction():
            making = creating.claim(payment_id)
        if making is None:
            return
    with tenant_scope(making.tenant_id):
        try:
            made = creating.make(making)
        except ProviderFailed as error:
            with transaction():
                creating.fail(making, error)
            return
        with transaction():
            creating.complete(making, made)


@shared_task(name=TaskName.PAYMENTS_ASK)
def ask() -> None:
    """Asks providers about payments that nobody told us about."""
    with system_scope():
        with transaction():
            queries = asking.claim_due() if claim_slot(TaskName.PAYMENTS_ASK, ASK_SECONDS) else []
        # Only the calls are made in threads; what is left over when the time is up is asked when its lease is over.
        with ThreadPoolExecutor(ASK_THREADS, thread_name_prefix="ask") as pool:
            asked = {pool.submit(asking.ask, query): query for query in queries}
            try:
                for answer in as_completed(asked, timeout=ASK_BUDGET):
                    _take_in(asked[answer], answer)
            except TimeoutError:
                pool.shutdown(wait=False, cancel_futures=True)


def _take_in(query: asking.Query, answer: Future[Receipt]) -> None:
    try:
        receipt = answer.result()
    except ProviderFailed as error:
        with tenant_scope(query.tenant_id), transaction():
            asking.fail(query, error)
        return
    with tenant_scope(query.tenant_id), transaction():
        asking.take_in(query, receipt)


@shared_task(name=TaskName.PAYMENTS_REFUND)
def refund(refund_id: int) -> None:
    """Sends one refund, or asks what became of it."""
    with system_scope():
        with transaction():
            sending = refunding.claim(refund_id)
        if sending is None:
            return
    with tenant_scope(sending.tenant_id):
        try:
            answer = refunding.send(sending)
        except ProviderFailed as error:
            with transaction():
                refunding.fail(sending, error)
            return
        with transaction():
            refunding.complete(sending, answer)


@shared_task(name=TaskName.PAYMENTS_RECONCILE)
def reconcile() -> None:
    """Compares yesterday's payments with their providers, once a day for each tenant."""
    with system_scope(), transaction():
        due = reconciliation.claim_due() if claim_slot(TaskName.PAYMENTS_RECONCILE, RECONCILE_SECONDS) else []
    for day in due:
        with tenant_scope(day.tenant_id):
            theirs = reconciliation.ask(day)
            with transaction():
                reconciliation.write(day, theirs)


@shared_task(name=TaskName.PAYMENTS_TELL)
def tell() -> None:
    """Writes the boss's news to the outbox."""
    with system_scope(), transaction():
        if claim_slot(TaskName.PAYMENTS_TELL, TELL_SECONDS):
            shop_alerts.tell()
