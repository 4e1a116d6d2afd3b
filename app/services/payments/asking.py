"""Asking providers by ourselves about payments that nobody tells us about: claim (commit), ask, take in (commit)."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.domain.orders import Actor
from app.domain.payments import MoneyStatus, PaymentState, Receipt, Verdict, next_query
from app.gateways.payments.base import Gateway, ProviderFailed, ProviderRefused
from app.services import breakers
from app.services.breakers import Wait
from app.services.payments import accounts, alerts, hearing, lookup, marking

BATCH: Final = 100
PER_TENANT: Final = 20
"""Payments of one tenant that are asked about in one round, so that none takes all the time."""
LEASE_SECONDS: Final = 120
"""Whoever asks moves the time of the next question by this much, so that nobody asks beside him."""

_DUE = text("""
WITH due AS (
    SELECT id, row_number() OVER (PARTITION BY tenant_id ORDER BY query_at, id) AS turn, query_at
    FROM payment WHERE query_at <= :now
), chosen AS (
    SELECT p.id FROM payment p JOIN due d ON d.id = p.id
    WHERE d.turn <= :per_tenant AND p.query_at <= :now
    ORDER BY d.turn, d.query_at LIMIT :most FOR UPDATE OF p SKIP LOCKED
)
UPDATE payment SET query_at = :until FROM chosen WHERE payment.id = chosen.id RETURNING payment.id
""")


@dataclass(frozen=True, slots=True)
class Query:
    """One question."""

    payment_id: int
    tenant_id: int
    service: str
    reference: str
    transaction: str
    gateway: Gateway = field(repr=False)


def claim_due() -> list[Query]:
    """Takes payments that are due to be asked about, fairly among tenants."""
    now = clock.now()
    values = {"now": now, "until": now + timedelta(seconds=LEASE_SECONDS), "most": BATCH}
    chosen = db.session.execute(_DUE, values | {"per_tenant": PER_TENANT}).scalars().all()
    waits: dict[tuple[int, str], bool] = {}
    queries = [_query(payment_id, waits) for payment_id in chosen]
    return [query for query in queries if query is not None]


def ask(query: Query) -> Receipt:
    """Asks the provider. Raises ProviderFailed."""
    return query.gateway.query(query.reference, query.transaction)


def take_in(query: Query, receipt: Receipt) -> Verdict:
    """Writes down what the provider said, and when it is asked next."""
    breakers.succeeded(query.tenant_id, query.service)
    verdict = Verdict.NOTED
    if receipt.status is not MoneyStatus.UNKNOWN:
        verdict = hearing.hear(query.payment_id, receipt, told_by=Actor.RECONCILIATION)
    _schedule(
        query.payment_id, over=receipt.status is MoneyStatus.CLOSED or verdict is Verdict.AMOUNT_MISMATCH
    )
    return verdict


def fail(query: Query, error: ProviderFailed) -> None:
    """There was no answer; it is asked again at its next time."""
    if isinstance(error, ProviderRefused):
        alerts.service_refused(query.tenant_id, query.service, str(error), key_bad=error.key_bad)
    else:
        alerts.service_failed(query.tenant_id, query.service, str(error))
    _schedule(query.payment_id, over=False)


def _query(payment_id: int, waits: dict[tuple[int, str], bool]) -> Query | None:
    payment = lookup.get(payment_id)
    gateway = accounts.gateway_of(payment)
    if gateway is None or payment.state is PaymentState.PAID:
        db.session.refresh(payment)
        payment.query_at = None
        if payment.state is not PaymentState.PAID:
            # Whoever still pays there pays into an account that we cannot see any more.
            alerts.service_refused(
                payment.tenant_id,
                payment.provider.value,
                "the account of open payments was taken out",
                key_bad=True,
            )
        return None
    service = payment.provider.value
    key = payment.tenant_id, service
    if key not in waits:
        waits[key] = isinstance(breakers.allow(*key), Wait)
    if waits[key]:
        return None
    return Query(
        payment.id, payment.tenant_id, service, payment.reference, payment.transaction or "", gateway
    )


def _schedule(payment_id: int, *, over: bool) -> None:
    _, payment = marking.lock(payment_id)
    if payment.state is PaymentState.PAID or over:
        payment.query_at = None
    else:
        payment.query_at = next_query(payment.created_at, clock.now())
