"""From a tap to what was bought, for each kind of product and each way to pay: real web, worker, poller and beat."""

from collections.abc import Iterator

import pytest

from tests.e2e.shopping import BIRTH, Buyer, Shop
from tests.sandbox_client import YUANFENJU_KEY
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TO_THE_END = ["pending", "paid", "generating", "completed"]
DEEPSEEK_KEY = "sk-of-this-shop"


@pytest.fixture(scope="module")
def reader(shop: Shop) -> Buyer:
    """Somebody who has bought a report."""
    buyer = shop.buyer()
    buyer.buys(shop.sells("bazi", name="八字精批"), BIRTH)
    return buyer


@pytest.fixture
def with_keys(shop: Shop) -> Iterator[None]:
    """The boss has entered keys of both services; the texts' one takes its time."""
    sandbox = shop.stack.sandbox
    sandbox.deepseek_key(DEEPSEEK_KEY)
    sandbox.deepseek_knobs(who=DEEPSEEK_KEY, wait=3.5)
    shop.uses("yuanfenju", secret=YUANFENJU_KEY)
    shop.uses("deepseek", secret=DEEPSEEK_KEY)
    yield
    for service in ("yuanfenju", "deepseek"):
        shop.drops(service)


def states(shop: Shop, code: str) -> list[str]:
    return [state for state, _ in shop.moves(code)]


def edits(buyer: Buyer, method: str) -> list[dict[str, str]]:
    """What the bot changed in its messages to the buyer."""
    calls = buyer.shop.stack.sandbox.calls(buyer.shop.bot.telegram, method)
    return [call["params"] for call in calls if str(call["params"].get("chat_id")) == str(buyer.id)]


def check_report(buyer: Buyer) -> None:
    """The progress message has become the only document; then the parts in their order; then the last words."""
    (document,) = buyer.documents()
    file = buyer.shop.stack.sandbox.download(document["document"]["file_id"])
    assert file.startswith(b"%PDF")
    assert len(file) > 30_000
    chat = buyer.chat()
    after = chat[[message["message_id"] for message in chat].index(document["message_id"]) + 1 :]
    assert [message["message_id"] for message in after] == sorted(m["message_id"] for m in after)
    parts = [message["text"] for message in after]
    assert len(parts) >= 3
    assert "您的八字命盘" in parts[0]
    assert "/orders" in parts[-1]
    assert all(len(part.encode("utf-16-le")) // 2 <= 4096 for part in parts)


def test_a_report_without_any_key_is_paid_by_card_and_delivered(shop: Shop, reader: Buyer):
    code = reader.code
    check_report(reader)
    assert states(shop, code) == TO_THE_END
    assert shop.moves(code)[1] == ("paid", "callback")
    done = shop.steps(code)
    assert done["confirm"] == "pingpong"
    assert done["chart"] == done["text"] == "built_in"
    assert {"pdf", "delivery"} <= done.keys()


def test_the_report_comes_once_more_when_the_buyer_wants(shop: Shop, reader: Buyer):
    (first,) = reader.documents()
    reader.answered(f"/start o_{reader.code}", reader.code)
    reader.presses(f"oagain:{reader.code}")
    wait_for(lambda: len(reader.documents()) == 2, seconds=30, what="the copy")
    again = reader.documents()[1]["document"]["file_id"]
    sandbox = shop.stack.sandbox
    assert sandbox.download(again) == sandbox.download(first["document"]["file_id"])
    assert states(shop, reader.code) == TO_THE_END


def test_with_keys_the_services_are_used_and_the_buyer_sees_the_chapters_come(shop: Shop, with_keys: None):
    buyer = shop.buyer()
    code = buyer.buys(shop.sells("bazi"), BIRTH)
    check_report(buyer)
    assert shop.steps(code)["chart"] == "yuanfenju"
    assert shop.steps(code)["text"] == "deepseek"
    progress = [call["text"] for call in edits(buyer, "editMessageText") if "▰" in call.get("text", "")]
    assert len(progress) >= 2
    cost = "SELECT cost_micro, calls FROM order_step WHERE order_id = %s AND step = 'text'"
    micro, calls = shop.stack.sql(cost, shop.id_of(code))[0]
    assert micro > 0
    assert calls == 1


def test_a_code_is_paid_with_stars_and_comes_at_once(shop: Shop):
    items = [f"KM-{number:04}" for number in range(3)]
    product = shop.sells("codes", "stars", stars="50", items="\n".join(items))
    buyer = shop.buyer()
    code = buyer.orders(product, "stars")
    wait_for(lambda: any("invoice" in message for message in buyer.chat()), seconds=30, what="the invoice")
    paid = shop.stack.sandbox.pay_stars(shop.bot.telegram, buyer.id)
    assert paid["ok"], paid
    shop.waits_until(code, "completed")
    assert shop.moves(code)[1] == ("paid", "stars")
    handed = [item for item in items if any(item in message.get("text", "") for message in buyer.chat())]
    assert len(handed) == 1
    sold = "SELECT count(*) FROM stock_item s JOIN orders o ON o.id = s.order_id WHERE o.code = %s AND s.state = 'sold'"
    assert shop.stack.sql(sold, code) == [(1,)]


def test_credits_are_booked_once(shop: Shop):
    buyer = shop.buyer()
    code = buyer.buys(shop.sells("credits", credits="1000"))
    buyer.sees("1000|1,000")
    sandbox = shop.stack.sandbox
    sandbox.notify(shop.reference(code))
    booked = "SELECT p.amount, p.balance FROM credit_posting p JOIN credit_account a ON a.id = p.account_id WHERE a.telegram_id = %s"
    assert shop.stack.sql(booked, buyer.id) == [(1000, 1000)]
    assert states(shop, code) == TO_THE_END


def test_a_consultation_is_paid_by_transfer_and_delivered_by_the_boss(shop: Shop):
    asked = {
        "key": "topic",
        "label": "想咨询什么",
        "kind": "choice",
        "choices": "事业\n感情",
        "required": "y",
    }
    questions = {f"questions-0-{name}": value for name, value in asked.items()}
    product = shop.sells("manual", "manual", stock="5", **questions)
    buyer = shop.buyer()
    code = buyer.orders(product, "manual", {"topic": 1})
    buyer.sees("示例账户 1234")
    buyer.presses("paid")
    assert shop.alerts(code) == {"transfer_claimed"}
    shop.confirms_transfer(code)
    by_hand = "SELECT phase FROM orders WHERE code = %s"
    wait_for(lambda: shop.stack.sql(by_hand, code) == [("by_hand",)], seconds=30, what="the boss's turn")
    assert "manual_order" in shop.alerts(code)
    assert "感情" in shop.desk.get(f"/admin/orders/details/?id={shop.id_of(code)}").text
    shop.acts(code, "deliver", note="周一上午十点见")
    shop.waits_until(code, "completed")
    buyer.sees("周一上午十点见")
    assert shop.moves(code)[1] == ("paid", "staff")
    assert states(shop, code) == TO_THE_END
