"""The form of a product in a real browser: the card and the example follow what is typed, questions move."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from app.core.db import db
from app.domain.products import ProductState
from app.models import Product
from app.services.products import stock
from tests.cast import PASSWORD, Cast
from tests.chromium import DESKTOP, PHONE, listen, serving
from tests.chromium import chromium as start_chromium
from tests.lottery_tools import a_bot
from tests.shopping import a_product, codes

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with start_chromium() as browser:
        yield browser


@pytest.fixture
def page(app: Flask, cast: Cast, chromium: Chromium) -> Iterator[Page]:
    """The owner of tenant A, signed in, in Chinese; nothing may complain on the console."""
    a_bot(cast.tenant)
    with serving(app) as address:
        context = chromium.new_context(viewport=DESKTOP, locale="zh-CN", base_url=address)
        page = context.new_page()
        complaints = listen(page)
        page.goto("/login")
        page.fill("[name=email]", cast.owner.email)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/admin/**")
        yield page
        context.close()
    assert complaints == []


def test_a_boss_has_a_product_on_sale_in_three_steps(page: Page):
    page.goto("/admin/products/")
    page.click("[href*='preset=manual']")
    page.fill("[name=name]", "Tea <b>lesson</b>")
    card = page.locator("[data-preview-pane]")
    expect(card).to_contain_text("Tea <b>lesson</b>")
    page.click("button[value=sale]")
    page.wait_for_url("**/products/details/**")
    made = db.session.query(Product).one()
    assert (made.name, made.state) == ("Tea <b>lesson</b>", ProductState.ON_SALE)


def test_the_worked_example_follows_the_price(page: Page):
    page.goto("/admin/product-form/?preset=bazi")
    expect(page.locator("[data-example]")).to_be_hidden()
    page.select_option("[name=currency]", "USD")
    page.check("[name=commission_kind][value=percent]")
    page.fill("[name=commission_first]", "10")
    expect(page.locator("[data-example]")).to_contain_text("1.99")
    page.fill("[name=price]", "29.90")
    expect(page.locator("[data-example]")).to_contain_text("2.99")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_questions_are_added_moved_and_removed(page: Page, size: dict[str, int]):
    page.set_viewport_size(size)
    page.goto("/admin/product-form/?preset=codes")
    for words in ("First?", "Second?", "Third?"):
        page.click("[data-repeat-add]")
        page.locator("[name^=questions][name$=label]").last.fill(words)
    page.locator("[data-row] select").nth(2).select_option("choice")
    page.locator("[data-row] textarea:visible").fill("S\nM")
    for _ in range(2):
        page.locator("[data-row]", has=page.locator("textarea:visible")).locator("[data-move='-1']").click()
    page.locator("[data-row]").nth(1).locator("[data-repeat-remove]").click()
    page.fill("[name=items]", "A-1\nA-2")
    page.click("button[value=draft]")
    page.wait_for_url("**/products/details/**")
    made = db.session.query(Product).one()
    assert [(one["label"], one["choices"]) for one in made.fields] == [
        ("Third?", ["S", "M"]),
        ("Second?", []),
    ]
    assert stock.counts(made.id).free == 2


def test_a_code_is_hidden_until_it_is_asked_for_and_removed_after_a_question(page: Page, cast: Cast):
    product = a_product(cast.tenant, items=codes(1))
    page.goto(f"/admin/product-stock/?id={product.id}")
    expect(page.locator("body")).not_to_contain_text("CODE-0")
    page.click("form[action*=reveal] button")
    expect(page.locator("body")).to_contain_text("CODE-0")
    page.click("form[action*='/remove/'] button")
    page.click("dialog[open] [data-confirm-yes], dialog[open] .btn-danger")
    expect(page.locator(".empty")).to_be_visible()
    assert stock.counts(product.id).free == 0
