"""Telegram Stars: invoices, the bot's word before they are paid, refunds and transactions."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.botapi.checks import faults_of
from tests.sandbox.test_shapes import check
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.waiting import wait_for

INVOICE = {
    "title": "八字报告", "description": "四柱与大运", "payload": "PAY-1", "provider_token": "", "currency": "XTR",
    "prices": [{"label": "八字报告", "amount": 120}],
}  # fmt: skip


def send(sandbox, bot, **changes):
    return sandbox.api(bot, "sendInvoice", chat_id=LIN, **{**INVOICE, **changes})


def newest(sandbox, bot, kind):
    """The newest update of a kind, which is then forgotten."""
    updates = sandbox.api(bot, "getUpdates", timeout=2)["result"]
    found = [update[kind] for update in updates if kind in update]
    if updates:
        sandbox.api(bot, "getUpdates", offset=updates[-1]["update_id"] + 1)
    return found[-1] if found else None


def paid(sandbox, bot, error="", user=LIN, **which):
    """Somebody pays while the bot answers; what he is told, and what the bot was asked."""
    with ThreadPoolExecutor() as pool, SecondLine(sandbox) as payer:
        told = pool.submit(payer.pay_stars, bot, user, **which)
        query = wait_for(lambda: newest(sandbox, bot, "pre_checkout_query"))
        answer = {"ok": not error, **({"error_message": error} if error else {})}
        sandbox.api(bot, "answerPreCheckoutQuery", pre_checkout_query_id=query["id"], **answer)
        return told.result(), query


class SecondLine(Sandbox):
    """Another line to the same sandbox."""

    def __init__(self, first):
        super().__init__(first.process, first.url)

    def __exit__(self, *_):
        self._http.close()


def test_an_invoice_is_shown_asked_for_and_paid(sandbox, bot):
    message = check("sendInvoice", send(sandbox, bot))
    assert message["invoice"]["total_amount"] == 120
    told, query = paid(sandbox, bot)
    assert (query["currency"], query["total_amount"], query["invoice_payload"]) == ("XTR", 120, "PAY-1")
    done = newest(sandbox, bot, "message")["successful_payment"]
    assert done["telegram_payment_charge_id"] == told["charge"]
    assert done["invoice_payload"] == "PAY-1"
    with pytest.raises(AssertionError, match="invoice_is_paid"):
        sandbox.pay_stars(bot, LIN)


def test_without_the_bot_s_word_nothing_is_paid(sandbox, bot):
    send(sandbox, bot)
    assert paid(sandbox, bot, error="卖完了")[0] == {"ok": False, "error": "卖完了"}
    assert sandbox.star_transactions(bot) == []
    assert paid(sandbox, bot)[0]["ok"]


def test_answers_are_checked(sandbox, bot):
    answer = sandbox.api(bot, "answerPreCheckoutQuery", pre_checkout_query_id="1", ok=True)
    assert "query is too old" in answer["description"]


def test_a_link_may_be_paid_by_anybody_and_again(sandbox, bot):
    link = check("createInvoiceLink", sandbox.api(bot, "createInvoiceLink", **INVOICE))
    assert link.startswith("https://t.me/$")
    first = paid(sandbox, bot, user=WANG, slug=link)[0]
    second = paid(sandbox, bot, slug=link)[0]
    assert first["charge"] != second["charge"]


def test_stars_go_back_once(sandbox, bot):
    send(sandbox, bot)
    charge = paid(sandbox, bot)[0]["charge"]
    newest(sandbox, bot, "message")

    def refund(user, charge):
        return sandbox.api(bot, "refundStarPayment", user_id=user, telegram_payment_charge_id=charge)

    assert "CHARGE_NOT_FOUND" in refund(WANG, charge)["description"]
    assert "CHARGE_NOT_FOUND" in refund(LIN, "other")["description"]
    assert check("refundStarPayment", refund(LIN, charge)) is True
    assert "CHARGE_ALREADY_REFUNDED" in refund(LIN, charge)["description"]
    assert newest(sandbox, bot, "message")["refunded_payment"]["telegram_payment_charge_id"] == charge


def test_transactions_are_told_from_the_oldest_on(sandbox, bot):
    for number in range(2):
        send(sandbox, bot, payload=f"PAY-{number}")
        paid(sandbox, bot)
    sandbox.api(
        bot,
        "refundStarPayment",
        user_id=LIN,
        telegram_payment_charge_id=sandbox.star_transactions(bot)[0]["charge"],
    )
    told = check("getStarTransactions", sandbox.api(bot, "getStarTransactions"))["transactions"]
    assert [one.get("source", {}).get("invoice_payload") for one in told] == ["PAY-0", "PAY-1", None]
    assert told[2]["receiver"]["user"]["id"] == LIN
    assert told[2]["id"] == told[0]["id"]
    page = sandbox.api(bot, "getStarTransactions", offset=1, limit=1)["result"]["transactions"]
    assert [one["id"] for one in page] == [told[1]["id"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""}, {"title": "长" * 33}, {"description": "x" * 256}, {"payload": "八" * 43}, {"currency": "USD"},
        {"provider_token": "x"}, {"prices": []}, {"prices": [{"label": "a", "amount": 1}] * 2},
        {"prices": [{"label": "a", "amount": 0}]}, {"prices": [{"label": "a", "amount": "1"}]},
        {"prices": [{"label": "a", "amount": 10_001}]}, {"prices": "x"},
        {"reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "x"}]]}},
    ],
)  # fmt: skip
def test_invoices_are_read_strictly(sandbox, bot, changes):
    assert send(sandbox, bot, **changes)["error_code"] == 400


def test_a_button_that_pays_belongs_first_under_an_invoice_only(sandbox, bot):
    pay = {"inline_keyboard": [[{"text": "付 ⭐", "pay": True}], [{"text": "取消", "callback_data": "no"}]]}
    assert send(sandbox, bot, reply_markup=pay)["ok"]
    refused = sandbox.api(bot, "sendMessage", chat_id=LIN, text="x", reply_markup=pay)
    assert "BUTTON_TYPE_INVALID" in refused["description"]


def test_updates_about_payments_have_their_documented_shape(sandbox, bot):
    send(sandbox, bot)
    _, query = paid(sandbox, bot)
    assert faults_of("PreCheckoutQuery", query) == []
    assert faults_of("Message", newest(sandbox, bot, "message")) == []


def test_transactions_survive_a_restart(tmp_path):
    with Sandbox.start(data=tmp_path / "world.json") as first:
        bot = first.create_bot()
        first.say(bot, LIN, "/start")
        newest(first, bot, "message")
        send(first, bot)
        charge = paid(first, bot)[0]["charge"]
    with Sandbox.start(data=tmp_path / "world.json") as second:
        assert second.star_transactions(bot)[0]["charge"] == charge
