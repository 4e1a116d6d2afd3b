"""What goes otherwise than planned on the way of an order: answers, payments, refunds; and the promoters."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.shopping import BIRTH, PATIENCE, Buyer, Shop
from tests.e2e.stack import Stack
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def credits_(shop: Shop) -> str:
    """A product that is delivered without any work: what is tried here is the money."""
    return shop.sells("credits", credits="100", commission_kind="percent", commission_first="10")


@pytest.fixture(scope="module")
def report(shop: Shop) -> str:
    return shop.sells("bazi")


@contextmanager
def trouble(stack: Stack, **switches: Any) -> Iterator[None]:
    """PingPong behaves so for as long as the block lasts."""
    stack.sandbox.pingpong_knobs(**switches)
    yield
    stack.sandbox.clear_orders()


def turn_back(shop: Shop, what: str, code: str) -> None:
    """A time of the order, or of its payment, is over now."""
    past = "now() - interval '1 minute'"
    if what == "query_at":
        shop.stack.sql(f"UPDATE payment SET query_at = {past} WHERE order_id = %s", shop.id_of(code))
    else:
        shop.stack.sql(f"UPDATE orders SET {what} = {past} WHERE code = %s", code)


def test_wrong_answers_are_refused_kindly_and_cancel_ends_it(shop: Shop, report: str):
    buyer = shop.buyer()
    buyer.opens(report)
    buyer.answers({name: BIRTH[name] for name in ("name", "sex", "calendar")})
    buyer.is_asked("birth_date")
    for wrong in ("昨天吧", "1990-02-30", "2090-01-01", "1850-01-01"):
        buyer.answered(wrong, "⚠️")
    buyer.is_asked("birth_date")
    buyer.answers({"birth_date": "1990-02-28"})
    buyer.is_asked("birth_hour")
    buyer.answered("25:61", "⚠️")
    buyer.answered("/cancel", "")
    form = "SELECT count(*) FROM order_form WHERE telegram_id = %s"
    assert shop.stack.sql(form, buyer.id) == [(0,)]
    assert "⚠️" not in buyer.answered("1990-02-28", "")["text"]


def test_a_form_goes_on_after_the_worker_was_killed(shop: Shop, report: str):
    buyer = shop.buyer()
    buyer.opens(report)
    buyer.answers({name: BIRTH[name] for name in ("name", "sex", "calendar")})
    buyer.is_asked("birth_date")
    shop.stack.kill9("worker")
    buyer.says("1988-11-08")
    shop.stack.up("worker")
    buyer.answers({name: BIRTH[name] for name in ("birth_hour", "place")})
    summary = buyer.sees("🧾")["text"]
    for answer in ("林小满", "1988-11-08", "12:20", "北京"):
        assert answer in summary


def test_pressing_pay_twice_makes_one_order(shop: Shop, credits_: str):
    buyer = shop.buyer()
    buyer.opens(credits_)
    message, data = buyer.finds(r"fp:\w+:pingpong")
    sandbox, bot = shop.stack.sandbox, shop.bot.telegram
    pressed = [sandbox.press(bot, buyer.id, message_id=message, data=data) for _ in range(2)]
    for one in pressed:
        sandbox.wait_for_answer(bot, buyer.id, one["callback_query_id"], seconds=PATIENCE)
    made = "SELECT count(DISTINCT o.id), count(p.id) FROM orders o JOIN payment p ON p.order_id = o.id WHERE o.telegram_id = %s"
    assert shop.stack.sql(made, buyer.id) == [(1, 1)]


def test_money_that_comes_after_the_order_has_expired_is_honoured(shop: Shop, credits_: str):
    buyer = shop.buyer()
    code = buyer.orders(credits_)
    url = buyer.pay_url()
    turn_back(shop, "expires_at", code)
    shop.waits_until(code, "expired")
    shop.stack.sandbox.pay(url)
    shop.waits_until(code, "completed")
    assert [state for state, _ in shop.moves(code)] == [
        "pending",
        "expired",
        "paid",
        "generating",
        "completed",
    ]
    assert "paid_late" in shop.notes(code)


def test_a_declined_card_can_try_again(shop: Shop, credits_: str):
    buyer = shop.buyer()
    code = buyer.orders(credits_)
    shop.stack.sandbox.decline(buyer.pay_url())
    told = "SELECT e.verdict FROM payment_event e JOIN payment p ON p.id = e.payment_id WHERE p.order_id = %s"
    heard = (told, shop.id_of(code))
    wait_for(lambda: shop.stack.sql(*heard) == [("noted",)], seconds=PATIENCE, what="the refusal to be heard")
    assert shop.state(code) == "pending"
    buyer.pays()
    shop.waits_until(code, "completed")


def test_what_is_paid_twice_goes_back_once(shop: Shop, credits_: str):
    buyer = shop.buyer()
    code = buyer.buys(credits_)
    shop.stack.sandbox.pay_again(buyer.pay_url())
    wait_for(lambda: "paid_twice" in shop.alerts(code), seconds=PATIENCE, what="the boss to be told")
    refunds = "SELECT r.state, c.accepted FROM refund r JOIN payment_receipt c ON c.id = r.receipt_id WHERE r.order_id = %s"
    ((state, of_the_first),) = shop.stack.sql(refunds, shop.id_of(code))
    assert not of_the_first
    assert state in {"queued", "sent", "done", "by_hand"}
    assert shop.state(code) == "completed"


def test_another_amount_than_the_orders_pays_nothing(shop: Shop, credits_: str):
    buyer = shop.buyer()
    with trouble(shop.stack, amount="0.01"):
        code = buyer.orders(credits_)
        buyer.pays()
        wait_for(lambda: "amount_mismatch" in shop.alerts(code), seconds=PATIENCE, what="the boss to be told")
    assert shop.state(code) == "pending"
    assert "amount_mismatch" in shop.notes(code)


def test_a_payment_that_nobody_tells_of_is_found_by_asking(shop: Shop, credits_: str):
    buyer = shop.buyer()
    with trouble(shop.stack, notify="off"):
        code = buyer.orders(credits_)
        buyer.pays()
        turn_back(shop, "query_at", code)
        shop.waits_until(code, "completed")
    assert shop.moves(code)[1] == ("paid", "reconciliation")


def test_callbacks_come_in_through_their_own_process_while_the_web_is_down(
    stack: Stack, credits_: str, shop: Shop
):
    buyer = shop.buyer()
    stack.up("payments")
    with trouble(stack, notify="off"):
        code = buyer.orders(credits_)
        buyer.pays()
    stack.kill9("web")
    reference = stack.sandbox.payment(buyer.pay_url())["reference"]
    stack.sandbox.notify(reference, url=f"{stack.payments_url}/webhook/pingpong")
    shop.waits_until(code, "completed")
    stack.up("web")
    stack.kill9("payments")
    assert shop.moves(code)[1] == ("paid", "callback")


def test_a_promoter_earns_is_paid_out_and_loses_what_is_refunded(shop: Shop, credits_: str):
    promoter = becomes_promoter(shop)
    link = "SELECT code FROM promoter WHERE telegram_id = %s"
    start = f"/start r_{shop.stack.sql(link, promoter.id)[0][0]}"
    friends = [shop.buyer(), shop.buyer()]
    for friend in friends:
        friend.answered(start, "")
        friend.buys(credits_)
    assert entries(shop, promoter) == [("earned", 199), ("earned", 199)]

    wish = asks_for_everything(promoter)
    page = f"/admin/withdrawals/details/?id={wish}"
    assert "支付宝 138" in shop.desk.get(page).text
    for verb in ("approve", "pay"):
        shop.desk.send(page, f"/admin/withdrawals/{verb}/", id=wish)
    assert shop.stack.sql("SELECT state FROM withdrawal WHERE id = %s", wish) == [("paid",)]

    shop.pays_back(friends[0].code)
    shop.waits_until(friends[0].code, "refunded")
    friends[0].sees("💰")
    booked = [("earned", 199), ("earned", 199), ("withdrawal", -398), ("reversed", -199)]
    assert entries(shop, promoter) == booked
    refunded = shop.stack.sandbox.payment(shop.reference(friends[0].code))
    assert [refund["amount"] for refund in refunded["refunds"]] == ["19.90"]


def becomes_promoter(shop: Shop) -> Buyer:
    """Somebody asks for a link of his own."""
    promoter = shop.buyer()
    promoter.answered("/promote", "")
    promoter.presses("prnew")
    promoter.sees("r_")
    return promoter


def asks_for_everything(promoter: Buyer) -> int:
    """His balance shall be paid out; the number of his wish."""
    promoter.says("/promote")
    for action in ("prwd", "prcur:USD", "prall:USD"):
        promoter.presses(action)
    promoter.answered("支付宝 13800000000 林小满", "13800000000")
    promoter.presses("prok")
    wish = "SELECT w.id FROM withdrawal w JOIN promoter p ON p.id = w.promoter_id WHERE p.telegram_id = %s"
    made = wait_for(
        lambda: promoter.shop.stack.sql(wish, promoter.id), seconds=PATIENCE, what="the withdrawal"
    )
    return int(made[0][0])


def entries(shop: Shop, promoter: Buyer) -> list[tuple[str, int]]:
    """The promoter's ledger: why, and minor units."""
    return shop.stack.sql(
        "SELECT e.kind, e.amount FROM commission_entry e JOIN promoter_account a ON a.id = e.account_id"
        " JOIN promoter p ON p.id = a.promoter_id WHERE p.telegram_id = %s ORDER BY e.id",
        promoter.id,
    )
