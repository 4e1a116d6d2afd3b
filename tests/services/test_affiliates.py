"""Whom a promoter's link binds, and what his orders bring."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.core.db import db
from app.core.queue import transaction
from app.domain.affiliates import EntryKind, Referral
from app.models import Bot, CommissionEntry, Order, Product, Promoter, PromoterTouch
from app.services import affiliates
from app.services.affiliates import figures, ledger, promoters, terms
from app.services.affiliates.terms import Terms
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.lottery_tools import a_bot
from tests.promoting import (
    CHEN,
    DING,
    EVA,
    FANG,
    a_product,
    a_promoter,
    an_order,
    balance,
    complete,
    meet,
    opens,
    refund,
    said_to,
)


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def chen(bot: Bot) -> Promoter:
    return a_promoter(bot, CHEN)


@pytest.fixture
def product(cast: Cast) -> Product:
    return a_product(cast.tenant)


def bought(bot: Bot, product: Product, buyer: int, **values: object) -> Order:
    order = an_order(bot, product, buyer, **values)
    complete(order)
    return order


# --- binding


def test_somebody_new_is_bound_by_the_first_link_he_opens(bot: Bot, chen: Promoter):
    assert opens(bot, chen, EVA) is Referral.BOUND
    assert affiliates.promoter_of(bot.tenant_id, EVA) == chen.id


def test_opening_it_again_changes_nothing(bot: Bot, chen: Promoter):
    opens(bot, chen, EVA)
    assert opens(bot, chen, EVA) is Referral.BOUND
    assert len(db.session.scalars(select(PromoterTouch)).all()) == 1


def test_nobody_binds_himself(bot: Bot, chen: Promoter):
    assert opens(bot, chen, CHEN) is Referral.SELF
    assert affiliates.promoter_of(bot.tenant_id, CHEN) is None


def test_who_knew_the_shop_stays_free(bot: Bot, chen: Promoter):
    with transaction():
        meet(bot, EVA)
    assert opens(bot, chen, EVA) is Referral.KNOWN
    assert affiliates.promoter_of(bot.tenant_id, EVA) is None


def test_the_first_promoter_keeps_him(bot: Bot, chen: Promoter):
    ding = a_promoter(bot, DING)
    opens(bot, chen, EVA)
    assert opens(bot, ding, EVA) is Referral.TAKEN
    assert affiliates.promoter_of(bot.tenant_id, EVA) == chen.id


def test_an_update_that_died_before_its_commit_leaves_him_new(bot: Bot, chen: Promoter):
    meet(bot, EVA)
    assert affiliates.touch(bot.tenant_id, chen.code, EVA) is Referral.BOUND
    db.session.rollback()
    assert opens(bot, chen, EVA) is Referral.BOUND


def test_nobody_can_bring_whoever_brought_him(bot: Bot, chen: Promoter):
    opens(bot, chen, DING)
    ding = a_promoter(bot, DING)
    assert ding.parent_id == chen.id
    opens(bot, ding, EVA)
    eva = a_promoter(bot, EVA)
    assert [opens(bot, ding, CHEN), opens(bot, eva, CHEN), opens(bot, eva, DING)] == [Referral.LOOP] * 3


def test_a_paused_promoter_binds_nobody(bot: Bot, chen: Promoter):
    with transaction():
        promoters.pause(chen.id)
    assert opens(bot, chen, EVA) is Referral.PAUSED
    assert affiliates.promoter_of(bot.tenant_id, EVA) is None


def test_a_binding_ends_with_the_tenants_window(bot: Bot, chen: Promoter, time: Clockwork):
    with transaction():
        terms.save(bot.tenant_id, Terms(window_days=7))
    opens(bot, chen, EVA)
    time.forward(days=6)
    assert affiliates.promoter_of(bot.tenant_id, EVA) == chen.id
    time.forward(days=2)
    assert affiliates.promoter_of(bot.tenant_id, EVA) is None


def test_where_promoting_is_off_a_link_only_opens_the_bot(bot: Bot, chen: Promoter):
    with transaction():
        terms.save(bot.tenant_id, Terms(enabled=False))
    assert opens(bot, chen, EVA) is None
    with pytest.raises(promoters.PromotingOff), transaction():
        promoters.become(bot.tenant_id, EVA)


@pytest.mark.parametrize("code", ["", "x", "A" * 40, "推广推广", "a_b", "\u0660"])
def test_a_code_that_nobody_has_binds_nobody(bot: Bot, chen: Promoter, code: str):
    with transaction():
        meet(bot, EVA)
        assert affiliates.touch(bot.tenant_id, code, EVA) is None


def test_a_code_means_nothing_at_another_tenants(cast: Cast, bot: Bot, chen: Promoter):
    theirs = a_bot(cast.other_tenant, 2)
    with transaction():
        meet(theirs, EVA)
        assert affiliates.touch(theirs.tenant_id, chen.code, EVA) is None


# --- earning


def test_a_completed_order_pays_both_levels(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, DING)
    ding = a_promoter(bot, DING)
    opens(bot, ding, EVA)
    bought(bot, product, EVA)
    assert (balance(ding), balance(chen)) == (1000, 500)


def test_completing_it_twice_pays_once(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    order = bought(bot, product, EVA)
    complete(order)
    assert balance(chen) == 1000
    assert len(said_to(CHEN)) == 1


def test_a_refund_takes_back_exactly_what_was_earned_once(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, DING)
    ding = a_promoter(bot, DING)
    opens(bot, ding, EVA)
    order = bought(bot, product, EVA)
    order.product = {**order.product, "commission": {"kind": "fixed", "first": 9000, "second": 1}}
    refund(order)
    refund(order)
    assert (balance(ding), balance(chen)) == (0, 0)


def test_a_refund_of_what_never_paid_takes_nothing(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    refund(an_order(bot, product, EVA))
    assert balance(chen) == 0


def test_a_paid_out_commission_leaves_a_debt_that_later_ones_fill(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    order = bought(bot, product, EVA)
    with transaction():
        promoters.adjust(chen.id, "USD", -1000, "paid in cash", "1")
    refund(order)
    assert balance(chen) == -1000
    bought(bot, product, EVA, value_minor=15_000)
    assert balance(chen) == 500


def test_a_promoter_paused_meanwhile_earns_nothing_but_the_one_above_does(
    bot: Bot, chen: Promoter, product: Product
):
    opens(bot, chen, DING)
    ding = a_promoter(bot, DING)
    opens(bot, ding, EVA)
    order = an_order(bot, product, EVA)
    with transaction():
        promoters.pause(ding.id)
    complete(order)
    assert (balance(ding), balance(chen)) == (0, 500)


def test_nobody_earns_from_what_he_buys_himself(bot: Bot, chen: Promoter, product: Product):
    order = an_order(bot, product, CHEN, promoter_id=chen.id)
    complete(order)
    assert balance(chen) == 0


def test_each_currency_has_a_balance_of_its_own(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    bought(bot, product, EVA)
    bought(bot, product, EVA, value_currency="CNY", value_minor=500)
    assert (balance(chen), balance(chen, "CNY")) == (1000, 50)


def test_an_order_without_commission_or_promoter_posts_nothing(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    order = an_order(bot, product, EVA)
    order.product = {"name": "Tea"}
    complete(order)
    bought(bot, product, FANG)
    assert db.session.scalars(select(CommissionEntry)).all() == []


def test_he_hears_quietly_what_he_earned(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    order = bought(bot, product, EVA)
    told = f"💰 You earned $10.00: somebody you brought has bought something (order {order.code})."
    assert said_to(CHEN) == [told]
    quiet = db.session.execute(text("SELECT payload->>'disable_notification' FROM outbox")).scalar_one()
    assert quiet == "true"


# --- the ledger


def test_entries_can_neither_be_changed_nor_deleted(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    bought(bot, product, EVA)
    for change in ("UPDATE commission_entry SET amount = 5", "DELETE FROM commission_entry"):
        with pytest.raises(DBAPIError), transaction():
            db.session.execute(text(change))


def test_the_check_finds_a_balance_that_somebody_changed(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    bought(bot, product, EVA)
    with transaction():
        db.session.execute(text("UPDATE promoter_account SET balance = 7"))
    (found,) = ledger.check(bot.tenant_id).mismatches
    assert (found.promoter_id, found.balance, found.entries) == (chen.id, 7, 1000)


def test_the_boss_can_adjust_once_per_form_and_not_below_zero(bot: Bot, chen: Promoter):
    with transaction():
        assert promoters.adjust(chen.id, "CNY", 300, "Bonus", "form 1")
        assert not promoters.adjust(chen.id, "CNY", 300, "Bonus", "form 1")
    with pytest.raises(ledger.BalanceTooLow), transaction():
        promoters.adjust(chen.id, "CNY", -301, "Mistake", "form 2")
    assert balance(chen, "CNY") == 300


# --- figures


def test_his_figures(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, DING)
    ding = a_promoter(bot, DING)
    opens(bot, chen, EVA)
    opens(bot, ding, FANG)
    opens(bot, chen, CHEN)
    bought(bot, product, EVA)
    bought(bot, product, EVA)
    refund(bought(bot, product, EVA))
    bought(bot, product, FANG)
    found = figures.of(chen.id)
    assert (found.touched, found.bound, found.buyers, found.orders) == (2, 2, 1, 2)
    assert found.earned == {1: {"USD": 2000}, 2: {"USD": 500}}
    assert found.balances == found.total == {"USD": 2500}
    assert found.share(found.buyers) == 0.5


def test_his_entries_name_the_orders(bot: Bot, chen: Promoter, product: Product):
    opens(bot, chen, EVA)
    order = bought(bot, product, EVA)
    refund(order)
    lines = figures.lines(chen.id)
    assert [(line.kind, line.amount, line.order_code) for line in lines] == [
        (EntryKind.REVERSED, -1000, order.code),
        (EntryKind.EARNED, 1000, order.code),
    ]
