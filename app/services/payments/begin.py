"""Asking for money: a payment is written down before any provider hears of it. One order has at most one open payment."""

import secrets
from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import TaskName, enqueue
from app.domain.orders import Actor, OrderState
from app.domain.payments import PaymentState, Provider, next_query
from app.models import Order, Payment
from app.services import service_accounts
from app.services.orders import lookup as orders
from app.services.orders import moves
from app.services.payments import lookup, messages
from app.services.payments.errors import NotPayable, ProviderMissing

MAX_PAYMENTS: Final = 20
"""So many payments one order may have: each is a call at a provider."""

# The index of open payments decides between two that begin at once.
_INSERT = text("""
INSERT INTO payment (tenant_id, order_id, provider, reference, account, own_account, amount_minor, currency, state,
                     query_at)
VALUES (:tenant_id, :order_id, :provider, :reference, :account, :own, :amount, :currency, :state, :query_at)
ON CONFLICT (order_id) WHERE state IN ('creating', 'open') DO NOTHING RETURNING id
""")
_CLOSE = text("""
UPDATE payment SET state = 'closed', closed_at = :now, lease_until = NULL, error = coalesce(error, :why)
WHERE order_id = :order_id AND state IN ('creating', 'open') RETURNING id
""")


def begin(order: Order) -> Payment:
    """The order's open payment: a new one, or the one that is there. The buyer hears how to pay by one message.

    Belongs into the order's transaction. Raises NotPayable, ProviderMissing.
    """
    _check_payable(order)
    account, own = _account(order)
    now = clock.now()
    db.session.flush()
    if len(lookup.payments_of(order.id)) >= MAX_PAYMENTS:
        raise NotPayable
    made = db.session.scalar(
        _INSERT,
        {
            "tenant_id": order.tenant_id,
            "order_id": order.id,
            "provider": order.provider,
            "reference": f"{order.code}-{secrets.token_hex(4)}",
            "account": account,
            "own": own,
            "amount": order.amount_minor,
            "currency": order.currency,
            "state": PaymentState.CREATING if order.provider is Provider.PINGPONG else PaymentState.OPEN,
            "query_at": next_query(now, now) if order.provider is Provider.PINGPONG else None,
        },
    )
    if made is None:
        found = lookup.find_open(order.id)
        if found is None:
            # It was closed in this very moment; whoever wants to pay asks again.
            raise NotPayable
        return found
    payment = lookup.get(made)
    _ask(order, payment)
    return payment


def again(order_id: int) -> Payment:
    """The buyer wants to pay now: the open payment, whose `url` is its page, or a new one. Raises NotPayable."""
    order = orders.get(order_id, lock=True)
    _check_payable(order)
    return lookup.find_open(order_id) or begin(order)


def switch(order_id: int, provider: Provider, amount_minor: int, currency: str) -> Payment:
    """The buyer chooses another way to pay, whose price the caller knows. Raises NotPayable, ProviderMissing."""
    order = orders.get(order_id, lock=True)
    _check_payable(order)
    open_one = lookup.find_open(order_id)
    if open_one is not None and open_one.provider is provider:
        return open_one
    close_open(order_id, "another way was chosen")
    order.provider, order.amount_minor, order.currency = provider, amount_minor, currency
    moves.note(order, "provider_changed", Actor.BUYER, details={"provider": provider.value})
    return begin(order)


def close_open(order_id: int, why: str) -> bool:
    """Nobody shall pay any more; money that comes all the same is honoured. False when nothing was open."""
    values = {"order_id": order_id, "why": why, "now": clock.now()}
    closed = db.session.execute(_CLOSE, values).scalars().all()
    for payment_id in closed:
        db.session.refresh(lookup.get(payment_id))
    return bool(closed)


def _check_payable(order: Order) -> None:
    if order.state is not OrderState.PENDING or order.expires_at <= clock.now():
        raise NotPayable


def _account(order: Order) -> tuple[str, bool]:
    """(the account's name at the provider, whether it is the tenant's own). Raises ProviderMissing."""
    if order.provider is Provider.PINGPONG:
        account = service_accounts.pingpong(order.tenant_id)
        if account is None:
            raise ProviderMissing
        return account.acc_id, account.own
    if order.provider is Provider.MANUAL and service_accounts.manual(order.tenant_id) is None:
        raise ProviderMissing
    return "", True


def _ask(order: Order, payment: Payment) -> None:
    match payment.provider:
        case Provider.PINGPONG:
            enqueue(TaskName.PAYMENTS_CREATE, payment.id)
        case Provider.STARS:
            messages.invoice(order, payment)
        case Provider.MANUAL:
            account = service_accounts.manual(order.tenant_id)
            if account is None:
                raise ProviderMissing
            messages.transfer(order, payment, account)
