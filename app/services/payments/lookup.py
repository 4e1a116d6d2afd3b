"""Finding payments, the money that came in for them, and refunds."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from app.core.db import db
from app.core.errors import NotFound
from app.domain.payments import PaymentState, Provider, Verdict
from app.models import Order, Payment, PaymentEvent, PaymentReceipt, Refund

OPEN = (PaymentState.CREATING, PaymentState.OPEN)


def get(payment_id: int, *, lock: bool = False) -> Payment:
    """Raises NotFound. Whoever locks a payment holds its order's lock already."""
    query = select(Payment).where(Payment.id == payment_id).execution_options(populate_existing=lock)
    payment = db.session.scalar(query.with_for_update() if lock else query)
    if payment is None:
        raise NotFound
    return payment


def find_by_reference(provider: Provider, reference: str) -> Payment | None:
    """By our own id at the provider."""
    return db.session.scalar(
        select(Payment).where(Payment.provider == provider, Payment.reference == reference)
    )


def find_open(order_id: int) -> Payment | None:
    """The one payment of the order that can be paid, or is about to be."""
    return db.session.scalar(
        select(Payment)
        .where(Payment.order_id == order_id, Payment.state.in_(OPEN))
        .execution_options(populate_existing=True)
    )


def payments_of(order_id: int) -> Sequence[Payment]:
    """All payments of an order, the oldest first."""
    return db.session.scalars(select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)).all()


def receipts_of(order_id: int) -> Sequence[PaymentReceipt]:
    """The money that came in for an order, the oldest first."""
    query = select(PaymentReceipt).where(PaymentReceipt.order_id == order_id).order_by(PaymentReceipt.id)
    return db.session.scalars(query.execution_options(populate_existing=True)).all()


def list_refundable(order_id: int) -> list[PaymentReceipt]:
    """The receipts of which something can still go back; the one that the order was paid with comes first."""
    found = [one for one in receipts_of(order_id) if one.refunded_minor < one.amount_minor]
    return sorted(found, key=lambda one: (not one.accepted, one.id))


def accepted(order_id: int) -> PaymentReceipt | None:
    """What the order was paid with."""
    query = select(PaymentReceipt).where(PaymentReceipt.order_id == order_id, PaymentReceipt.accepted)
    return db.session.scalar(query.execution_options(populate_existing=True))


def find_receipt(tenant_id: int, provider: Provider, transaction: str) -> PaymentReceipt | None:
    """By the provider's id of the money's movement."""
    query = select(PaymentReceipt).where(
        PaymentReceipt.tenant_id == tenant_id,
        PaymentReceipt.provider == provider,
        PaymentReceipt.transaction == transaction,
    )
    return db.session.scalar(query.execution_options(populate_existing=True))


def refunds_of(order_id: int) -> Sequence[Refund]:
    """The refunds of an order, the oldest first."""
    return db.session.scalars(select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)).all()


def claimed_at(payments: Iterable[Payment]) -> datetime | None:
    """When the buyer said that he has transferred the money, as long as that can still be confirmed."""
    claims = (one.claimed_at for one in payments if one.state is PaymentState.OPEN)
    return next((at for at in claims if at is not None), None)


def events_of(payment_ids: Collection[int]) -> Sequence[PaymentEvent]:
    """What the provider told about payments, the oldest first."""
    query = select(PaymentEvent).where(PaymentEvent.payment_id.in_(payment_ids)).order_by(PaymentEvent.id)
    return db.session.scalars(query).all()


def list_events(
    tenant_id: int, verdict: Verdict | None = None, *, before: int = 0, limit: int = 50
) -> Sequence[tuple[PaymentEvent, Payment, str]]:
    """(callback, payment, the order's code) of a tenant, the newest first; `before` is the id that the page follows."""
    query = (
        select(PaymentEvent, Payment, Order.code)
        .join(Payment, Payment.id == PaymentEvent.payment_id)
        .join(Order, Order.id == Payment.order_id)
        .where(PaymentEvent.tenant_id == tenant_id)
    )
    if verdict is not None:
        query = query.where(PaymentEvent.verdict == verdict)
    if before:
        query = query.where(PaymentEvent.id < before)
    rows = db.session.execute(query.order_by(PaymentEvent.id.desc()).limit(limit))
    return [(event, payment, code) for event, payment, code in rows]
