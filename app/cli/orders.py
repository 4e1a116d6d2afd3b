"""`flask orders`: look at orders, and do by hand what the schedule does."""

from collections.abc import Sequence
from datetime import datetime

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.output import json_option, show
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.money import Money
from app.models import Order, OrderEvent, Payment
from app.services.fulfilment import delivery, sweep
from app.services.orders import lookup
from app.services.payments.lookup import payments_of

group = AppGroup("orders", help="Look at orders; take over, tell and complete what is due.")


@group.command("show")
@click.argument("code")
@json_option
def show_order(code: str, *, as_json: bool) -> None:
    """Show an order: what it is about, its payments, and every line of its history."""
    with system_scope(), transaction():
        order = lookup.find_by_code(code)
        if order is None:
            raise click.ClickException("There is no such order.")
        result = {
            **_facts(order),
            "payments": [_payment(payment) for payment in payments_of(order.id)],
            "history": [_line(event) for event in lookup.history(order.id)],
        }
        words = _words(order, lookup.history(order.id), payments_of(order.id))
    show(result, words, as_json=as_json)


def _facts(order: Order) -> dict[str, object]:
    return {
        "code": order.code,
        "state": order.state.value,
        "phase": order.phase.value if order.phase else None,
        "tenant": order.tenant_id,
        "product": order.product_name,
        "kind": order.product.get("kind"),
        "buyer": order.telegram_id,
        "provider": order.provider.value,
        "amount": str(Money(order.amount_minor, order.currency).decimal()),
        "currency": order.currency,
        "attempts": order.attempts,
        "error": order.error,
        "created_at": _iso(order.created_at),
        "expires_at": _iso(order.expires_at),
        "paid_at": _iso(order.paid_at),
        "completed_at": _iso(order.completed_at),
    }


def _payment(payment: Payment) -> dict[str, object]:
    return {
        "provider": payment.provider.value,
        "reference": payment.reference,
        "state": payment.state.value,
        "amount": str(Money(payment.amount_minor, payment.currency).decimal()),
        "currency": payment.currency,
        "error": payment.error,
    }


def _line(event: OrderEvent) -> dict[str, object]:
    return {
        "at": _iso(event.at),
        "from": event.from_state.value if event.from_state else None,
        "to": event.to_state.value,
        "by": event.actor.value,
        "name": event.actor_name,
        "why": event.why,
        "details": event.details,
    }


def _words(order: Order, history: Sequence[OrderEvent], payments: Sequence[Payment]) -> str:
    money = Money(order.amount_minor, order.currency)
    lines = [
        f"Order {order.code} of tenant {order.tenant_id}: {order.product.get('name')} for {money}, {order.state.value}",
        *(f"  payment {one.reference} ({one.provider.value}): {one.state.value}" for one in payments),
    ]
    for event in history:
        move = event.to_state.value
        if event.from_state is not event.to_state:
            move = f"{event.from_state.value if event.from_state else '-'} -> {event.to_state.value}"
        who = f"{event.actor.value} {event.actor_name}".strip()
        lines.append(f"  {event.at:%Y-%m-%d %H:%M:%S}  {move:<24} {event.why:<18} {who}")
    return "\n".join(lines)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


@group.command("sweep")
@json_option
def sweep_orders(*, as_json: bool) -> None:
    """Do now what beat does every two seconds: take over from dead workers, tell buyers, complete, expire, start."""
    with system_scope():
        done = {name: _run(name) for name in sweep.STEPS}
        with transaction():
            delivered = sweep.list_delivered()
        for order_id in delivered:
            with transaction():
                delivery.heard(order_id)
        with transaction():
            started = sweep.start_workers()
    found = {**done, "looked at": len(delivered), "workers asked for": started}
    show(found, ", ".join(f"{name}: {number}" for name, number in found.items()), as_json=as_json)


def _run(name: str) -> int:
    """All batches of one kind."""
    total = 0
    while True:
        with transaction():
            done = sweep.STEPS[name]()
        total += done
        if not done:
            return total


def init_app(app: Flask) -> None:
    app.cli.add_command(group)
