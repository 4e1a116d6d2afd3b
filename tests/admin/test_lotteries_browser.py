"""The form of a lottery in a real browser: the card follows what is typed, rows, chips, quick times, dialogs."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from app.core.db import db
from app.domain.lotteries import WinnerState
from app.models import Bot, Lottery
from tests.cast import PASSWORD, Cast
from tests.chromium import DESKTOP, listen, serving
from tests.chromium import chromium as start_chromium
from tests.drawing import FIRST, a_closed, draw, winners
from tests.lottery_tools import a_bot, members

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with start_chromium() as browser:
        yield browser


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def page(app: Flask, cast: Cast, chromium: Chromium) -> Iterator[Page]:
    """The owner of tenant A, signed in, in Chinese; nothing may complain on the console."""
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


def test_a_lottery_is_made_while_its_card_follows(page: Page, bot: Bot):
    page.goto("/admin/lottery-form/?preset=quick")
    card = page.locator("[data-preview-pane]")
    page.fill("[name=title]", "Tea <b>for</b> all")
    expect(card).to_contain_text("Tea <b>for</b> all")
    page.locator("[data-repeat-add]").first.click()
    page.fill("[name=prizes-1-name]", "Golden pot")
    expect(card).to_contain_text("Golden pot")
    before = page.input_value("[name=closes_at]")
    page.click("[data-closes-in='10080']")
    assert page.input_value("[name=closes_at]") > before
    page.fill("[data-chips-input]", "@teahouse")
    page.press("[data-chips-input]", "Enter")
    expect(page.locator("[data-chips-list] .chip")).to_have_count(1)
    expect(page.locator(".sight")).to_have_count(1)
    page.click("[data-tg-theme=dark]")
    page.click("button[value=draft]")
    page.wait_for_url("**/lotteries/details/**")
    made = db.session.query(Lottery).one()
    assert (made.title, made.publish_to) == ("Tea <b>for</b> all", ["@teahouse"])


def test_a_winner_is_handed_his_prize_in_a_dialog(page: Page, cast: Cast, bot: Bot):
    members(cast.tenant, *range(FIRST, FIRST + 3))
    lottery = a_closed(bot, 3)
    draw(lottery)
    page.goto(f"/admin/lotteries/details/?id={lottery.id}")
    page.locator("[data-dialog=hand-over]").nth(1).click()
    expect(page.locator("#hand-over [data-dialog-about]")).to_contain_text("Mug")
    page.fill("#hand-over [name=note]", "parcel 7")
    page.click("#hand-over .btn-primary")
    expect(page.locator("#winners")).to_contain_text("parcel 7")
    assert [one.state for one in winners(lottery)] == [WinnerState.WON, WinnerState.HANDED_OVER]
