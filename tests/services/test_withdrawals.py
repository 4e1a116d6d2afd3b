"""A promoter asks to be paid, and the boss decides."""

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.affiliates import EntryKind, WithdrawalState
from app.domain.money import Money
from app.models import Bot, CommissionEntry, Promoter, ShopAlert, Withdrawal
from app.services import tenant_data
from app.services.affiliates import ledger, promoters, terms, withdrawals
from app.services.affiliates.ledger import BalanceTooLow
from app.services.affiliates.terms import Terms
from app.services.affiliates.withdrawals import AlreadyDecided, PayToNotValid, TooLittle
from tasks.maintenance import check_commissions
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.lottery_tools import a_bot
from tests.promoting import CHEN, DING, EVA, a_promoter, balance, opens, said_to
from tests.services.test_tenant_data import traces_of

CARD = "Alipay chen@pay.example"


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def chen(bot: Bot) -> Promoter:
    """He has 50 dollars."""
    promoter = a_promoter(bot, CHEN)
    with transaction():
        promoters.adjust(promoter.id, "USD", 5000, "a start", "start")
    return promoter


def asks(promoter: Promoter, amount: int = 2000, press: str = "press 1", to: str = CARD) -> Withdrawal:
    with transaction():
        return withdrawals.request(promoter, Money(amount, "USD"), to, press)


def decides(do: object, *arguments: object) -> Withdrawal:
    with transaction():
        return do(*arguments)


def test_the_amount_leaves_the_balance_at_once_and_the_boss_is_told(chen: Promoter):
    wish = asks(chen)
    assert (wish.state, balance(chen)) == (WithdrawalState.REQUESTED, 3000)
    (alert,) = db.session.scalars(select(ShopAlert)).all()
    assert alert.kind == "withdrawal_requested"


def test_pressing_twice_asks_once(chen: Promoter):
    assert asks(chen).id == asks(chen).id
    assert balance(chen) == 3000


def test_nobody_gets_more_than_he_has(chen: Promoter):
    asks(chen, 4000)
    with pytest.raises(BalanceTooLow):
        asks(chen, 1001, "press 2")
    assert balance(chen) == 1000


def test_nobody_gets_a_currency_in_which_he_never_earned(chen: Promoter):
    with pytest.raises(BalanceTooLow), transaction():
        withdrawals.request(chen, Money(1, "CNY"), CARD, "press 1")


def test_less_than_the_tenants_minimum_stays(chen: Promoter):
    with transaction():
        terms.save(chen.tenant_id, Terms(least={"USD": 3000}))
    with pytest.raises(TooLittle, match=r"30\.00 USD"):
        asks(chen, 2999)


@pytest.mark.parametrize("to", ["", "  x ", "y" * 301])
def test_he_says_where_the_money_goes(chen: Promoter, to: str):
    with pytest.raises(PayToNotValid):
        asks(chen, to=to)


def test_approved_and_paid_he_hears_of_both(chen: Promoter):
    wish = asks(chen)
    decides(withdrawals.approve, wish.id)
    decides(withdrawals.mark_paid, wish.id)
    assert wish.paid_at is not None
    assert said_to(CHEN) == [
        "✅ Your withdrawal of $20.00 is approved and will be paid soon.",
        "💸 Your withdrawal of $20.00 has been paid. Thank you for promoting!",
    ]
    assert balance(chen) == 3000


def test_refused_he_reads_why_and_has_it_back(chen: Promoter):
    wish = asks(chen)
    decides(withdrawals.refuse, wish.id, "The account does not exist")
    assert balance(chen) == 5000
    assert said_to(CHEN)[0].endswith("Reason: The account does not exist")


def test_nothing_is_decided_twice(chen: Promoter):
    wish = asks(chen)
    decides(withdrawals.mark_paid, wish.id)
    for do, more in ((withdrawals.refuse, ["no"]), (withdrawals.approve, []), (withdrawals.mark_paid, [])):
        with pytest.raises(AlreadyDecided):
            decides(do, wish.id, *more)
    assert balance(chen) == 3000


def test_he_may_cancel_while_nobody_has_decided(chen: Promoter):
    first, second = asks(chen), asks(chen, 1000, "press 2")
    decides(withdrawals.cancel, first.id, chen)
    decides(withdrawals.approve, second.id)
    with pytest.raises(AlreadyDecided):
        decides(withdrawals.cancel, second.id, chen)
    assert balance(chen) == 4000


def test_nobody_cancels_anothers(bot: Bot, chen: Promoter):
    wish, ding = asks(chen), a_promoter(bot, DING)
    with pytest.raises(NotFound):
        decides(withdrawals.cancel, wish.id, ding)


def test_anothers_press_is_not_his(bot: Bot, chen: Promoter):
    asks(chen)
    ding = a_promoter(bot, DING)
    with transaction():
        promoters.adjust(ding.id, "USD", 5000, "a start", "start")
    with pytest.raises(NotFound):
        asks(ding)


def test_what_is_given_back_fills_a_debt_first(chen: Promoter):
    wish = asks(chen, 5000)
    with transaction():
        debt = ledger.Change(chen.id, "USD", EntryKind.REVERSED, -7000, "reverse:1:1")
        ledger.post(chen.tenant_id, debt, overdraw=True)
    decides(withdrawals.refuse, wish.id, "not now")
    assert balance(chen) == -2000


def test_where_the_money_goes_is_kept_unreadable(chen: Promoter):
    asks(chen)
    kept = db.session.execute(text("SELECT pay_to FROM withdrawal")).scalar_one()
    assert "chen" not in kept


def test_erasing_him_keeps_the_books_without_him(bot: Bot, chen: Promoter):
    opens(bot, chen, EVA)
    wish = asks(chen)
    with transaction():
        tenant_data.erase_member(bot.tenant_id, CHEN)
    db.session.expire_all()
    assert traces_of(bot.tenant_id, str(CHEN)) == []
    assert (wish.state, wish.pay_to, balance(chen)) == (WithdrawalState.REFUSED, "", 5000)
    assert {note for (note,) in db.session.execute(select(CommissionEntry.note))} == {""}


def test_erasing_somebody_he_brought_frees_that_one(bot: Bot, chen: Promoter):
    opens(bot, chen, EVA)
    with transaction():
        tenant_data.erase_member(bot.tenant_id, EVA)
    assert traces_of(bot.tenant_id, str(EVA)) == []


def test_at_night_a_ledger_that_does_not_add_up_is_told_once(chen: Promoter, time: Clockwork):
    with transaction():
        db.session.execute(text("UPDATE promoter_account SET balance = 7"))
    local = clock.now().astimezone(ZoneInfo("Asia/Shanghai"))
    time.forward(hours=(3 - local.hour) % 24)
    check_commissions()
    check_commissions()
    (alert,) = db.session.scalars(select(ShopAlert)).all()
    assert (alert.kind, alert.details) == (
        "commissions_wrong",
        {"accounts": [db.session.execute(text("SELECT id FROM promoter_account")).scalar_one()]},
    )


@pytest.mark.parametrize("amount", [0, -1, -5000])
def test_nothing_and_less_than_nothing_cannot_be_asked_for(chen: Promoter, amount: int):
    with pytest.raises(TooLittle):
        asks(chen, amount)
    assert balance(chen) == 5000
