"""The payment page and Stars in Chromium, on a desk and on a phone."""

import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.chromium import chromium
from tests.sandbox.merchant import Merchant
from tests.sandbox.test_browser import fits, open_page
from tests.sandbox.test_documents import PDF, upload
from tests.sandbox_client import LIN, WANG
from tests.waiting import wait_for

pytestmark = pytest.mark.browser
INVOICE = {
    "title": "八字报告", "description": "四柱与大运", "payload": "PAY-1", "provider_token": "", "currency": "XTR",
    "prices": [{"label": "八字报告", "amount": 1200}],
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desk", "phone"])
def page(browser, sandbox, request) -> Iterator[Page]:
    yield from open_page(browser, sandbox.url, *request.param)


@pytest.fixture
def address(sandbox, bot) -> str:
    """A payment page whose shop is the demo bot."""
    shop = "https://t.me/demo_bot?start=o_ABC"
    return Merchant(sandbox).create(payResultUrl=shop, payCancelUrl=shop)[1]["paymentUrl"]


def test_a_payer_pays_from_the_chat_and_comes_back_to_it(sandbox, bot, page, address):
    rows = [[{"text": "去付款 US$19.90", "url": address}]]
    sandbox.say(bot, WANG, "/start")
    sandbox.api(bot, "sendMessage", chat_id=WANG, text="请付款", reply_markup={"inline_keyboard": rows})
    page.goto(f"/chat/demo_bot?user={WANG}")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="去付款").click()
    checkout = opened.value
    expect(checkout.locator("#pay-amount")).to_have_text("US$19.90")
    assert fits(checkout)
    checkout.get_by_role("button", name="确认付款").click()
    expect(checkout).to_have_url(re.compile(f"/chat/demo_bot\\?start=o_ABC&user={WANG}"))
    assert sandbox.payment("ORD-1")["status"] == "SUCCESS"


def test_a_bank_declines_then_takes_it_and_takes_it_again(sandbox, page, address):
    page.goto(address)
    page.get_by_role("button", name="付款失败").click()
    expect(page.get_by_role("alert")).to_contain_text("银行拒绝")
    page.get_by_role("button", name="确认付款").click()
    page.goto(address)
    expect(page.get_by_role("status").first).to_contain_text("付款成功")
    page.get_by_role("button", name="再付一次").click()
    page.goto(address)
    expect(page.locator("#pay")).to_have_attribute("data-times", "2")
    assert len(sandbox.payment(address)["charges"]) == 2
    assert fits(page)


def test_a_closed_payment_has_no_button(sandbox, page, address):
    page.goto(address)
    page.get_by_role("button", name="关闭付款").click()
    page.goto(address)
    expect(page.locator("#pay-closed")).to_be_visible()
    expect(page.locator("#pay-button")).to_have_count(0)


def test_stars_are_paid_after_a_question(sandbox, bot, page):
    sandbox.api(bot, "sendInvoice", chat_id=LIN, **INVOICE)
    page.goto(f"/chat/demo_bot?user={LIN}")
    expect(page.locator(".invoice")).to_contain_text("1,200")
    page.locator("[data-pay]").click()
    page.get_by_role("button", name="确认付款").click()
    query = wait_for(lambda: sandbox.api(bot, "getUpdates", timeout=5)["result"])[-1]["pre_checkout_query"]
    sandbox.api(bot, "answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    expect(page.locator(".service")).to_contain_text("您已付款")
    assert fits(page)
    assert sandbox.star_transactions(bot)[0]["amount"] == 1200


def test_a_link_to_an_invoice_is_paid_in_the_chat_and_a_no_is_shown(sandbox, bot, page):
    link = sandbox.api(bot, "createInvoiceLink", **INVOICE)["result"]
    rows = [[{"text": "用星星支付", "url": link}]]
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="x", reply_markup={"inline_keyboard": rows})
    page.goto(f"/chat/demo_bot?user={LIN}")
    page.get_by_role("button", name="用星星支付").click()
    expect(page.get_by_role("dialog")).to_contain_text("1,200")
    page.get_by_role("button", name="确认付款").click()
    query = wait_for(lambda: sandbox.api(bot, "getUpdates", timeout=5)["result"])[-1]["pre_checkout_query"]
    sandbox.api(
        bot, "answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=False, error_message="卖完了"
    )
    expect(page.locator("#toast")).to_contain_text("卖完了")
    assert sandbox.star_transactions(bot) == []


def test_a_report_is_a_file_that_opens(sandbox, bot, page):
    upload(sandbox, bot, "sendDocument", {"document": ("八字报告.pdf", PDF, "application/pdf")})
    page.goto(f"/chat/demo_bot?user={LIN}")
    file = page.locator('[data-file="八字报告.pdf"]')
    expect(file).to_have_attribute("target", "_blank")
    address = f"{sandbox.url}{file.get_attribute('href')}"
    assert requests.get(address, timeout=5).content == PDF


def test_a_table_stands_between_lines_without_gaps(sandbox, bot, page):
    sandbox.api(bot, "sendMessage", chat_id=LIN, parse_mode="HTML", text="命盘\n<pre>年 月</pre>\n生肖 龙")
    page.goto(f"/chat/demo_bot?user={LIN}")
    text = page.locator('[data-from="bot"] .text').last
    expect(text.locator("pre")).to_have_text("年 月")
    assert text.evaluate("node => [...node.childNodes].slice(0, 3).map((one) => one.textContent)") == [
        "命盘",
        "年 月",
        "生肖 龙",
    ]


@pytest.mark.parametrize("path", ["/pay/none", "/pay/", "/pay/x/pay"])
def test_other_payment_pages_are_not_there(sandbox, path):
    assert requests.get(f"{sandbox.url}{path}", timeout=5).status_code == 404


def test_a_page_speaks_english_too_and_escapes_what_shops_say(sandbox):
    merchant = Merchant(sandbox)
    sandbox.pingpong_account(merchant.account["acc_id"], merchant.account["salt"], name="<script>alert(1)")
    address = merchant.create(amount="1900", currency="JPY")[1]["paymentUrl"]
    text = requests.get(f"{address}?lang=en", timeout=5).text
    assert "JP¥1,900" in text
    assert "Bank declines" in text
    assert "<script>alert" not in text
