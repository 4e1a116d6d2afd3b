"""Every morning the payments of the day before are compared with what their providers say: a line for each.

Claim (commit), ask, write (commit). A payment without a line of its day is due, so a night without us is made up for.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import N_
from app.domain.money import Money
from app.domain.orders import Actor
from app.domain.payments import (
    SETTLEMENTS,
    Difference,
    MoneyStatus,
    Provider,
    Receipt,
    RefundState,
    Settlement,
    difference_of,
)
from app.domain.shop_alerts import AlertKind
from app.gateways.payments.base import Gateway, ProviderFailed, RefundWish
from app.gateways.payments.stars import Stars
from app.models import Order, Payment, ReconciliationLine, Refund
from app.services import audit
from app.services.payments import accounts, hearing, lookup, refunds, transfers
from app.services.shop_alerts import raise_alert

FROM_HOUR: Final = 4
"""On the tenant's clock; by then the day before is over at every provider."""
BATCH: Final = 400
PER_TENANT: Final = 100
ASK_SECONDS: Final = 300.0
MAX_FAILURES: Final = 3
"""So many in a row, and the rest of the tenant's day waits for the next round."""

_DUE = text("""
WITH places AS (SELECT id, timezone, CAST(:now AS timestamptz) AT TIME ZONE timezone AS here FROM tenant),
days AS (
    SELECT p.id, p.tenant_id, CAST(p.created_at AT TIME ZONE t.timezone AS date) AS day, t.here
    FROM payment p JOIN places t ON t.id = p.tenant_id
    WHERE p.provider <> 'manual' AND p.created_at > CAST(:now AS timestamptz) - interval '4 days'
), due AS (
    SELECT d.id, d.tenant_id, d.day, row_number() OVER (PARTITION BY d.tenant_id ORDER BY d.day, d.id) AS turn
    FROM days d
    WHERE (d.day < d.here::date - 1 OR (d.day < d.here::date AND extract(hour FROM d.here) >= :hour))
      AND NOT EXISTS (SELECT FROM reconciliation_line l WHERE l.payment_id = d.id AND l.day = d.day)
)
SELECT id, tenant_id, day FROM due WHERE turn <= :per_tenant ORDER BY tenant_id, day, id LIMIT :most
""")


class NotThisWay(BadInput):
    code = "settlement_not_possible"
    message = N_("This difference can't be settled this way.")


@dataclass(frozen=True, slots=True)
class Item:
    """A payment to ask about, with the refunds of it that we hold for done."""

    payment_id: int
    provider: Provider
    reference: str
    transaction: str
    bot_id: int
    refunds: tuple[RefundWish, ...]
    gateway: Gateway = field(repr=False)


@dataclass(frozen=True, slots=True)
class Day:
    """A tenant's payments of a day."""

    tenant_id: int
    day: date
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Theirs:
    """What a provider says of a payment. `refunds_known` = it knows of every refund that we hold for done."""

    receipt: Receipt
    refunds_known: bool = True


def claim_due() -> list[Day]:
    """The days that are over and not compared yet, a bounded number of payments at a time."""
    values = {"now": clock.now(), "hour": FROM_HOUR, "per_tenant": PER_TENANT, "most": BATCH}
    rows = db.session.execute(_DUE, values).all()
    days = []
    for (tenant_id, day), of_day in groupby(rows, key=lambda row: (row.tenant_id, row.day)):
        items = [_item(row.id) for row in of_day]
        days.append(Day(tenant_id, day, tuple(item for item in items if item is not None)))
    return days


def ask(day: Day) -> dict[int, Theirs]:
    """What the providers say, by payment; whoever could not be asked is missing and is asked in the next round."""
    found = _ask_stars([item for item in day.items if item.provider is Provider.STARS])
    failures, until = 0, time.monotonic() + ASK_SECONDS
    for item in day.items:
        if item.provider is Provider.STARS:
            continue
        if failures >= MAX_FAILURES or time.monotonic() > until:
            break
        try:
            found[item.payment_id] = _ask(item)
            failures = 0
        except ProviderFailed:
            failures += 1
    return found


def write(day: Day, theirs: Mapping[int, Theirs]) -> int:
    """Writes the lines of a day, tells the boss of differences, and says how many there are."""
    differing = sum(_write(day, payment_id, told) for payment_id, told in theirs.items())
    if differing:
        details: dict[str, object] = {"day": day.day.isoformat(), "count": differing}
        key = f"reconciliation:{day.day.isoformat()}"
        raise_alert(day.tenant_id, AlertKind.RECONCILIATION_DIFFERENCE, key, details=details)
    return differing


def settle(line_id: int, how: Settlement, name: str) -> ReconciliationLine:
    """One press of the boss about one line; a second press changes nothing. Raises NotThisWay, NotFound."""
    query = select(ReconciliationLine).where(ReconciliationLine.id == line_id).with_for_update()
    line = db.session.scalar(query)
    if line is None:
        raise NotFound
    if line.settled_at is not None:
        return line
    if how not in SETTLEMENTS[Difference(line.difference)]:
        raise NotThisWay
    _act(line, how, name)
    line.settled_at, line.settled_by = clock.now(), name
    changes: dict[str, object] = {"difference": line.difference, "how": how.value}
    audit.record(
        line.tenant_id, "reconciliation.settled", ("payment", line.payment_id, line.day.isoformat()), changes
    )
    return line


def lines(
    tenant_id: int, day: date | None = None, *, open_only: bool = False, limit: int = 200
) -> list[ReconciliationLine]:
    """Lines of a tenant, newest day first. `open_only` = differences that nobody settled yet."""
    query = select(ReconciliationLine).where(ReconciliationLine.tenant_id == tenant_id)
    if day is not None:
        query = query.where(ReconciliationLine.day == day)
    if open_only:
        query = query.where(ReconciliationLine.difference != "", ReconciliationLine.settled_at.is_(None))
    query = query.order_by(ReconciliationLine.day.desc(), ReconciliationLine.id).limit(limit)
    return list(db.session.scalars(query))


def _item(payment_id: int) -> Item | None:
    payment = lookup.get(payment_id)
    gateway = accounts.gateway_of(payment)
    if gateway is None:
        return None
    order = db.session.get_one(Order, payment.order_id)
    done = [] if payment.provider is Provider.STARS else _refunds(payment, order)
    return Item(
        payment.id,
        payment.provider,
        payment.reference,
        payment.transaction or "",
        order.bot_id,
        tuple(done),
        gateway,
    )


def _refunds(payment: Payment, order: Order) -> list[RefundWish]:
    """Those that went through the provider by our own id."""
    sent = [one for one in lookup.refunds_of(order.id) if one.state is RefundState.DONE and one.attempts > 0]
    return [_wish(payment, order, one) for one in sent]


def _wish(payment: Payment, order: Order, refund: Refund) -> RefundWish:
    amount = Money(refund.amount_minor, refund.currency)
    return RefundWish(
        payment.reference, payment.transaction or "", refund.reference, amount, order.telegram_id
    )


def _ask(item: Item) -> Theirs:
    receipt = item.gateway.query(item.reference, item.transaction)
    known = all(item.gateway.query_refund(wish).status is MoneyStatus.SUCCESS for wish in item.refunds)
    return Theirs(receipt, known)


def _ask_stars(items: list[Item]) -> dict[int, Theirs]:
    """One look through a bot's movements answers for all its payments."""
    found: dict[int, Theirs] = {}
    items.sort(key=lambda item: item.bot_id)
    for _, of_bot in groupby(items, key=lambda item: item.bot_id):
        asked = list(of_bot)
        gateway = asked[0].gateway
        if not isinstance(gateway, Stars):
            continue
        try:
            known = list(gateway.transactions())
        except ProviderFailed:
            continue
        for item in asked:
            found[item.payment_id] = Theirs(_newest(known, item))
    return found


def _newest(known: list[Receipt], item: Item) -> Receipt:
    for one in known:
        named = one.reference == item.reference
        if named or (item.transaction and one.transaction == item.transaction):
            return one
    return Receipt(item.reference, MoneyStatus.UNKNOWN)


def _write(day: Day, payment_id: int, theirs: Theirs) -> bool:
    """Whether it is a line that was not there and that differs."""
    payment = lookup.get(payment_id)
    order = db.session.get_one(Order, payment.order_id, populate_existing=True)
    receipts = [one for one in lookup.receipts_of(order.id) if one.payment_id == payment_id]
    received = sum(one.amount_minor for one in receipts)
    given_back = sum(
        one.amount_minor
        for one in lookup.refunds_of(order.id)
        if one.state is RefundState.DONE and one.receipt_id in {receipt.id for receipt in receipts}
    )
    amount = theirs.receipt.amount or theirs.receipt.refunded
    difference = difference_of(
        theirs.receipt.status,
        amount.minor if amount is not None else None,
        received,
        given_back,
        refunds_known=theirs.refunds_known,
    )
    values = {
        "tenant_id": day.tenant_id,
        "day": day.day,
        "provider": payment.provider,
        "payment_id": payment_id,
        "order_id": order.id,
        "theirs": theirs.receipt.status,
        "theirs_minor": amount.minor if amount is not None else None,
        "ours": order.state.value,
        "ours_minor": received - given_back,
        "currency": payment.currency,
        "difference": difference.value,
    }
    made = insert(ReconciliationLine).values(values).on_conflict_do_nothing().returning(ReconciliationLine.id)
    return db.session.scalar(made) is not None and difference is not Difference.NONE


def _pay_back(line: ReconciliationLine, name: str) -> None:
    """What came in by this payment, where it is not on its way back already: the order may be paid by another one."""
    for receipt in lookup.receipts_of(line.order_id):
        if receipt.payment_id == line.payment_id and receipt.refunded_minor < receipt.amount_minor:
            refunds.ask(line.order_id, reason="reconciliation", name=name, receipt_id=receipt.id)


def _act(line: ReconciliationLine, how: Settlement, name: str) -> None:
    match how:
        case Settlement.MARK_PAID:
            transfers.vouch(line.payment_id, name)
        case Settlement.REFUND:
            transfers.vouch(line.payment_id, name)
            _pay_back(line, name)
        case Settlement.MARK_REFUNDED:
            reference = lookup.get(line.payment_id).reference
            told = Receipt(reference, MoneyStatus.REFUNDED)
            hearing.hear(line.payment_id, told, told_by=Actor.STAFF)
        case Settlement.ACCEPT:
            pass
