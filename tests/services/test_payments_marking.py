"""The one door for "paid": whoever tells, however often, in whatever order, the end is the same."""

from itertools import permutations
from threading import Thread

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.money import Money
from app.domain.orders import Actor, OrderState
from app.domain.payments import MoneyStatus, PaymentState, Provider, Receipt, RefundState, Verdict
from app.models import OrderEvent, Payment, PaymentReceipt, Refund
from app.services.payments import hearing, lookup, marking
from tests.cast import Cast
from tests.paying import a_payment, alerts, ask_for, expire, fresh, order_of, receipt_of, tell

NEWS = ("PROCESSING", "SUCCESS", "REFUND", "CLOSED")


def whys(payment: Payment) -> list[str]:
    query = select(OrderEvent.why).where(OrderEvent.order_id == payment.order_id).order_by(OrderEvent.id)
    return list(db.session.scalars(query))


# --- money comes in
def test_money_makes_the_order_paid(cast: Cast):
    payment = a_payment(cast.tenant)
    assert tell(payment) is Verdict.ACCEPTED
    assert order_of(payment).state is OrderState.PAID
    assert fresh(payment).state is PaymentState.PAID
    assert fresh(payment).query_at is None


@pytest.mark.parametrize("told_by", [Actor.CALLBACK, Actor.RECONCILIATION, Actor.STARS, Actor.STAFF])
def test_the_history_says_who_told(cast: Cast, told_by: Actor):
    payment = a_payment(cast.tenant)
    tell(payment, told_by)
    tell(payment, Actor.RECONCILIATION)
    events = db.session.scalars(select(OrderEvent).order_by(OrderEvent.id)).all()
    assert [(event.why, event.actor) for event in events] == [
        ("paid", told_by),
        ("paid_again", Actor.RECONCILIATION),
    ]


def test_told_twice_it_counts_once(cast: Cast):
    payment = a_payment(cast.tenant)
    assert [tell(payment), tell(payment)] == [Verdict.ACCEPTED, Verdict.REPEATED]
    assert db.session.scalar(select(func.count()).select_from(PaymentReceipt)) == 1


@pytest.mark.parametrize(
    "amount", [Money(1989, "USD"), Money(1990, "EUR"), Money(19900, "JPY"), None], ids=str
)
def test_another_amount_or_currency_pays_nothing(cast: Cast, amount: Money | None):
    payment = a_payment(cast.tenant)
    assert tell(payment, amount=amount) is Verdict.AMOUNT_MISMATCH
    assert order_of(payment).state is OrderState.PENDING
    assert alerts() == ["amount_mismatch"]


def test_money_after_the_expiry_is_honoured(cast: Cast):
    payment = a_payment(cast.tenant)
    expire(payment)
    assert order_of(payment).state is OrderState.EXPIRED
    assert tell(payment) is Verdict.ACCEPTED
    assert order_of(payment).state is OrderState.PAID
    assert whys(payment)[-1] == "paid_late"


def test_money_before_the_payment_was_made_counts(cast: Cast):
    payment = a_payment(cast.tenant)
    payment.state = PaymentState.CREATING
    db.session.commit()
    assert tell(payment) is Verdict.ACCEPTED


# --- paid twice
def test_a_second_movement_of_money_is_not_accepted_and_goes_back_by_hand(cast: Cast):
    payment = a_payment(cast.tenant)
    assert [tell(payment), tell(payment, transaction="T2")] == [Verdict.ACCEPTED, Verdict.PAID_TWICE]
    refund = db.session.scalar(select(Refund))
    assert (refund.state, refund.amount_minor) == (RefundState.BY_HAND, 1990)
    assert alerts() == ["paid_twice"]
    assert order_of(payment).state is OrderState.PAID


def test_a_second_payment_of_one_order_goes_back_by_itself(cast: Cast):
    payment = a_payment(cast.tenant)
    with transaction():
        marking.begin.close_open(payment.order_id, "test")
    second = ask_for(order_of(payment))
    tell(payment)
    assert tell(second, transaction="T2") is Verdict.PAID_TWICE
    refund = db.session.scalar(select(Refund))
    assert refund.state is RefundState.QUEUED
    assert order_of(payment).state is OrderState.PAID


def test_paying_one_payment_closes_the_other(cast: Cast):
    payment = a_payment(cast.tenant)
    with transaction():
        marking.begin.close_open(payment.order_id, "test")
    second = ask_for(order_of(payment))
    tell(payment)
    assert fresh(second).state is PaymentState.CLOSED


def test_one_movement_cannot_pay_two_orders(cast: Cast):
    one, two = a_payment(cast.tenant), a_payment(cast.tenant)
    assert [tell(one), tell(two)] == [Verdict.ACCEPTED, Verdict.AMOUNT_MISMATCH]
    assert order_of(two).state is OrderState.PENDING


def test_nothing_lifts_an_order_out_of_refunded(cast: Cast):
    payment = a_payment(cast.tenant)
    hear(payment, "REFUND")
    assert order_of(payment).state is OrderState.REFUNDED
    tell(payment)
    assert order_of(payment).state is OrderState.REFUNDED


# --- news in any order
def hear(payment: Payment, what: str) -> Verdict:
    amount = Money(payment.amount_minor, payment.currency)
    told = {
        "PROCESSING": Receipt(payment.reference, MoneyStatus.PROCESSING, "T1"),
        "SUCCESS": receipt_of(payment),
        "REFUND": Receipt(
            payment.reference,
            MoneyStatus.REFUNDED,
            "T1",
            refunded=amount,
            refund_reference="THEIRS",
            refund_transaction="R1",
        ),
        "CLOSED": Receipt(payment.reference, MoneyStatus.CLOSED, "T1"),
    }[what]
    with transaction():
        return hearing.hear(payment.id, told, told_by=Actor.CALLBACK)


def end_of(payment: Payment) -> tuple[object, ...]:
    order, payment = order_of(payment), fresh(payment)
    receipts = [
        (one.transaction, one.amount_minor, one.refunded_minor, one.accepted)
        for one in lookup.receipts_of(order.id)
    ]
    refunds = [(one.amount_minor, one.state) for one in lookup.refunds_of(order.id)]
    return order.state, payment.state, payment.last_status, payment.closed_at, receipts, refunds


THE_END = (
    OrderState.REFUNDED,
    PaymentState.PAID,
    MoneyStatus.REFUNDED,
    None,
    [("T1", 1990, 1990, True)],
    [(1990, RefundState.DONE)],
)


@pytest.mark.parametrize("order", list(permutations(NEWS)), ids="-".join)
def test_all_orders_of_news_end_the_same(cast: Cast, order: tuple[str, ...]):
    payment = a_payment(cast.tenant)
    for what in order:
        hear(payment, what)
    assert end_of(payment) == THE_END


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(news=st.lists(st.sampled_from(NEWS), max_size=6), end=st.permutations(NEWS))
def test_repeats_change_nothing(cast: Cast, news: list[str], end: list[str]):
    payment = a_payment(cast.tenant)
    payment_t = f"T{payment.id}"
    for what in [*news, *end]:
        hear_as(payment, what, payment_t)
    found = end_of(payment)
    assert found[4] == [(payment_t, 1990, 1990, True)]
    assert found[:4] == THE_END[:4]
    assert found[5] == THE_END[5]


def hear_as(payment: Payment, what: str, transaction_id: str) -> None:
    """The same with a name of the money that no other payment of the test has."""
    if what == "SUCCESS":
        tell(payment, transaction=transaction_id)
    else:
        hear(payment, what)


def test_a_hundred_tellers_at_once_make_one_transition(app: Flask, cast: Cast):
    payment = a_payment(cast.tenant)
    verdicts: list[Verdict] = []

    def many() -> None:
        with app.app_context(), system_scope():
            verdicts.extend(tell(payment) for _ in range(10))

    threads = [Thread(target=many) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdicts) == ["accepted", *["repeated"] * 99]
    assert whys(payment).count("paid") == 1


def test_a_transfer_is_paid_by_a_persons_word(cast: Cast):
    payment = a_payment(cast.tenant, Provider.MANUAL)
    assert tell(payment, Actor.STAFF) is Verdict.ACCEPTED
