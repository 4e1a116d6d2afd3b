"""From registering to the answering bot in a real browser, on a desktop and on a phone, in Chinese.

Every page on the way is kept in `screenshots/`; no page may break its own security policy, complain on the console, or
ask another host for anything.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import DESKTOP, PHONE
from tests.e2e.stack import Stack
from tests.e2e.walk import Walk, walking

pytestmark = [pytest.mark.e2e, pytest.mark.browser]
SOON = 5_000
"""Milliseconds. The promise is two seconds; its exact measure is taken without a browser."""


@pytest.fixture(params=[("desktop", DESKTOP), ("phone", PHONE)], ids=["desktop", "phone"])
def walk(stack: Stack, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Walk]:
    with walking(stack, browser, *request.param) as walk:
        yield walk


def register(walk: Walk) -> None:
    page = walk.page
    page.goto("/")
    walk.look("landing")
    page.get_by_role("link", name="注册").first.click()
    page.locator("[name=name]").fill("小满的店")
    page.locator("[name=email]").fill(f"{walk.size}@example.com")
    page.locator("[name=password]").fill("correct horse battery")
    walk.look("register")
    page.locator("main").get_by_role("button", name="注册").click()
    expect(page).to_have_url(f"{walk.stack.url}/admin/")
    walk.look("home")


def get_token(walk: Walk, username: str) -> str:
    page = walk.page
    page.goto(f"{walk.stack.sandbox.url}/botfather")
    page.get_by_label("显示名称").fill("小满的店")
    page.get_by_label("用户名").fill(username)
    page.get_by_role("button", name="创建机器人").click()
    token = page.locator("#bot-token")
    expect(token).to_contain_text(":AA")
    walk.look("botfather")
    return token.inner_text()


def paste(walk: Walk, token: str) -> None:
    page = walk.page
    page.goto("/admin/bots/")
    walk.look("no-bots")
    page.goto("/admin/bots/new/")
    page.locator("[name=token]").fill("这不是 Token")
    page.get_by_role("button", name="接入机器人").click()
    expect(page.locator(".field-error")).to_be_visible()
    walk.look("wrong-token")
    page.locator("[name=token]").fill(token)
    page.get_by_role("button", name="接入机器人").click()
    expect(page).to_have_url(re.compile("/admin/bots/details/"))
    # Nothing reloads the page: it learns by itself that the bot runs.
    page.evaluate("window.stayed = true")
    expect(page.locator(".health-state .status-ok")).to_be_visible(timeout=SOON)
    assert page.evaluate("window.stayed")
    walk.look("bot-running")


def talk(walk: Walk, username: str) -> None:
    page = walk.page
    page.goto(f"{walk.stack.sandbox.url}/chat/{username}")
    walk.look("chat-empty")
    page.get_by_role("button", name="开始").click()
    expect(page.locator('[data-from="bot"] [data-callback]').first).to_be_visible(timeout=SOON)
    walk.look("chat-menu")


def look_around(walk: Walk) -> None:
    """Every page that the menus lead to, with a bot that has worked."""
    page = walk.page
    page.goto("/admin/bots/")
    expect(page.locator(".bot-tile .status-ok")).to_be_visible()
    links = page.eval_on_selector_all(
        "nav a[href^='/'], .menu a[href^='/']",
        "links => [...new Set(links.map(a => a.getAttribute('href')))]",
    )
    assert len(links) > 5
    for link in links:
        if "logout" not in link:
            answer = page.goto(link)
            assert answer is not None
            assert answer.ok, link
            walk.look("page" + link.rstrip("/").replace("/", "-"))


def test_from_registering_to_the_menu(walk: Walk):
    username = f"{walk.size}_shop_bot"
    register(walk)
    paste(walk, get_token(walk, username))
    talk(walk, username)
    look_around(walk)
