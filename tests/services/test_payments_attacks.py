"""Stealing with payments: other tenants' movements of money, refunds that go out twice, pages that lead elsewhere."""

from contextlib import suppress

import pytest
from sqlalchemy import select

from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import Actor, OrderState
from app.domain.payments import Difference, MoneyStatus, PaymentState, Provider, Service, Settlement
from app.gateways.payments.base import ProviderFailed
from app.gateways.payments.pingpong import page_of
from app.models import OrderEvent, Payment, PaymentReceipt, ReconciliationLine, Refund
from app.services import reconciliation, service_accounts
from app.services.payments import begin, lookup, refunds
from app.services.payments.errors import NotPayable
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.paying import (
    OTHER_SALT,
    a_payment,
    alerts,
    ask_for,
    call_back,
    envelope,
    order_of,
    run_tasks,
    set_up_pingpong,
    tell,
    told,
    told_refund,
    waiting_order,
)

THEIR_ACCOUNT = "2018092714313010777001"


def receipts() -> list[PaymentReceipt]:
    return list(db.session.scalars(select(PaymentReceipt).order_by(PaymentReceipt.id)))


def refunds_now() -> list[tuple[int, str]]:
    """(receipt, state) of every refund, the oldest first."""
    return [
        (one.receipt_id, one.state.value) for one in db.session.scalars(select(Refund).order_by(Refund.id))
    ]


# --- other tenants
def test_a_tenant_cannot_use_up_the_names_of_another_tenants_money(cast: Cast, client):
    """Whoever has an account of his own signs what he likes, also movements that have not happened yet."""
    mine = a_payment(cast.tenant)
    set_up_pingpong(cast.other_tenant, THEIR_ACCOUNT, OTHER_SALT)
    theirs = ask_for(waiting_order(cast.other_tenant))
    forged = envelope(told(theirs, transactionId="T1"), salt=OTHER_SALT, acc_id=THEIR_ACCOUNT)
    assert call_back(client, forged).status_code == 204
    assert call_back(client, envelope(told(mine, transactionId="T1"))).status_code == 204
    assert order_of(mine).state is OrderState.PAID


def test_one_movement_still_pays_one_order_of_a_tenant(cast: Cast, client):
    first, second = a_payment(cast.tenant), ask_for(waiting_order(cast.tenant))
    for payment in (first, second):
        call_back(client, envelope(told(payment, transactionId="T1")))
    assert [order_of(one).state for one in (first, second)] == [OrderState.PAID, OrderState.PENDING]


def test_a_movement_with_an_endless_name_is_no_callback(cast: Cast, client):
    payment = a_payment(cast.tenant)
    assert call_back(client, envelope(told(payment, transactionId="T" * 5000))).status_code == 400


# --- refunds
def test_paying_back_a_second_payment_leaves_the_first_alone(cast: Cast):
    first = a_payment(cast.tenant, Provider.MANUAL)
    tell(first, Actor.STAFF)
    with transaction():
        second = Payment(
            tenant_id=first.tenant_id,
            order_id=first.order_id,
            provider=Provider.PINGPONG,
            reference="SECOND-1",
            amount_minor=1990,
            currency="USD",
            state=PaymentState.CLOSED,
        )
        db.session.add(second)
        db.session.flush()
        line = ReconciliationLine(
            tenant_id=first.tenant_id,
            day=first.created_at.date(),
            provider=second.provider,
            payment_id=second.id,
            order_id=first.order_id,
            theirs=MoneyStatus.SUCCESS,
            theirs_minor=1990,
            ours="paid",
            ours_minor=0,
            currency="USD",
            difference=Difference.UNPAID_HERE,
        )
        db.session.add(line)
    with transaction():
        reconciliation.settle(line.id, Settlement.REFUND, "owner")
    paid_first, paid_second = receipts()
    assert [one for one, _ in refunds_now()] == [paid_second.id]
    assert paid_first.refunded_minor == 0
    assert order_of(first).state is OrderState.PAID


def test_money_that_went_back_twice_is_told_and_not_swallowed(cast: Cast, client):
    """We held the first refund for refused and made a second; then the provider says that the first one went out."""
    payment = a_payment(cast.tenant)
    tell(payment)
    with transaction():
        first = refunds.ask(payment.order_id, reason="x", name="owner")
    with transaction():
        order = order_of(payment)
        refunds.give_up(order, refunds.get(first.id, lock=True), "refused", refused=True)
    with transaction():
        refunds.ask(payment.order_id, reason="x", name="owner", by_hand=True)
    notice = told_refund(payment, merchantRefundId=first.reference)
    assert call_back(client, envelope(notice)).status_code == 204
    assert "refund_mismatch" in db.session.scalars(select(OrderEvent.why)).all()
    assert "amount_mismatch" in alerts()
    (receipt,) = receipts()
    assert receipt.refunded_minor == receipt.amount_minor


def test_the_same_wish_to_refund_counts_once(cast: Cast):
    payment = a_payment(cast.tenant)
    tell(payment)
    for _ in range(2):
        with transaction():
            refunds.ask(payment.order_id, amount_minor=500, reason="x", name="owner", key="ABC123")
    assert len(refunds_now()) == 1
    assert receipts()[0].refunded_minor == 500


# --- accounts that go while somebody pays
def test_payments_of_an_account_that_was_taken_out_are_told(cast: Cast, time: Clockwork):
    a_payment(cast.tenant)
    with transaction():
        service_accounts.remove(cast.tenant.id, Service.PINGPONG)
    time.forward(minutes=3)
    run_tasks("ask")
    assert alerts() == ["service_key_bad"]


# --- what an order was paid with
def test_money_by_a_way_that_was_left_is_what_the_order_was_paid_with(cast: Cast, client):
    left = a_payment(cast.tenant)
    with transaction():
        begin.switch(left.order_id, Provider.STARS, 50, "XTR")
    call_back(client, envelope(told(left)))
    order = order_of(left)
    assert (order.provider, order.amount_minor, order.currency) == (Provider.PINGPONG, 1990, "USD")


def test_nobody_makes_endless_payments_of_one_order(cast: Cast):
    payment = a_payment(cast.tenant)
    ways = [(Provider.STARS, 50, "XTR"), (Provider.PINGPONG, 1990, "USD")]
    for turn in range(begin.MAX_PAYMENTS + 5):
        with suppress(NotPayable), transaction():
            begin.switch(payment.order_id, *ways[turn % 2])
    assert len(lookup.payments_of(payment.order_id)) == begin.MAX_PAYMENTS


# --- pages
@pytest.mark.parametrize(
    "url",
    [
        "http://pay.example/1",
        "javascript:alert(1)",
        "tg://resolve?domain=thief",
        "https://user:word@pay.example/1",
        "https:///1",
        "https://pay.example/1\n2",
        "https://pay.example/" + "a" * 3000,
        "//pay.example/1",
        "http://127.0.0.1:9/1",
    ],
)
def test_a_page_that_is_none_never_becomes_a_button(url: str):
    with pytest.raises(ProviderFailed):
        page_of(url, "https://acquirer-payment.pingpongx.com")


def test_pages_of_the_vendor_and_of_the_sandbox_are_buttons():
    assert page_of("https://pay.example/1?a=b", "https://vendor.example") == "https://pay.example/1?a=b"
    assert page_of("http://127.0.0.1:9/pay/1", "http://127.0.0.1:9") == "http://127.0.0.1:9/pay/1"


# --- callbacks without end
def test_whoever_signs_without_end_fills_nothing(cast: Cast, client, monkeypatch):
    monkeypatch.setattr("app.services.payments.receiving.MAX_KEPT", 5)
    payment = a_payment(cast.tenant)
    for number in range(12):
        assert call_back(client, envelope(told(payment, "PROCESSING", remark=str(number)))).status_code == 204
    assert len(lookup.list_events(payment.tenant_id)) == 5


# --- callbacks that nobody believes
def test_junk_does_not_crowd_out_what_a_right_signature_says_of_unknown_payments(
    cast: Cast, client, monkeypatch
):
    set_up_pingpong(cast.tenant)
    monkeypatch.setattr("app.services.payments.receiving.MAX_REFUSED", 5)
    for number in range(8):
        call_back(client, b"junk %d" % number)
    stray = a_payment(cast.tenant)
    for number in range(5):
        call_back(client, envelope(told(stray, merchantTransactionId=f"NOBODY-{number}")))
    assert "unknown_payments" in alerts()
