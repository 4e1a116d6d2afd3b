"""Payments at PingPong, over its wire format at the sandbox: made, asked about, given back."""

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.core.db import db
from app.core.errors import OutsideFailed
from app.core.queue import transaction
from app.domain.orders import OrderState
from app.domain.payments import PaymentState, Provider, Service
from app.models import Payment, PaymentReceipt, ProviderBreaker
from app.services import service_accounts
from app.services.payments import accounts, asking, begin, creating, sweep
from app.services.payments.errors import (
    NotPayable,
    ProviderMissing,
)
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.paying import (
    alerts,
    ask_for,
    call_back,
    envelope,
    expire,
    fresh,
    make,
    messages,
    order_of,
    run_tasks,
    set_up_pingpong,
    set_up_transfer,
    told,
    waiting_order,
)
from tests.sandbox_client import Sandbox


# --- making
def test_the_buyer_gets_one_message_with_the_button(payment: Payment):
    (message,) = messages()
    (button,) = message.payload["reply_markup"]["inline_keyboard"][0]
    assert button == {"text": "💳 Pay $19.90", "url": payment.url}
    assert "Card" in message.payload["text"]
    assert "Beijing time" in message.payload["text"]
    assert payment.state is PaymentState.OPEN


def test_making_it_again_makes_one_payment_there(vendor: Sandbox, cast: Cast):
    payment = ask_for(waiting_order(cast.tenant))
    with transaction():
        making = creating.claim(payment.id)
    assert creating.make(making) == creating.make(making)
    assert len(vendor.payments()) == 1


def test_only_one_makes_it(vendor: Sandbox, cast: Cast):
    payment = ask_for(waiting_order(cast.tenant))
    with transaction():
        assert creating.claim(payment.id) is not None
        assert creating.claim(payment.id) is None


def test_who_lost_his_lease_writes_nothing(vendor: Sandbox, cast: Cast, time: Clockwork):
    payment = ask_for(waiting_order(cast.tenant))
    with transaction():
        first = creating.claim(payment.id)
    time.forward(minutes=2)
    with transaction():
        second = creating.claim(payment.id)
    made = creating.make(second)
    with transaction():
        assert creating.complete(second, made)
        assert not creating.complete(first, made)
    assert len(messages()) == 1


def test_one_order_has_one_open_payment(vendor: Sandbox, cast: Cast):
    order = waiting_order(cast.tenant)
    assert ask_for(order).id == ask_for(order).id


def test_the_amount_goes_out_with_the_currencys_digits(vendor: Sandbox, cast: Cast):
    payment = ask_for(waiting_order(cast.tenant, amount_minor=1200, currency="JPY"))
    make(payment)
    (there,) = vendor.payments()
    assert (there["amount"], there["currency"]) == ("1200", "JPY")


def test_money_that_comes_before_the_page_is_ready_counts(vendor: Sandbox, cast: Cast, client):
    payment = ask_for(waiting_order(cast.tenant))
    with transaction():
        making = creating.claim(payment.id)
    made = creating.make(making)
    assert call_back(client, envelope(told(payment))).status_code == 204
    with transaction():
        assert not creating.complete(making, made)
    assert order_of(payment).state is OrderState.PAID
    assert messages() == []


@pytest.mark.parametrize("trouble", ["down", "cut"])
def test_an_outage_is_waited_out_and_the_buyer_is_told_once(
    vendor: Sandbox, cast: Cast, time: Clockwork, trouble: str
):
    payment = ask_for(waiting_order(cast.tenant))
    vendor.pingpong_knobs(create=trouble)
    for _ in range(4):
        run_tasks("create", payment.id)
        time.forward(minutes=1, seconds=1)
    assert [message.dedupe_key for message in messages()] == [
        f"order:{payment.order_id}:pay:{payment.id}:slow"
    ]
    vendor.pingpong_knobs(create="ok")
    run_tasks("create", payment.id)
    assert fresh(payment).state is PaymentState.OPEN
    assert len(vendor.payments()) == 1


def test_a_wrong_key_is_told_to_the_boss_and_the_buyer(vendor: Sandbox, cast: Cast):
    set_up_pingpong(cast.tenant, salt="WRONG0SALT")
    payment = ask_for(waiting_order(cast.tenant))
    run_tasks("create", payment.id)
    assert (fresh(payment).state, alerts()) == (PaymentState.CLOSED, ["service_key_bad"])
    assert "can't be paid this way" in messages()[0].payload["text"]


def test_a_payment_that_nobody_made_is_found_by_the_sweep(vendor: Sandbox, cast: Cast, monkeypatch):
    payment = ask_for(waiting_order(cast.tenant))
    rung: list[tuple[object, ...]] = []
    monkeypatch.setattr(sweep, "enqueue", lambda *args: rung.append(args))
    run_tasks("sweep")
    assert rung == [("payments.create", payment.id)]


def test_what_is_over_is_closed(payment: Payment):
    expire(payment)
    run_tasks("sweep")
    assert fresh(payment).state is PaymentState.CLOSED


def test_an_expired_order_is_not_asked_for(cast: Cast, vendor: Sandbox):
    order = waiting_order(cast.tenant, expires_at=clock.now())
    with pytest.raises(NotPayable):
        ask_for(order)


@pytest.mark.parametrize("provider", [Provider.PINGPONG, Provider.MANUAL])
def test_a_shop_without_an_account_offers_no_such_way(cast: Cast, provider: Provider):
    with pytest.raises(ProviderMissing):
        ask_for(waiting_order(cast.tenant, provider))


def test_another_way_closes_the_first(payment: Payment, cast: Cast):
    set_up_transfer(cast.tenant)
    with transaction():
        second = begin.switch(payment.order_id, Provider.MANUAL, 14000, "CNY")
    assert fresh(payment).state is PaymentState.CLOSED
    assert (second.provider, second.amount_minor, second.currency) == (Provider.MANUAL, 14000, "CNY")
    assert order_of(payment).provider is Provider.MANUAL


def test_the_same_way_again_is_the_same_payment(payment: Payment):
    with transaction():
        assert begin.again(payment.order_id).url == payment.url


# --- asking
def test_money_that_nobody_told_us_of_is_found(vendor: Sandbox, payment: Payment, time: Clockwork):
    vendor.pay(payment.reference)
    run_tasks("ask")
    assert order_of(payment).state is OrderState.PENDING
    time.forward(minutes=2, seconds=1)
    run_tasks("ask")
    assert order_of(payment).state is OrderState.PAID
    receipt = db.session.scalar(select(PaymentReceipt))
    assert (receipt.told_by, receipt.confirmed_at is not None) == ("reconciliation", True)


def test_the_questions_become_rarer_and_end(payment: Payment, time: Clockwork):
    asked = 0
    for _ in range(26 * 3):
        before = fresh(payment).query_at
        run_tasks("ask")
        asked += fresh(payment).query_at != before
        time.forward(minutes=20)
    assert 24 <= asked <= 29
    assert fresh(payment).query_at is None


def test_a_declined_card_is_asked_about_again(vendor: Sandbox, payment: Payment, time: Clockwork):
    vendor.decline(payment.reference)
    time.forward(minutes=3)
    run_tasks("ask")
    assert fresh(payment).query_at is not None
    vendor.pay(payment.reference)
    time.forward(minutes=3)
    run_tasks("ask")
    assert order_of(payment).state is OrderState.PAID


def test_an_outage_of_an_hour_is_waited_out(vendor: Sandbox, payment: Payment, time: Clockwork):
    vendor.pay(payment.reference)
    vendor.pingpong_knobs(query="down")
    for _ in range(12):
        time.forward(minutes=5)
        run_tasks("ask")
    assert order_of(payment).state is OrderState.PENDING
    vendor.pingpong_knobs(query="ok")
    time.forward(hours=1, minutes=1)
    run_tasks("ask")
    assert order_of(payment).state is OrderState.PAID


def test_another_amount_there_pays_nothing(vendor: Sandbox, payment: Payment, time: Clockwork):
    db.session.execute(text("UPDATE payment SET amount_minor = 2990"))
    db.session.commit()
    vendor.pay(payment.reference)
    time.forward(minutes=3)
    run_tasks("ask")
    assert (order_of(payment).state, alerts()) == (OrderState.PENDING, ["amount_mismatch"])


def test_one_tenant_does_not_take_all_questions(vendor: Sandbox, cast: Cast, time: Clockwork, monkeypatch):
    monkeypatch.setattr(asking, "PER_TENANT", 5)
    set_up_pingpong(cast.other_tenant)
    for _ in range(8):
        ask_for(waiting_order(cast.tenant))
    ask_for(waiting_order(cast.other_tenant))
    time.forward(minutes=3)
    with transaction():
        tenants = [query.tenant_id for query in asking.claim_due()]
    assert tenants.count(cast.tenant.id) == 5
    assert tenants.count(cast.other_tenant.id) == 1


# --- the account
def test_a_connection_is_tested(vendor: Sandbox, cast: Cast):
    account = service_accounts.pingpong(cast.tenant.id)
    accounts.pingpong_of(account).check()
    set_up_pingpong(cast.tenant, salt="WRONG0SALT")
    with pytest.raises(OutsideFailed):
        accounts.pingpong_of(service_accounts.pingpong(cast.tenant.id)).check()


def test_a_failing_provider_is_left_alone(vendor: Sandbox, cast: Cast, time: Clockwork):
    vendor.pingpong_knobs(create="down")
    for _ in range(6):
        run_tasks("create", ask_for(waiting_order(cast.tenant)).id)
    breaker = db.session.scalar(select(ProviderBreaker))
    assert (breaker.service, breaker.failures) == (Service.PINGPONG, 5)
    assert alerts() == ["service_down"]


# --- many
def test_forty_payments_that_nobody_told_us_of_are_found_in_six_minutes(
    vendor: Sandbox, cast: Cast, time: Clockwork
):
    payments = [ask_for(waiting_order(cast.tenant)) for _ in range(40)]
    for payment in payments:
        make(payment)
    vendor.pay_all()
    for _ in range(12):
        time.forward(seconds=30)
        run_tasks("ask")
    assert {order_of(payment).state for payment in payments} == {OrderState.PAID}
