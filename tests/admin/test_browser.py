"""The pages in a real browser: what scripts do, on a desktop and on a phone, without a word on the console."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Route, expect

from app.core.db import db
from app.domain.bots import BotState
from app.domain.people import Role, Viewer
from tests.chromium import DESKTOP, PHONE, listen, serving
from tests.chromium import chromium as start_chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with start_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(shop_app: Flask) -> Iterator[str]:
    with serving(shop_app) as found:
        yield found


@pytest.fixture
def visit(chromium: Chromium, address: str, shop_app: Flask, cast: Any) -> Iterator[Any]:
    """`visit(path, size)` opens a page as the owner of tenant A, in Chinese."""
    owner = cast.owner
    shop_app.config["PERSON"] = Viewer(
        owner.id, owner.name, owner.email, Role.OWNER, cast.tenant.id, cast.tenant.name
    )
    heard: list[list[str]] = []
    contexts = []

    def open_page(path: str, size: dict[str, int] = DESKTOP, **options: Any) -> Page:
        context = chromium.new_context(viewport=size, locale="zh-CN", base_url=address, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        heard.append(listen(page))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    shop_app.config["PERSON"] = None
    assert [text for one in heard for text in one if "net::ERR_FAILED" not in text] == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_fit_the_screen_and_break_no_rule(visit, buttons, size):
    page = visit("/", size)
    for path in ("/", "/admin/", "/admin/buttons/", "/admin/buttons/new/", "/admin/audit/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_status_changes_without_a_reload(visit, bots):
    page = visit("/admin/")
    page.evaluate("window.stayed = true; document.querySelector('[data-live-url]').dataset.liveEvery")
    expect(page.locator(".bot-tile .status-busy")).to_be_visible()
    bots[0].state = BotState.RUNNING
    db.session.commit()
    expect(page.locator(".bot-tile .status-ok")).to_be_visible(timeout=8000)
    assert page.evaluate("window.stayed") is True


def test_a_failing_region_says_so_quietly_and_recovers(visit, bots):
    page = visit("/admin/")
    quick = {"Live-Every": "1"}
    words = ["kept", "", ""]

    def answer(route: Route) -> None:
        text = words.pop(0) if words else "back"
        if text:
            route.fulfill(body=f"<p>{text}</p>", headers=quick)
        else:
            route.abort()

    page.route("**/admin/live/", answer)
    expect(page.locator("[data-live-url].stale p")).to_have_text("kept", timeout=15_000)
    expect(page.locator(".live-note.offline")).to_be_visible()
    expect(page.locator("[data-live-url] p")).to_have_text("back", timeout=8000)
    expect(page.locator(".live-note.offline")).to_have_count(0)


def test_deleting_asks_first(visit, buttons):
    page = visit("/admin/buttons/")
    page.locator("form[action*=delete] button").click()
    page.locator("dialog[open] button[value=no]").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("form[action*=delete] button").click()
    page.locator("dialog[open] button[value=yes]").click()
    expect(page.locator(".empty")).to_be_visible()


def test_picked_rows_are_deleted_together(visit, buttons):
    page = visit("/admin/buttons/", PHONE)
    expect(page.locator(".batch-bar")).to_be_hidden()
    page.locator("input[name=rowid]").check()
    expect(page.locator(".batch-bar")).to_be_visible()
    page.locator("[data-action=delete]").click()
    page.locator("dialog[open] button[value=yes]").click()
    expect(page.locator(".empty")).to_be_visible()
    expect(page.locator(".toast-ok")).to_be_visible()


def test_filters_build_their_address(visit, buttons):
    page = visit("/admin/buttons/")
    page.locator(".list-bar summary").click()
    row = page.locator(".filter-row").nth(1)
    row.locator("[data-value]:visible").fill("nope")
    page.locator(".filter-panel .btn-primary").click()
    page.wait_for_url(re.compile(r"\?flt3_3=nope$"))
    expect(page.locator(".empty")).to_be_visible()
    page.locator(".chip a").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_placeholder_goes_where_the_cursor_is(visit, bots):
    page = visit("/admin/bot-texts/?lang=en")
    field, chip = page.locator("#help"), page.locator("[data-into=help]").first
    field.fill("Hello !")
    field.press("ArrowLeft")
    chip.focus()
    page.keyboard.press("Enter")
    expect(field).to_have_value("Hello {{name}}!")
    expect(field).to_be_focused()
    before = page.locator("#welcome").input_value()
    page.locator("[data-into=welcome]").first.click()
    expect(page.locator("#welcome")).to_have_value(before + "{{name}}")


def test_the_sidebars_ground_reaches_the_end_of_a_long_page(visit, bots):
    page = visit("/admin/bot-texts/")
    shell = page.locator(".shell")
    assert "gradient" in shell.evaluate("element => getComputedStyle(element).backgroundImage")
    assert shell.bounding_box()["height"] > DESKTOP["height"]
    page.mouse.wheel(0, 4000)
    expect(page.locator("#sidebar .brand")).to_be_in_viewport()


def test_the_open_page_is_seen_in_a_menu_that_is_longer_than_the_window(visit, bots):
    last = visit("/admin/").locator(".sidebar-nav a").last.get_attribute("href")
    nav = visit(last, {"width": 1280, "height": 300}).locator(".sidebar-nav")
    frame, line = nav.bounding_box(), nav.locator("[aria-current]").bounding_box()
    assert line["y"] + line["height"] <= frame["y"] + frame["height"]
    assert nav.evaluate("nav => nav.scrollTop") > 0


def test_the_theme_is_remembered(visit, bots):
    page = visit("/admin/", color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.locator(".sidebar-foot summary").click()
    page.locator("[data-theme-choice=dark]").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_drawer_opens_and_escape_closes_it(visit, bots):
    page = visit("/admin/", PHONE)
    drawer = page.locator("#sidebar")
    expect(drawer).not_to_be_in_viewport()
    page.locator(".tabbar [data-drawer]").click()
    expect(drawer).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(drawer).not_to_be_in_viewport()


def test_the_language_switch_changes_the_page(visit, bots):
    page = visit("/admin/")
    page.locator(".sidebar-foot summary").click()
    page.locator("button[lang=en]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_keyboard_reaches_the_content_first(visit, bots):
    page = visit("/admin/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
