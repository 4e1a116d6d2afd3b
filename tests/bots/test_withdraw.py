"""A promoter asks in the chat to be paid."""

import pytest

from app.core.db import db
from app.core.queue import transaction
from app.domain.affiliates import WithdrawalState
from app.models import Promoter, Withdrawal
from app.services.affiliates import terms, withdrawals
from app.services.affiliates.terms import Terms
from tests.bots.lottery_talk import alert
from tests.bots.promote_talk import AGREE, WITHDRAW, YES, asks_for, becomes_a_promoter, rich
from tests.cast import Cast
from tests.promoting import a_paying_product, balance
from tests.sandbox_client import LIN, WANG
from tests.talking import Talk, give, press

pytestmark = pytest.mark.usefixtures("in_a_hurry")


@pytest.fixture
def lin(talk: Talk, cast: Cast) -> Promoter:
    """Lin, who became a promoter in the chat."""
    a_paying_product(cast.tenant)
    return becomes_a_promoter(talk)


def asks(talk: Talk, amount: str = "20", to: str = "Alipay lin@pay.example") -> str:
    asks_for(talk, amount)
    talk.say(to)
    return talk.press(YES)


def test_from_the_amount_to_the_wish(talk: Talk, lin: Promoter):
    rich(lin)
    assert "$20.00: Waits for the shop" in asks(talk)
    wish = db.session.query(Withdrawal).one()
    assert (wish.amount, wish.pay_to, balance(lin)) == (2000, "Alipay lin@pay.example", 3000)


def test_everything_by_one_press(talk: Talk, lin: Promoter):
    rich(lin)
    talk.say("/promote")
    talk.press(WITHDRAW)
    talk.press("Withdraw from $50.00")
    talk.press("Everything: $50.00")
    talk.say("USDT T123")
    talk.press(YES)
    assert balance(lin) == 0


def test_confirming_twice_asks_once(talk: Talk, lin: Promoter):
    rich(lin)
    asks_for(talk, "20")
    talk.say("USDT T123")
    talk.telegram.press(talk.bot, LIN, YES)
    talk.feed()
    nonce = db.session.query(Withdrawal).one().made_by.removeprefix("bot:")
    give(talk.config, callback_query=press(f"1:prok:{nonce}"))
    assert db.session.query(Withdrawal).count() == 1
    assert balance(lin) == 3000


@pytest.mark.parametrize(
    ("amount", "answer"),
    [
        ("50.01", "not enough"),
        ("0", "At least"),
        ("-5", "no amount"),
        ("1e3", "no amount"),
        ("12,50", "no amount"),
        ("1,000.50", "not enough"),
        ("a lot", "no amount"),
    ],
)
def test_a_refused_amount_can_be_written_anew(talk: Talk, lin: Promoter, amount: str, answer: str):
    rich(lin)
    assert answer in asks_for(talk, amount)
    assert "Where shall it go?" in talk.say("50")[0]


@pytest.mark.parametrize("amount", ["20", "20.00", "$20", " 20元", "\N{FULLWIDTH DIGIT TWO}0", "¥20.0"])
def test_an_amount_may_be_written_as_people_do(talk: Talk, lin: Promoter, amount: str):
    rich(lin)
    assert asks_for(talk, amount).startswith("$20.00. Where shall it go?")


def test_below_the_minimum_no_button_is_drawn(talk: Talk, lin: Promoter):
    rich(lin)
    with transaction():
        terms.save(lin.tenant_id, Terms(least={"USD": 6000}))
    talk.say("/promote")
    assert "smallest withdrawal: $60.00" in talk.press(WITHDRAW)
    assert talk.labels() == ["« Back"]


def test_going_back_ends_the_question(talk: Talk, lin: Promoter):
    rich(lin)
    talk.say("/promote")
    talk.press(WITHDRAW)
    talk.press("Withdraw from $50.00")
    talk.press("« Back")
    assert "did not understand" in talk.say("20")[0]


def test_he_cancels_while_nobody_has_decided(talk: Talk, lin: Promoter):
    rich(lin)
    asks(talk)
    told = alert(talk, "↩️ Cancel the withdrawal of $20.00")
    assert "back in your balance" in told["text"]
    assert balance(lin) == 5000


def test_too_late_to_cancel(talk: Talk, lin: Promoter):
    rich(lin)
    asks(talk)
    wish = db.session.query(Withdrawal).one()
    with transaction():
        withdrawals.approve(wish.id)
    assert "dealt with already" in alert(talk, "↩️ Cancel the withdrawal of $20.00")["text"]
    assert balance(lin) == 3000


def test_nobody_cancels_anothers(talk: Talk, lin: Promoter):
    rich(lin)
    asks(talk)
    wish = db.session.query(Withdrawal).one()
    talk.say("/promote", WANG)
    talk.press(AGREE, WANG)
    give(talk.config, callback_query=press(f"1:prcancel:{wish.id}", user=WANG))
    db.session.refresh(wish)
    assert wish.state is WithdrawalState.REQUESTED
