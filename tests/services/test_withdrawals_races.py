"""Many at the same moment, over connections of their own: no cent is paid twice, and nobody waits in a circle."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask

from app.core.db import db
from app.core.queue import transaction
from app.domain.money import Money
from app.models import Bot, Order, Promoter
from app.services import affiliates
from app.services.affiliates import ledger, promoters, withdrawals
from tests.cast import Cast
from tests.lottery_tools import a_bot
from tests.promoting import CHEN, EVA, a_product, a_promoter, an_order, balance, opens
from tests.racing import endings

THREADS = 8


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


def together(act: Callable[[int], object]) -> Counter[str]:
    """Each of 8 threads acts once, with its own number."""
    return endings(*(partial(act, thread) for thread in range(THREADS)))


def asks(promoter_id: int, amount: int, press: str) -> None:
    withdrawals.request(promoters.get(promoter_id), Money(amount, "USD"), "my card", press)


def test_of_many_wishes_only_those_that_the_balance_holds_are_taken(app: Flask, chen: Promoter):
    ends = together(lambda thread: asks(chen.id, 2000, f"press {thread}"))
    assert ends == {"done": 2, "balance_too_low": 6}
    assert balance(chen) == 1000


def test_one_press_handled_by_many_asks_once(app: Flask, chen: Promoter):
    together(lambda _: asks(chen.id, 2000, "the press"))
    assert balance(chen) == 3000
    assert len(withdrawals.list_of(chen.id)) == 1


def test_cancelled_refused_and_paid_at_once_only_one_wins(app: Flask, chen: Promoter):
    with transaction():
        wish = withdrawals.request(chen, Money(2000, "USD"), "my card", "press")
    deeds = (
        lambda: withdrawals.cancel(wish.id, promoters.get(chen.id)),
        lambda: withdrawals.refuse(wish.id, "no"),
        lambda: withdrawals.mark_paid(wish.id),
        lambda: withdrawals.refuse(wish.id, "never"),
    )
    ends = together(lambda thread: deeds[thread % len(deeds)]())
    assert ends == {"done": 1, "withdrawal_decided": 7}
    assert ledger.check(chen.tenant_id).mismatches == []
    db.session.refresh(wish)
    assert balance(chen) == (3000 if wish.state == "paid" else 5000)


def test_orders_completed_at_once_each_pay_once(app: Flask, cast: Cast, bot: Bot, chen: Promoter):
    opens(bot, chen, EVA)
    product = a_product(cast.tenant)
    orders = [an_order(bot, product, EVA).id for _ in range(THREADS // 2)]

    def earns(thread: int) -> None:
        order = db.session.get(Order, orders[thread % len(orders)])
        assert order is not None
        affiliates.earn(order)

    assert together(earns) == {"done": THREADS}
    assert balance(chen) == 5000 + 1000 * len(orders)


def test_two_presses_make_one_promoter(app: Flask, bot: Bot, chen: Promoter):
    opens(bot, chen, EVA)
    made: list[int] = []
    together(lambda _: made.append(promoters.become(bot.tenant_id, EVA).id))
    assert len(set(made)) == 1
