"""A report sold in a real browser, in Chinese: the boss at his desk and on his phone, the buyer at hers.

Nothing but the pages is used, ours and the sandbox's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.chromium import DESKTOP, PHONE
from tests.e2e.shopping import BIRTH
from tests.e2e.stack import Boss, OurBot, Stack
from tests.e2e.walk import Walk, walking
from tests.sandbox_client import LIN

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(240)]
SOON, LATER = 15_000, 60_000
A_MINUTE = 60
PAGES = (
    "products/",
    "product-form/",
    "product-form/?preset=manual",
    "orders/",
    "alerts/",
    "reconciliation/",
    "callbacks/",
    "service-accounts/",
    "service-accounts/edit/?service=pingpong",
    "service-accounts/edit/?service=deepseek",
    "report-prompts/",
    "promoters/",
    "promoters/add/",
    "promoting/",
    "withdrawals/",
    "",
)


@dataclass
class Scene:
    """The boss's window, his phone, and the buyer's phone."""

    boss: Boss
    bot: OurBot
    desk: Walk
    pocket: Walk
    phone: Walk

    def button(self, action: str) -> Locator:
        """The newest button in the chat that does this."""
        return self.phone.page.locator(f'[data-callback*=":{action}"]').last

    def presses(self, action: str) -> None:
        self.button(action).click(timeout=SOON)

    def writes(self, text: str) -> None:
        self.phone.page.fill("#composer-input", text)
        self.phone.page.press("#composer-input", "Enter")


@pytest.fixture(scope="module")
def scene(stack: Stack, browser: Browser) -> Iterator[Scene]:
    boss = stack.boss()
    bot = stack.bot(boss, name="seller_bot")
    with (
        walking(stack, browser, "shop-desk", DESKTOP) as desk,
        walking(stack, browser, "shop-pocket", PHONE) as pocket,
        walking(stack, browser, "shop-phone", PHONE) as phone,
    ):
        for walk in (desk, pocket):
            log_in(walk.page, boss)
        yield Scene(boss, bot, desk, pocket, phone)


def log_in(page: Page, boss: Boss) -> None:
    page.goto("/login")
    page.fill("[name=email]", boss.email)
    page.fill("[name=password]", boss.password)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/")


def test_a_report_from_the_preset_to_the_book_and_back_to_the_money(scene: Scene):
    make_product(scene)
    fill_in(scene)
    order = open_order(scene)
    pay(scene)
    watch_it(scene)
    read_it(scene)
    pay_back(scene, order)
    look_at_figures(scene)


def test_every_page_of_the_shop_fits_a_desk_and_a_phone(scene: Scene):
    for walk in (scene.desk, scene.pocket):
        for path in PAGES:
            walk.visit(path)


def make_product(scene: Scene) -> None:
    """What a person does: two clicks. A slow one may need a minute for it."""
    page, began = scene.desk.page, monotonic()
    page.goto("/admin/products/")
    scene.desk.look("products-empty")
    page.locator('a[href*="preset=bazi"]').first.click()
    expect(page.locator("[data-preview-pane]")).to_contain_text("19.9")
    scene.desk.look("product-form")
    page.locator('button[name=then][value="sale"]').click()
    page.wait_for_url("**/admin/products/details/**")
    assert monotonic() - began < A_MINUTE
    scene.desk.look("product-on-sale")


def fill_in(scene: Scene) -> None:
    """Everything that the buyer is asked, up to the summary."""
    page = scene.phone.page
    page.goto(f"{scene.phone.stack.sandbox.url}/chat/seller_bot?user={LIN}")
    page.locator("#start-button").click()
    scene.presses("shop")
    scene.presses("prod")
    expect(scene.button("buy")).to_be_visible(timeout=SOON)
    scene.phone.look("product-card")
    scene.presses("buy")
    for number, answer in enumerate(BIRTH.values(), start=1):
        expect(page.locator("#messages")).to_contain_text(f"· {number}/{len(BIRTH)}", timeout=SOON)
        if number in {2, 5}:
            scene.phone.look(f"question-{number}")
        if isinstance(answer, int):
            page.locator(f'[data-callback^="1:fa:"][data-callback$=":{answer}"]').last.click()
        else:
            scene.writes(answer)
    expect(scene.button("pingpong")).to_be_visible(timeout=SOON)
    scene.phone.look("summary")
    scene.presses("pingpong")


def open_order(scene: Scene) -> str:
    """The boss looks at the order before it is paid; its page's address."""
    expect(pay_button(scene)).to_be_visible(timeout=SOON)
    scene.phone.look("to-pay")
    page = scene.desk.page
    page.goto("/admin/orders/")
    scene.desk.look("orders")
    page.locator("td.main-cell a").first.click()
    page.wait_for_url("**/admin/orders/details/**")
    expect(page.locator(".timeline li")).to_have_count(1)
    page.evaluate("window.stayed = true")
    scene.desk.look("order-waits")
    return page.url


def pay_button(scene: Scene) -> Locator:
    return scene.phone.page.locator('a[data-button][href*="/pay/"]').last


def pay(scene: Scene) -> None:
    """The provider's page opens beside the chat, and leads back to it."""
    with scene.phone.page.context.expect_page() as opened:
        pay_button(scene).click()
    page = opened.value
    expect(page.locator("#pay-amount")).to_contain_text("19.90")
    page.locator("#pay-button").click()
    page.wait_for_load_state()
    page.close()


def watch_it(scene: Scene) -> None:
    """The order's page tells the boss everything by itself."""
    page = scene.desk.page
    # Only what was delivered can be sent again.
    expect(page.locator('form[action*="order-acts/resend"]')).to_be_visible(timeout=LATER)
    assert page.locator(".timeline li").count() >= 5
    assert page.evaluate("window.stayed")
    scene.desk.look("order-done")


def read_it(scene: Scene) -> None:
    """The book is there, and opens."""
    page = scene.phone.page
    link = page.locator("a.file")
    expect(link).to_have_count(1, timeout=SOON)
    expect(page.locator('[data-from="bot"]').last).to_contain_text("/orders", timeout=SOON)
    scene.phone.look("report-end")
    link.scroll_into_view_if_needed()
    scene.phone.look("report-begin")
    book = page.request.get(f"{scene.phone.stack.sandbox.url}{link.get_attribute('href')}")
    assert book.body().startswith(b"%PDF")


def pay_back(scene: Scene, order: str) -> None:
    page = scene.desk.page
    page.locator('a[href*="order-refund"]').click()
    page.fill("[name=reason]", "客户不满意")
    scene.desk.look("refund-form")
    page.locator("form .btn-danger.solid").click()
    page.locator("dialog[open] .btn-danger, dialog[open] [value=ok]").first.click()
    page.wait_for_url(order)
    expect(page.locator(".timeline")).to_contain_text("退款", timeout=SOON)
    expect(scene.phone.page.locator("#messages")).to_contain_text("💰", timeout=LATER)
    page.goto(order)
    scene.desk.look("order-refunded")
    scene.pocket.page.goto(order)
    scene.pocket.look("order-refunded")


def look_at_figures(scene: Scene) -> None:
    """One who looked, began, ordered, paid and got it."""
    for walk in (scene.desk, scene.pocket):
        walk.page.goto("/admin/sales/")
        expect(walk.page.locator(".funnel .num").first).to_contain_text("1")
        assert walk.page.locator(".funnel-row").count() >= 4
        walk.look("sales")
