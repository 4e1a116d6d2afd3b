"""Paying with Telegram Stars, from the invoice to the money, and back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.core.queue import transaction
from app.domain.bots import BotState
from app.domain.orders import OrderState
from app.domain.payments import PaymentState, Provider, RefundState
from app.models import Payment, PaymentReceipt, Refund, ShopAlert, Tenant
from app.services.payments import begin, refunds
from bots.telegram import outbox as sender
from tasks.payments import refund as send_refund
from tests.paying import ask_for, expire, fresh, order_of, waiting_order
from tests.sandbox_client import LIN, WANG
from tests.talking import Talk, give


@pytest.fixture
def payment(talk: Talk) -> Payment:
    """Lin's order for 50 Stars; the invoice lies in her chat."""
    tenant = db.session.get_one(Tenant, talk.config.tenant_id)
    payment = ask_for(waiting_order(tenant, Provider.STARS, telegram_id=LIN, bot_id=talk.config.id))
    sender.flush(talk.config, Event())
    return payment


def checkout(talk: Talk, payment: Payment, *, user: int = LIN, stars: int = 50, currency: str = "XTR") -> str:
    """Telegram asks; the error that the bot answers with, "" for none."""
    payer = {"id": user, "is_bot": False, "first_name": "Lin", "language_code": "en"}
    query = {"id": "77", "from": payer, "currency": currency, "total_amount": stars}
    query["invoice_payload"] = payment.reference
    answers: list[dict[str, object]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bots.conversations.stars.perform", lambda _call, params: answers.append(dict(params)))
        give(talk.config, pre_checkout_query=query)
    (answer,) = answers
    assert answer["ok"] == ("error_message" not in answer)
    return str(answer.get("error_message", ""))


def money(
    payment: Payment, kind: str = "successful_payment", *, stars: int = 50, charge: str = "CHARGE"
) -> dict:
    """Telegram's message that Stars moved."""
    return {
        "message_id": 5,
        "from": {"id": LIN, "is_bot": False, "first_name": "Lin", "language_code": "en"},
        "chat": {"id": LIN, "type": "private", "first_name": "Lin"},
        "date": 1_795_160_000,
        kind: {
            "currency": "XTR",
            "total_amount": stars,
            "invoice_payload": payment.reference,
            "telegram_payment_charge_id": charge,
            "provider_payment_charge_id": "",
        },
    }


def test_the_invoice_is_in_the_chat(talk: Talk, payment: Payment):
    last = talk.telegram.messages(talk.bot, LIN)[-1]
    assert last["invoice"]["total_amount"] == 50
    assert fresh(payment).state is PaymentState.OPEN


def test_telegram_may_take_the_stars(talk: Talk, payment: Payment):
    assert checkout(talk, payment) == ""


@pytest.mark.parametrize(
    "wrong", [{"user": WANG}, {"stars": 49}, {"currency": "USD"}], ids=["who", "amount", "currency"]
)
def test_it_may_not_take_others(talk: Talk, payment: Payment, wrong: dict[str, object]):
    assert "nothing was charged" in checkout(talk, payment, **wrong)


def test_an_expired_order_costs_nothing(talk: Talk, payment: Payment):
    expire(payment)
    assert "expired" in checkout(talk, payment)


def test_a_paid_order_is_not_paid_again(talk: Talk, payment: Payment):
    give(talk.config, message=money(payment))
    assert "paid already" in checkout(talk, payment)


def test_an_invoice_that_was_replaced_costs_nothing(talk: Talk, payment: Payment):
    with transaction():
        begin.close_open(payment.order_id, "test")
    assert "changed" in checkout(talk, payment)


def test_money_pays_the_order_once(talk: Talk, payment: Payment):
    for _ in range(3):
        give(talk.config, message=money(payment))
    assert order_of(payment).state is OrderState.PAID
    receipt = db.session.scalar(select(PaymentReceipt))
    assert (receipt.transaction, receipt.amount_minor, receipt.told_by) == ("CHARGE", 50, "stars")
    assert receipt.confirmed_at is not None


@pytest.mark.parametrize("change", [{"enabled": False}, {"state": BotState.REVOKED}])
def test_money_counts_whatever_became_of_the_bot_meanwhile(
    talk: Talk, payment: Payment, change: dict[str, object]
):
    give(replace(talk.config, **change), message=money(payment))
    assert order_of(payment).state is OrderState.PAID


def test_money_of_nobodys_invoice_is_told(talk: Talk, payment: Payment):
    strange = money(payment)
    strange["successful_payment"]["invoice_payload"] = "NOBODY"
    give(talk.config, message=strange)
    assert db.session.scalar(select(ShopAlert.kind)) == "unknown_payments"


def test_paid_twice_the_second_goes_back(talk: Talk, payment: Payment):
    give(talk.config, message=money(payment))
    give(talk.config, message=money(payment, charge="SECOND"))
    refund = db.session.scalar(select(Refund))
    assert (refund.state, refund.amount_minor) == (RefundState.QUEUED, 50)
    assert order_of(payment).state is OrderState.PAID


def test_what_telegram_gives_back_refunds_the_order(talk: Talk, payment: Payment):
    give(talk.config, message=money(payment))
    for _ in range(2):
        give(talk.config, message=money(payment, "refunded_payment"))
    assert order_of(payment).state is OrderState.REFUNDED
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 1


def test_our_refund_and_telegrams_news_of_it_are_one(talk: Talk, payment: Payment):
    give(talk.config, message=money(payment))
    with transaction():
        refunds.ask(payment.order_id, reason="test", name="owner")
    give(talk.config, message=money(payment, "refunded_payment"))
    assert [refund.state for refund in db.session.scalars(select(Refund))] == [RefundState.DONE]
    assert db.session.scalar(select(ShopAlert.kind)) is None


def test_the_whole_way_at_the_sandbox(talk: Talk, payment: Payment, app):
    with ThreadPoolExecutor(1) as buyer:
        paying = buyer.submit(talk.telegram.pay_stars, talk.bot, LIN)
        while not paying.done():
            talk.feed()
    assert paying.result()["ok"]
    talk.feed()
    assert order_of(payment).state is OrderState.PAID
    with transaction():
        asked = refunds.ask(payment.order_id, reason="test", name="owner")
    send_refund(asked.id)
    assert db.session.get_one(Refund, asked.id, populate_existing=True).state is RefundState.DONE
    talk.feed()
    assert [one["is_refund"] for one in talk.telegram.star_transactions(talk.bot)] == [False, True]
    assert order_of(payment).state is OrderState.REFUNDED
