"""Payments for tests: an account at PingPong, an order that waits, and callbacks as the vendor signs them."""

import json
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.money import STARS, Money
from app.domain.orders import Actor
from app.domain.payments import MoneyStatus, Provider, Receipt, Service, Verdict
from app.gateways.payments import signing
from app.models import Order, OutgoingMessage, Payment, ShopAlert, Tenant
from app.services import service_accounts
from app.services.orders import expiry
from app.services.payments import begin, creating
from app.services.payments.marking import mark_paid
from tasks import payments as tasks
from tests.sandbox_client import PINGPONG_ACCOUNT
from tests.shopping import a_product, an_order

ACCOUNT = PINGPONG_ACCOUNT
OTHER_SALT = "ANOTHER0SALT0OF0NO0WORTH"


def set_up_pingpong(tenant: Tenant, acc_id: str = ACCOUNT["acc_id"], salt: str = ACCOUNT["salt"]) -> None:
    """The tenant's own account."""
    public = {"client_id": acc_id[:-3], "acc_id": acc_id}
    with transaction():
        service_accounts.save(tenant.id, Service.PINGPONG, public, secret=salt)


def set_up_transfer(tenant: Tenant, **more: Any) -> None:
    """The tenant takes transfers by hand."""
    with transaction():
        service_accounts.save(tenant.id, Service.MANUAL, {"instructions": "Alipay 138"}, **more)


def waiting_order(tenant: Tenant, provider: Provider = Provider.PINGPONG, **fields: Any) -> Order:
    """An order for 19.90 USD (50 Stars) that waits for its payment."""
    if provider is Provider.STARS:
        fields = {"amount_minor": 50, "currency": STARS, **fields}
    return an_order(a_product(tenant), provider=provider, **fields)


def ask_for(order: Order) -> Payment:
    """The order's payment, not yet known to its provider."""
    with transaction():
        return begin.begin(order)


def make(payment: Payment) -> bool:
    """Lets the provider make the payment, as the task does."""
    with transaction():
        making = creating.claim(payment.id)
    assert making is not None
    made = creating.make(making)
    with transaction():
        return creating.complete(making, made)


def a_payment(tenant: Tenant, provider: Provider = Provider.PINGPONG, **fields: Any) -> Payment:
    """A payment of a waiting order; at PingPong as if it had been made there."""
    if provider is Provider.PINGPONG:
        set_up_pingpong(tenant)
    elif provider is Provider.MANUAL:
        set_up_transfer(tenant)
    payment = ask_for(waiting_order(tenant, provider, **fields))
    if provider is Provider.PINGPONG:
        payment.state, payment.url = "open", "https://pay.example/1"
        db.session.commit()
    return fresh(payment)


def order_of(payment: Payment) -> Order:
    """Its order as it is now."""
    return db.session.get_one(Order, payment.order_id, populate_existing=True)


def fresh(payment: Payment) -> Payment:
    """The payment as it is now."""
    return db.session.get_one(Payment, payment.id, populate_existing=True)


def receipt_of(payment: Payment, transaction: str = "T1", **more: Any) -> Receipt:
    """The payment's own amount came in."""
    amount = Money(payment.amount_minor, payment.currency)
    return Receipt(payment.reference, MoneyStatus.SUCCESS, transaction, more.pop("amount", amount), **more)


def told(payment: Payment, status: str = "SUCCESS", **more: Any) -> dict[str, object]:
    """The content of a callback about a payment; `more` replaces fields."""
    return {
        "amount": "19.900000",
        "currency": "USD",
        "merchantTransactionId": payment.reference,
        "transactionId": "T1",
        "notifyType": "RECHARGE",
        "status": status,
        "transactionTime": "1795160000000",
        **more,
    }


def told_refund(payment: Payment, status: str = "SUCCESS", **more: Any) -> dict[str, object]:
    """The content of a callback about a refund of the whole payment, made in PingPong's own pages."""
    return told(
        payment, status, **{"notifyType": "REFUND", "merchantRefundId": "THEIRS", "refundId": "R1", **more}
    )


def envelope(
    content: dict[str, object] | str,
    *,
    salt: str = ACCOUNT["salt"],
    acc_id: str = ACCOUNT["acc_id"],
    **more: Any,
) -> dict[str, object]:
    """A signed callback."""
    fields: dict[str, object] = {
        "accId": acc_id,
        "clientId": acc_id[:-3],
        "code": "000000",
        "description": "Transaction succeeded",
        "signType": "SHA256",
        "bizContent": content if isinstance(content, str) else json.dumps(content),
        **more,
    }
    return {**fields, "sign": signing.sign("salted-sha256", salt, fields)}


def call_back(client: FlaskClient, message: dict[str, object] | bytes) -> TestResponse:
    """PingPong posts."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return client.post("/webhook/pingpong", data=body, content_type="application/json")


def expire(payment: Payment) -> None:
    """Half an hour passes, and the sweep closes the order."""
    order = order_of(payment)
    order.expires_at = clock.now() - timedelta(minutes=1)
    db.session.commit()
    with transaction():
        expiry.expire_due()


def tell(payment: Payment, told_by: Actor = Actor.CALLBACK, **more: Any) -> Verdict:
    """Somebody says that the payment's money is there."""
    with transaction():
        return mark_paid(payment.id, receipt_of(payment, **more), told_by=told_by)


def alerts() -> list[str]:
    """The kinds of what the boss is told, the oldest first."""
    return list(db.session.scalars(select(ShopAlert.kind).order_by(ShopAlert.id)))


def run_tasks(name: str, *args: int) -> None:
    """Runs a task as if its slot were free."""
    db.session.execute(text("DELETE FROM cron_run"))
    db.session.commit()
    getattr(tasks, name)(*args)
    db.session.rollback()
    db.session.expire_all()


def messages() -> list[OutgoingMessage]:
    """What waits to be sent, the oldest first."""
    return list(db.session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))
