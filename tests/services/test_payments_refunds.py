"""Money that goes back through PingPong and Telegram, once and never too much, and the question before a delivery."""

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.errors import OutsideFailed
from app.core.queue import transaction
from app.domain.orders import Actor, OrderState
from app.domain.payments import Provider, RefundState, Service
from app.models import Payment, Refund
from app.services import service_accounts
from app.services.payments import confirm, refunding, refunds
from app.services.payments.confirm import Confirmed, Mismatch, NotYet
from app.services.payments.errors import NothingReceived, RefundTooLarge, RefundWholeOnly
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.paying import (
    a_payment,
    alerts,
    call_back,
    envelope,
    fresh,
    messages,
    order_of,
    run_tasks,
    tell,
    told,
)
from tests.sandbox_client import Sandbox
from tests.waiting import wait_for


# --- confirming
def paid(payment: Payment, client) -> Payment:
    """Paid by a callback that PingPong knows nothing of."""
    assert call_back(client, envelope(told(payment))).status_code == 204
    return fresh(payment)


def test_a_callback_alone_delivers_nothing(payment: Payment, client):
    paid(payment, client)
    question = confirm.question(payment.order_id)
    told_us = confirm.ask(question)
    with transaction():
        assert isinstance(confirm.judge(payment.order_id, told_us), NotYet)


def test_what_the_provider_says_itself_is_enough(vendor: Sandbox, payment: Payment, client):
    vendor.pay(payment.reference)
    paid(payment, client)
    question = confirm.question(payment.order_id)
    with transaction():
        assert isinstance(confirm.judge(payment.order_id, confirm.ask(question)), Confirmed)
    assert confirm.question(payment.order_id) is None


def test_a_persons_word_about_a_card_is_looked_into_while_somebody_can_be_asked(payment: Payment):
    tell(payment, Actor.STAFF)
    assert confirm.question(payment.order_id) is not None
    with transaction():
        service_accounts.remove(payment.tenant_id, Service.PINGPONG)
    assert confirm.question(payment.order_id) is None


def test_another_amount_there_is_a_mismatch(vendor: Sandbox, payment: Payment, client):
    vendor.pay(payment.reference)
    paid(payment, client)
    db.session.execute(text("UPDATE payment_receipt SET amount_minor = 1"))
    db.session.commit()
    question = confirm.question(payment.order_id)
    with transaction():
        assert isinstance(confirm.judge(payment.order_id, confirm.ask(question)), Mismatch)
    assert alerts() == ["amount_mismatch"]


def test_a_silent_provider_is_an_outside_failure(vendor: Sandbox, payment: Payment, client):
    paid(payment, client)
    vendor.pingpong_knobs(query="down")
    with pytest.raises(OutsideFailed):
        confirm.ask(confirm.question(payment.order_id))


# --- giving back
def refunded(payment: Payment, amount: int | None = None) -> Refund:
    with transaction():
        return refunds.ask(payment.order_id, amount_minor=amount, reason="test", name="owner")


def state(refund: Refund) -> RefundState:
    return db.session.get_one(Refund, refund.id, populate_existing=True).state


def worked(refund: Refund, time: Clockwork) -> None:
    """The task runs, now and whenever it is due again, until the refund is at its end."""

    def over() -> bool:
        run_tasks("refund", refund.id)
        time.forward(minutes=61)
        return state(refund) in {RefundState.DONE, RefundState.FAILED}

    wait_for(over, what="the end of the refund")


@pytest.fixture
def sold(vendor: Sandbox, payment: Payment, client) -> Payment:
    """Paid, and PingPong knows it."""
    vendor.pay(payment.reference)
    return paid(payment, client)


def test_all_the_money_goes_back_and_the_order_is_refunded(vendor: Sandbox, sold: Payment, time: Clockwork):
    refund = refunded(sold)
    assert order_of(sold).state is OrderState.REFUNDED
    worked(refund, time)
    assert state(refund) is RefundState.DONE
    assert len(vendor.payment(sold.reference)["refunds"]) == 1
    assert "paid back" in messages()[-1].payload["text"]


def test_a_delivered_order_is_refunded_when_the_money_is_back(sold: Payment, time: Clockwork):
    order = order_of(sold)
    order.state, order.completed_at = OrderState.COMPLETED, clock.now()
    db.session.commit()
    refund = refunded(sold)
    assert order_of(sold).state is OrderState.COMPLETED
    worked(refund, time)
    assert order_of(sold).state is OrderState.REFUNDED


def test_parts_go_back_and_never_more_than_came_in(sold: Payment):
    refunded(sold, 1000)
    assert order_of(sold).state is OrderState.PAID
    with pytest.raises(RefundTooLarge, match=r"9\.90"):
        refunded(sold, 991)
    refunded(sold, 990)
    assert order_of(sold).state is OrderState.REFUNDED
    with pytest.raises(RefundTooLarge):
        refunded(sold)


@pytest.mark.parametrize("trouble", ["down", "cut"])
def test_a_refund_whose_answer_was_lost_goes_back_once(
    vendor: Sandbox, sold: Payment, time: Clockwork, trouble: str
):
    refund = refunded(sold)
    vendor.pingpong_knobs(refund=trouble)
    run_tasks("refund", refund.id)
    assert state(refund) is RefundState.QUEUED
    vendor.pingpong_knobs(refund="ok")
    worked(refund, time)
    assert state(refund) is RefundState.DONE
    assert len(vendor.payment(sold.reference)["refunds"]) == 1


def test_a_worker_that_died_in_between_sends_it_once(vendor: Sandbox, sold: Payment, time: Clockwork):
    refund = refunded(sold)
    with transaction():
        dead = refunding.claim(refund.id)
    answer = refunding.send(dead)
    time.forward(minutes=2)
    worked(refund, time)
    with transaction():
        refunding.complete(dead, answer)
    assert state(refund) is RefundState.DONE
    assert len(vendor.payment(sold.reference)["refunds"]) == 1


def test_a_refused_refund_is_told_and_may_be_asked_for_again(vendor: Sandbox, sold: Payment, time: Clockwork):
    vendor.pingpong_knobs(refund="fails")
    refund = refunded(sold)
    worked(refund, time)
    assert (state(refund), alerts()) == (RefundState.FAILED, ["refund_failed"])
    assert refunded(sold).amount_minor == 1990


def test_the_callback_about_our_refund_ends_it(sold: Payment, client):
    refund = refunded(sold)
    content = told(sold, notifyType="REFUND", merchantRefundId=refund.reference, refundId="R9")
    assert call_back(client, envelope(content)).status_code == 204
    assert state(refund) is RefundState.DONE


def test_nothing_goes_back_for_an_order_that_nobody_paid(payment: Payment):
    with pytest.raises(NothingReceived):
        refunded(payment)


def test_stars_go_back_as_a_whole(cast: Cast):
    payment = a_payment(cast.tenant, Provider.STARS)
    tell(payment)
    with pytest.raises(RefundWholeOnly):
        refunded(payment, 10)
