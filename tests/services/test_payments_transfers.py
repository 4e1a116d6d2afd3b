"""Transfers by hand: what the buyer sees, what he says, and that only the boss makes it paid."""

import io

import pytest
from PIL import Image
from sqlalchemy import select

from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.orders import OrderState
from app.domain.payments import Provider, RefundState, Verdict
from app.models import AuditEvent, OutgoingMessage, Payment, PaymentReceipt
from app.services import pictures
from app.services.payments import begin, refunds, transfers
from app.services.payments.errors import NotByHand, NothingToConfirm
from tests.cast import Cast
from tests.paying import (
    a_payment,
    alerts,
    ask_for,
    expire,
    fresh,
    order_of,
    set_up_transfer,
    tell,
    waiting_order,
)
from tests.shopping import BUYER


@pytest.fixture
def payment(cast: Cast) -> Payment:
    return a_payment(cast.tenant, Provider.MANUAL)


def claim(payment: Payment, who: int = BUYER) -> bool:
    with transaction():
        return transfers.claim_transfer(payment.id, who)


def confirm(payment: Payment) -> Verdict:
    with transaction():
        return transfers.confirm_transfer(payment.id, "owner")


def messages() -> list[OutgoingMessage]:
    return list(db.session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))


def a_picture(cast: Cast) -> int:
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, "PNG")
    with transaction():
        return pictures.store(cast.tenant.id, out.getvalue())


def test_the_buyer_sees_the_boss_words_and_a_button(payment: Payment):
    (message,) = messages()
    assert message.payload["text"].endswith("Alipay 138")
    assert message.payload["reply_markup"]["inline_keyboard"][0][0] == {
        "text": "✅ I have paid",
        "callback_data": f"1:paid:{payment.id}",
    }


def test_with_a_qr_code_it_is_a_picture(cast: Cast):
    picture_id = a_picture(cast)
    set_up_transfer(cast.tenant, picture_id=picture_id)
    ask_for(waiting_order(cast.tenant, Provider.MANUAL))
    (message,) = messages()
    assert (message.method, message.payload["picture_id"]) == ("sendPhoto", picture_id)
    assert "Alipay 138" in message.payload["caption"]


def test_saying_that_he_has_paid_tells_the_boss_and_pays_nothing(payment: Payment):
    assert [claim(payment), claim(payment)] == [True, False]
    assert alerts() == ["transfer_claimed"]
    assert order_of(payment).state is OrderState.PENDING
    assert len(messages()) == 2


def test_nobody_else_can_say_so(payment: Payment):
    with pytest.raises(NotFound):
        claim(payment, BUYER + 1)


def test_what_is_over_cannot_be_claimed(payment: Payment):
    with transaction():
        begin.close_open(payment.order_id, "test")
    with pytest.raises(NothingToConfirm):
        claim(payment)


def test_the_boss_confirms_and_is_named(payment: Payment):
    assert [confirm(payment), confirm(payment)] == [Verdict.ACCEPTED, Verdict.REPEATED]
    assert order_of(payment).state is OrderState.PAID
    assert db.session.scalar(select(PaymentReceipt.told_by)) == "staff:owner"
    assert "payment.confirmed" in db.session.scalars(select(AuditEvent.action)).all()


def test_a_transfer_that_came_late_is_confirmed_too(payment: Payment):
    expire(payment)
    assert confirm(payment) is Verdict.ACCEPTED
    assert order_of(payment).state is OrderState.PAID


def test_other_ways_of_paying_are_not_confirmed_like_this(cast: Cast):
    payment = a_payment(cast.tenant, Provider.STARS)
    with pytest.raises(NothingToConfirm):
        confirm(payment)


def test_the_boss_pays_back_by_hand_and_marks_it(payment: Payment):
    confirm(payment)
    with transaction():
        refund = refunds.ask(payment.order_id, reason="wish", name="owner")
    assert refund.state is RefundState.BY_HAND
    with transaction():
        done = refunds.mark_done(refund.id, "owner")
        assert refunds.mark_done(refund.id, "owner").state is RefundState.DONE
    assert done.done_at is not None
    assert order_of(payment).state is OrderState.REFUNDED


def test_a_refund_by_hand_may_be_called_off_and_asked_for_again(payment: Payment):
    confirm(payment)
    with transaction():
        refund = refunds.ask(payment.order_id, amount_minor=500, reason="wish", name="owner")
        refunds.call_off(refund.id, "owner")
    with transaction():
        assert refunds.ask(payment.order_id, reason="wish", name="owner").amount_minor == 1990
    with pytest.raises(NotByHand):
        refunds.call_off(refund.id, "owner")


def test_what_we_send_ourselves_is_not_marked_by_hand(cast: Cast):
    payment = a_payment(cast.tenant, Provider.STARS)
    tell(payment)
    with transaction():
        refund = refunds.ask(fresh(payment).order_id, reason="wish", name="owner")
    with pytest.raises(NotByHand):
        refunds.mark_done(refund.id, "owner")
