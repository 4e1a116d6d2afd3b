"""The boss and the money of an order in the chat: every act shows the amount, asks once more, and counts once."""

import pytest
from flask import Flask

from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import Actor, OrderState
from app.domain.payments import PaymentState, Provider, RefundState
from app.domain.people import Role
from app.models import Payment, PaymentReceipt, Refund
from app.services.payments import refunds
from app.services.payments.marking import mark_paid
from app.services.payments.transfers import claim_transfer
from tests.bots.boss_talk import change, data_of, full, link, press_twice, records
from tests.bots.lottery_talk import alert
from tests.cast import Cast
from tests.paying import a_payment, fresh, order_of, receipt_of
from tests.sandbox_client import WANG
from tests.talking import Talk, give, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")


@pytest.fixture
def transfer(talk: Talk, cast: Cast) -> Payment:
    """A transfer of 19.90 USD that its buyer says he has made; the boss is Lin, somebody of the support is Wang."""
    link(cast.owner)
    link(cast.staff, WANG)
    made = a_payment(cast.tenant, Provider.MANUAL)
    with transaction():
        claim_transfer(made.id, order_of(made).telegram_id)
    return made


@pytest.fixture
def received(talk: Talk, cast: Cast) -> Payment:
    """19.90 USD that came in by card."""
    link(cast.owner)
    made = a_payment(cast.tenant)
    with transaction():
        mark_paid(made.id, receipt_of(made), told_by=Actor.CALLBACK)
    return made


def opened(talk: Talk, payment: Payment, user: int | None = None) -> str:
    who = {"user": user} if user else {}
    return talk.say(f"/admin {order_of(payment).code}", **who)[0]


def given_back() -> list[Refund]:
    db.session.rollback()
    return db.session.query(Refund).order_by(Refund.id).populate_existing().all()


def test_a_transfer_is_confirmed_with_its_amount_and_once(talk: Talk, transfer: Payment):
    assert "Transfer to be checked" in opened(talk, transfer)
    assert "Has $19.90" in talk.press("✅ Confirm the transfer of $19.90")
    data = data_of(talk, "is there")
    assert "Paid, in line" in talk.press("✅ Yes, $19.90 is there")
    give(talk.config, callback_query=press(data))
    assert (fresh(transfer).state, order_of(transfer).state) == (PaymentState.PAID, OrderState.PAID)
    assert db.session.query(PaymentReceipt).count() == 1
    assert [one.actor_name for one in records("payment.confirmed")] == ["owner@a.example"]


def test_support_confirms_and_refunds_nothing(talk: Talk, transfer: Payment):
    opened(talk, transfer, WANG)
    assert not [label for label in talk.labels(WANG) if "transfer of" in label]
    give(talk.config, callback_query=press(f"1:adpaid:{transfer.order_id}:{transfer.id}", user=WANG))
    assert order_of(transfer).state is OrderState.PENDING


def test_a_right_taken_away_before_the_second_press_confirms_nothing(
    talk: Talk, transfer: Payment, cast: Cast
):
    opened(talk, transfer)
    talk.press("✅ Confirm the transfer of $19.90")
    change(cast.owner, role=Role.SUPPORT)
    assert "does not allow" in alert(talk, "✅ Yes, $19.90 is there")["text"]
    assert order_of(transfer).state is OrderState.PENDING


def test_a_payment_of_another_order_is_not_confirmed(talk: Talk, transfer: Payment, cast: Cast):
    other = a_payment(cast.tenant, Provider.MANUAL)
    theirs = a_payment(cast.other_tenant, Provider.MANUAL)
    for forged in (other, theirs):
        give(talk.config, callback_query=press(f"1:adpaid:{transfer.order_id}:{forged.id}"))
        assert fresh(forged).state is PaymentState.OPEN
    assert order_of(transfer).state is OrderState.PENDING


def test_money_goes_back_after_a_second_press_and_once(talk: Talk, received: Payment):
    opened(talk, received)
    asked = talk.press("💸 Refund $19.90")
    assert "Pay $19.90" in asked
    assert "nothing more is delivered" in asked
    data = data_of(talk, "Yes, pay")
    assert given_back() == []
    assert "↩️ Refunded" in talk.press("💸 Yes, pay $19.90 back")
    give(talk.config, callback_query=press(data))
    (refund,) = given_back()
    assert (refund.amount_minor, refund.state, refund.asked_by) == (1990, RefundState.QUEUED, "staff:Owner")
    assert [one.changes["amount"] for one in records("order.refund_asked")] == ["19.90 USD"]


def test_a_button_from_before_a_refund_that_failed_pays_nothing_back(talk: Talk, received: Payment):
    """The money was asked back and refused meanwhile: he sees that first."""
    opened(talk, received)
    talk.press("💸 Refund $19.90")
    with transaction():
        made = refunds.ask(received.order_id, reason="page", name="Owner")
        refunds.give_up(order_of(received), made, "no", refused=True)
    assert "meanwhile" in alert(talk, "💸 Yes, pay $19.90 back")["text"]
    assert len(given_back()) == 1


def test_forged_amounts_and_receipts_pay_nothing_back(talk: Talk, received: Payment, cast: Cast):
    theirs = a_payment(cast.other_tenant)
    with transaction():
        mark_paid(theirs.id, receipt_of(theirs, "T2"), told_by=Actor.CALLBACK)
    mine, others = (one.id for one in db.session.query(PaymentReceipt).order_by(PaymentReceipt.id))
    for forged in (f"{mine}:1991:0", f"{others}:1990:0", f"{mine}:1990:1", f"{mine}:0:0"):
        give(talk.config, callback_query=press(f"1:adrefund:{received.order_id}:{forged}"))
    assert given_back() == []


def test_what_the_boss_pays_back_himself_he_marks_once(talk: Talk, transfer: Payment):
    opened(talk, transfer)
    talk.press("✅ Confirm the transfer of $19.90")
    talk.press("✅ Yes, $19.90 is there")
    assert "You send the money yourself" in talk.press("💸 Refund $19.90")
    assert "To be paid back by you" in talk.press("💸 Yes, pay $19.90 back")
    assert "back yourself?" in talk.press(full(talk, "I have paid"))
    data = data_of(talk, "Yes, I have paid")
    assert "Refund $19.90: Paid back" in talk.press("☑️ Yes, I have paid it back")
    give(talk.config, callback_query=press(data))
    assert [one.state for one in given_back()] == [RefundState.DONE]
    assert len(records("order.refund_done")) == 1


def test_where_nothing_came_in_nothing_goes_back(talk: Talk, transfer: Payment):
    opened(talk, transfer)
    assert not [label for label in talk.labels() if "Refund" in label]
    give(talk.config, callback_query=press(f"1:adrefund:{transfer.order_id}"))
    assert given_back() == []


def test_two_presses_at_the_same_moment_pay_back_once(app: Flask, talk: Talk, received: Payment):
    opened(talk, received)
    talk.press("💸 Refund $19.90")
    data = data_of(talk, "Yes, pay")
    press_twice(app, talk, data)
    assert len(given_back()) == len(records("order.refund_asked")) == 1


def test_two_presses_at_the_same_moment_confirm_a_transfer_once(app: Flask, talk: Talk, transfer: Payment):
    data = f"1:adpaid:{transfer.order_id}:{transfer.id}"
    press_twice(app, talk, data)
    assert db.session.query(PaymentReceipt).count() == len(records("payment.confirmed")) == 1
