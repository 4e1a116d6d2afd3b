"""Figures of a shop against data made by hand: days of the tenant's own calendar, currencies never added up."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import OrderState, Phase
from app.domain.payments import Difference, MoneyStatus, Provider, RefundState
from app.models import Order, Payment, PaymentReceipt, Product, ReconciliationLine, Refund, Tenant
from app.services.products import visits
from app.services.shop_figures import comparing, days, funnel, revenue, top
from app.services.shop_figures.today import today
from tests.cast import Cast
from tests.fulfilling import paid
from tests.shopping import a_product, an_order

ZONE = "Asia/Shanghai"
NIGHT = datetime.fromisoformat("2026-03-02T17:30:00+00:00")  # half past one on the third, in Shanghai
LOOKED, BEGAN = "viewed", "started"


@pytest.fixture(autouse=True)
def _night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NIGHT)


def received(order: Order, minor: int, currency: str = "USD", ago: timedelta = timedelta()) -> PaymentReceipt:
    """Money that came in for an order."""
    owned = {"tenant_id": order.tenant_id, "order_id": order.id, "provider": Provider.MANUAL}
    amount = {"amount_minor": minor, "currency": currency}
    payment = Payment(**owned, **amount, reference=f"{order.code}-{minor}", state="paid")
    with transaction():
        db.session.add(payment)
        db.session.flush()
        receipt = PaymentReceipt(
            **owned,
            **amount,
            payment_id=payment.id,
            transaction=payment.reference,
            accepted=True,
            told_by="staff",
            at=NIGHT - ago,
        )
        db.session.add(receipt)
    return receipt


def went_back(receipt: PaymentReceipt, minor: int) -> None:
    with transaction():
        db.session.add(
            Refund(
                tenant_id=receipt.tenant_id,
                order_id=receipt.order_id,
                receipt_id=receipt.id,
                reference=f"R{receipt.id}",
                amount_minor=minor,
                currency=receipt.currency,
                state=RefundState.DONE,
                reason="x",
                asked_by="staff",
                done_at=NIGHT,
            )
        )


def looks(product: Product, *people: int, stage: str = LOOKED, ago: int = 0) -> None:
    day = days.span(ZONE, 1).last - timedelta(days=ago)
    for person in people:
        values = {"t": product.tenant_id, "p": product.id, "d": day, "s": stage, "w": person}
        row = "INSERT INTO product_visit (tenant_id, product_id, day, stage, telegram_id) VALUES (:t, :p, :d, :s, :w)"
        db.session.execute(text(row), values)
    db.session.commit()


def orders(product: Product, person: int, **fields: object) -> Order:
    order = an_order(product, person, **fields)
    order.created_at = NIGHT
    db.session.commit()
    return order


def money(tenant: Tenant, count: int = 7) -> revenue.Revenue:
    return revenue.revenue(tenant.id, days.span(ZONE, count))


# --- days
def test_a_day_begins_at_the_tenants_midnight(cast: Cast):
    span = days.span(ZONE, 2)
    assert [f"{day:%m-%d}" for day in span.days] == ["03-02", "03-03"]
    assert span.since == datetime.fromisoformat("2026-03-02T00:00:00+08:00")


def test_money_counts_on_the_day_on_which_it_came(cast: Cast):
    order = paid(a_product(cast.tenant))
    received(order, 1990)
    receipt = received(paid(a_product(cast.tenant)), 500, ago=timedelta(hours=2))
    went_back(receipt, 200)
    (usd,) = money(cast.tenant, 2).currencies
    assert (usd.received, usd.refunded, usd.net) == ([500, 1990], [0, 200], 2290)


def test_currencies_are_never_added_up(cast: Cast):
    product = a_product(cast.tenant)
    for minor, currency in ((1990, "USD"), (9900, "CNY"), (50, "XTR")):
        received(paid(product), minor, currency)
    assert [(one.currency, sum(one.received)) for one in money(cast.tenant).currencies] == [
        ("CNY", 9900),
        ("USD", 1990),
        ("XTR", 50),
    ]


def test_other_tenants_money_is_theirs(cast: Cast):
    received(paid(a_product(cast.other_tenant)), 1990)
    assert money(cast.tenant).currencies == []
    assert today(cast.tenant.id, ZONE).received == {}


def test_reports_cost_by_day(cast: Cast):
    order = paid(a_product(cast.tenant))
    row = (
        "INSERT INTO order_step (tenant_id, order_id, step, state, started_at, cost_micro)"
        " VALUES (:t, :o, 'text', 'done', :at, 1834)"
    )
    db.session.execute(text(row), {"t": cast.tenant.id, "o": order.id, "at": NIGHT - timedelta(hours=2)})
    db.session.commit()
    assert money(cast.tenant, 2).cost_micro == [1834, 0]


# --- today
def test_today_has_money_and_what_waits(cast: Cast):
    product = a_product(cast.tenant)
    received(paid(product), 1990)
    paid(product, ago=7200)
    an_order(product)
    paid(product, state=OrderState.GENERATING, phase=Phase.BY_HAND)
    paid(product, state=OrderState.FAILED, ago=86400 * 3)
    found = today(cast.tenant.id, ZONE)
    assert found.received == {"USD": 1990}
    assert (found.paid, found.pending, found.waiting, found.working, found.by_hand, found.failed) == (
        2,
        1,
        2,
        0,
        1,
        1,
    )


def test_whoever_sells_nothing_is_shown_nothing(cast: Cast):
    assert not today(cast.tenant.id, ZONE).sells


# --- the funnel
def test_the_funnel_counts_persons_at_each_step(cast: Cast):
    product = a_product(cast.tenant)
    looks(product, 1, 2, 3, 4)
    looks(product, 1, 2, ago=1)
    looks(product, 1, 2, 3, stage=BEGAN)
    orders(product, 1)
    for person in (2, 2, 3):
        orders(product, person, state=OrderState.PAID, paid_at=NIGHT)
    orders(product, 4, state=OrderState.COMPLETED, paid_at=NIGHT, completed_at=NIGHT)
    (found,) = funnel.funnels(cast.tenant.id, days.span(ZONE, 7))
    assert found.steps == (4, 3, 4, 3, 1)
    assert found.share == pytest.approx(0.75)


def test_what_lies_before_the_span_does_not_count(cast: Cast):
    product = a_product(cast.tenant)
    looks(product, 1, ago=7)
    looks(product, 2, ago=6)
    order = orders(product, 1)
    order.created_at = NIGHT - timedelta(days=7)
    db.session.commit()
    (found,) = funnel.funnels(cast.tenant.id, days.span(ZONE, 7))
    assert found.steps == (1, 0, 0, 0, 0)


def test_visits_are_counted_as_the_shop_writes_them(cast: Cast):
    product = a_product(cast.tenant)
    with transaction():
        for _ in range(2):
            visits.record(product, 42, LOOKED, ZONE)
    assert funnel.funnels(cast.tenant.id, days.span(ZONE, 1))[0].viewed == 1


def test_products_that_nobody_came_to_are_left_out(cast: Cast):
    a_product(cast.tenant)
    assert funnel.funnels(cast.tenant.id, days.span(ZONE, 90)) == []


# --- the best
def test_the_best_products_come_first_without_refunded_orders(cast: Cast):
    rare, often = a_product(cast.tenant, name="Rare"), a_product(cast.tenant, name="Often")
    paid(rare)
    for _ in range(2):
        paid(often)
    paid(rare, state=OrderState.REFUNDED)
    found = top.products(cast.tenant.id, days.span(ZONE, 7))
    assert [(one.name, one.orders, one.amounts) for one in found] == [
        ("Often", 2, {"USD": 3980}),
        ("Rare", 1, {"USD": 1990}),
    ]


# --- comparing
def test_a_days_sums_stand_beside_the_providers(cast: Cast):
    receipts = [received(paid(a_product(cast.tenant)), 1990) for _ in range(2)]
    for receipt, ours, difference in zip(receipts, (1990, 0), ("", Difference.UNPAID_HERE), strict=True):
        with transaction():
            db.session.add(
                ReconciliationLine(
                    tenant_id=cast.tenant.id,
                    day=NIGHT.date(),
                    provider=Provider.PINGPONG,
                    payment_id=receipt.payment_id,
                    order_id=receipt.order_id,
                    theirs=MoneyStatus.SUCCESS,
                    theirs_minor=1990,
                    ours="paid",
                    ours_minor=ours,
                    currency="USD",
                    difference=difference,
                )
            )
    (total,) = comparing.totals(cast.tenant.id, NIGHT.date(), NIGHT.date())
    assert (total.payments, total.theirs, total.ours, total.difference, total.open) == (
        2,
        3980,
        1990,
        1990,
        1,
    )
