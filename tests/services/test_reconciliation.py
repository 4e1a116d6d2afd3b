"""The comparison with the providers: a line for each payment of the day before, and a button for what differs."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.orders import OrderState
from app.domain.payments import Difference, MoneyStatus, Provider, Settlement, difference_of
from app.models import AuditEvent, Payment, ReconciliationLine, Refund
from app.services import reconciliation
from app.services.reconciliation import NotThisWay
from tests.cast import Cast
from tests.paying import (
    alerts,
    ask_for,
    order_of,
    set_up_transfer,
    tell,
    waiting_order,
)
from tests.sandbox_client import LIN, Sandbox
from tests.talking import make_bot

CHINA = ZoneInfo("Asia/Shanghai")


def morning(monkeypatch: pytest.MonkeyPatch, hour: int = 5) -> None:
    """It is tomorrow in China, at this hour."""
    today = datetime.now(CHINA).replace(hour=hour, minute=0, second=0)
    monkeypatch.setattr(clock, "now", lambda: today + timedelta(days=1))


def compare() -> list[ReconciliationLine]:
    """What the task does."""
    with transaction():
        days = reconciliation.claim_due()
    for day in days:
        theirs = reconciliation.ask(day)
        with transaction():
            reconciliation.write(day, theirs)
    return list(db.session.scalars(select(ReconciliationLine).order_by(ReconciliationLine.id)))


def settle(line: ReconciliationLine, how: Settlement) -> ReconciliationLine:
    with transaction():
        return reconciliation.settle(line.id, how, "owner")


@pytest.mark.parametrize(
    ("theirs", "their_amount", "ours", "known", "difference"),
    [
        (MoneyStatus.SUCCESS, 1990, (1990, 0), True, Difference.NONE),
        (MoneyStatus.PROCESSING, None, (0, 0), True, Difference.NONE),
        (MoneyStatus.SUCCESS, 1990, (0, 0), True, Difference.UNPAID_HERE),
        (MoneyStatus.SUCCESS, 1990, (3980, 0), True, Difference.AMOUNT),
        (MoneyStatus.UNKNOWN, None, (1990, 0), True, Difference.UNKNOWN_THERE),
        (MoneyStatus.CLOSED, None, (1990, 0), True, Difference.UNKNOWN_THERE),
        (MoneyStatus.REFUNDED, 1990, (1990, 0), True, Difference.REFUNDED_THERE),
        (MoneyStatus.REFUNDED, 1990, (1990, 1990), True, Difference.NONE),
        (MoneyStatus.SUCCESS, 1990, (1990, 1990), True, Difference.NONE),
        (MoneyStatus.SUCCESS, 1990, (1990, 1990), False, Difference.NOT_REFUNDED_THERE),
    ],
)
def test_how_two_sides_differ(theirs, their_amount, ours, known, difference):
    assert difference_of(theirs, their_amount, *ours, refunds_known=known) is difference


def test_a_day_is_compared_the_morning_after(payment: Payment, monkeypatch):
    assert compare() == []
    morning(monkeypatch, hour=3)
    assert compare() == []
    morning(monkeypatch)
    (line,) = compare()
    assert (line.theirs, line.ours, line.difference) == (MoneyStatus.PROCESSING, "pending", "")
    assert line.day == datetime.now(CHINA).date()
    assert len(compare()) == 1


def test_money_that_we_did_not_hear_of_is_a_difference(vendor: Sandbox, payment: Payment, monkeypatch):
    vendor.pay(payment.reference)
    morning(monkeypatch)
    (line,) = compare()
    assert (line.difference, line.theirs_minor, line.ours_minor) == ("unpaid_here", 1990, 0)
    assert alerts() == ["reconciliation_difference"]


def test_one_press_marks_it_paid(vendor: Sandbox, payment: Payment, monkeypatch):
    vendor.pay(payment.reference)
    morning(monkeypatch)
    (line,) = compare()
    settled = settle(line, Settlement.MARK_PAID)
    settle(line, Settlement.MARK_PAID)
    assert order_of(payment).state is OrderState.PAID
    assert settled.settled_by == "owner"
    assert "reconciliation.settled" in db.session.scalars(select(AuditEvent.action)).all()
    assert reconciliation.lines(payment.tenant_id, open_only=True) == []


def test_one_press_pays_it_back(vendor: Sandbox, payment: Payment, monkeypatch):
    vendor.pay(payment.reference)
    morning(monkeypatch)
    (line,) = compare()
    settle(line, Settlement.REFUND)
    assert order_of(payment).state is OrderState.REFUNDED
    assert db.session.scalar(select(Refund.state)) == "queued"


def test_money_that_the_provider_does_not_know_is_a_difference(payment: Payment, monkeypatch):
    tell(payment)
    morning(monkeypatch)
    (line,) = compare()
    assert line.difference == "unknown_there"
    with pytest.raises(NotThisWay):
        settle(line, Settlement.MARK_PAID)
    assert settle(line, Settlement.ACCEPT).settled_at is not None


def test_a_refund_that_did_not_arrive_is_a_difference(vendor: Sandbox, payment: Payment, monkeypatch):
    vendor.pay(payment.reference)
    tell(payment)
    insert = """
    INSERT INTO refund (tenant_id, order_id, receipt_id, reference, amount_minor, currency, state, reason, asked_by, attempts)
    SELECT tenant_id, order_id, id, 'LOST', 500, 'USD', 'done', '', '', 1 FROM payment_receipt
    """
    db.session.execute(text(insert))
    db.session.commit()
    morning(monkeypatch)
    (line,) = compare()
    assert line.difference == "not_refunded_there"


def test_a_provider_that_is_away_is_asked_in_the_next_round(vendor: Sandbox, payment: Payment, monkeypatch):
    vendor.pingpong_knobs(query="down")
    morning(monkeypatch)
    assert compare() == []
    vendor.pingpong_knobs(query="ok")
    assert len(compare()) == 1


def test_stars_are_compared_too(telegram: Sandbox, cast: Cast, monkeypatch):
    _, config = make_bot(telegram, cast.tenant)
    order = waiting_order(cast.tenant, Provider.STARS, telegram_id=LIN, bot_id=config.id)
    payment = ask_for(order)
    tell(payment, transaction="NEVER")
    morning(monkeypatch)
    (line,) = compare()
    assert (line.provider, line.difference) == (Provider.STARS, "unknown_there")


def test_transfers_are_nobodys_to_compare(cast: Cast, monkeypatch):
    set_up_transfer(cast.tenant)
    ask_for(waiting_order(cast.tenant, Provider.MANUAL))
    morning(monkeypatch)
    assert compare() == []
