"""The partner's page in Chromium, on a desk and on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.sandbox.test_browser import any_page, browser, fits
from tests.sandbox.test_partner import KEY, SECRET, change, send
from tests.sandbox_client import Sandbox

pytestmark = pytest.mark.browser
__all__ = ["any_page", "browser"]


def test_a_person_connects_it_and_sees_what_comes(sandbox: Sandbox, any_page: Page):
    sandbox.partner_keys("shop")
    any_page.goto("/")
    any_page.get_by_role("link", name="shop").click()
    expect(any_page.locator("#address")).to_have_text(sandbox.partner_url("shop"))
    expect(any_page.get_by_text("还没有收到变动")).to_be_visible()
    any_page.get_by_label("密钥 ID").fill(KEY)
    any_page.get_by_label("签名密钥").fill(SECRET)
    any_page.get_by_role("button", name="保存").click()
    assert send(sandbox, change(1), change(2, amount=-300, reason="购买视频会员月卡")).status_code == 200
    # The page keeps itself up to date.
    expect(any_page.locator("#changes")).to_contain_text("购买视频会员月卡")
    expect(any_page.locator("#balances")).to_contain_text("-290")
    assert fits(any_page)


def test_a_press_makes_it_fail_and_work_again(sandbox: Sandbox, any_page: Page):
    sandbox.partner_keys("shop", KEY, SECRET)
    any_page.goto("/partner/shop")
    any_page.get_by_role("button", name="服务器忙").click()
    expect(any_page.locator("#partner")).to_have_attribute("data-mode", "503")
    assert send(sandbox, change(1)).status_code == 503
    any_page.get_by_role("button", name="正常接收").click()
    expect(any_page.locator("#partner")).to_have_attribute("data-mode", "ok")
    assert send(sandbox, change(1)).status_code == 200
