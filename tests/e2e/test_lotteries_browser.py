"""A lottery in a real browser: the boss at his desk, the people at their phones, in Chinese.

Nothing but the pages is used, ours and the sandbox's; what a person needs to make a lottery is counted.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.chromium import DESKTOP, PHONE
from tests.e2e.stack import Boss, OurBot, Stack
from tests.e2e.walk import Walk, walking
from tests.sandbox_client import LIN, WANG

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(240)]
ZHAO = 5550003
CHANNEL = "walkers_news"
SOON = 10_000
A_MINUTE = 60


@dataclass
class Scene:
    """The boss's window and, beside it, the phone that people hand on."""

    boss: Boss
    bot: OurBot
    desk: Walk
    phone: Walk

    @property
    def username(self) -> str:
        return str(self.bot.telegram["username"])

    def chat(self, user: int, query: str = "") -> Page:
        """The person's own chat with the bot."""
        page = self.phone.page
        page.goto(f"{self.phone.stack.sandbox.url}/chat/{self.username}?user={user}{query}")
        return page

    def channel(self, user: int) -> Page:
        """The boss's channel, as the person sees it."""
        return self.chat(user, f"&chat=@{CHANNEL}")


@pytest.fixture(scope="module")
def scene(stack: Stack, browser: Browser) -> Iterator[Scene]:
    boss = stack.boss()
    bot = stack.bot(boss, name="walkers_bot")
    members = {"walkers_bot": "administrator", str(LIN): "member"}
    stack.sandbox.create_chat("channel", "小满的频道", username=CHANNEL, members=members)
    with (
        walking(stack, browser, "desk", DESKTOP) as desk,
        walking(stack, browser, "phone", PHONE) as phone,
    ):
        scene = Scene(boss, bot, desk, phone)
        log_in(scene)
        yield scene


def test_a_lottery_from_the_template_to_the_checked_draw(scene: Scene, tmp_path: Path):
    make_lottery(scene)
    code = read_code(scene)
    join_at_the_post(scene)
    join_in_the_chat(scene, code)
    watch_it_count(scene)
    close(scene)
    claim(scene)
    hand_over_and_redraw(scene)
    check_in_public(scene, code, tmp_path)


def test_a_broadcast_from_the_first_word_to_the_last_recipient(scene: Scene):
    for user in (LIN, WANG):
        scene.phone.stack.sandbox.say(scene.bot.telegram, user, "/start")
        scene.phone.stack.sandbox.wait_for_text(scene.bot.telegram, user, "")
    write_broadcast(scene)
    send_broadcast(scene)
    expect(scene.chat(LIN).locator('[data-from="bot"]').last).to_contain_text("新品到店")
    scene.phone.look("broadcast-arrived")


def log_in(scene: Scene) -> None:
    page = scene.desk.page
    page.goto("/login")
    page.fill("[name=email]", scene.boss.email)
    page.fill("[name=password]", scene.boss.password)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/")


def make_lottery(scene: Scene) -> None:
    """What a person does: five clicks and three words. A slow one may need a minute for it."""
    page, began = scene.desk.page, monotonic()
    page.goto("/admin/lotteries/")
    scene.desk.look("lotteries-empty")
    page.get_by_role("link", name="频道涨粉").click()
    card = page.locator("[data-preview-pane]")
    page.fill("[name=title]", "小满周年抽奖")
    expect(card).to_contain_text("小满周年抽奖", timeout=SOON)
    page.fill("[name=prizes-1-quantity]", "1")
    page.fill("[name=claim_hours]", "24")
    page.fill("[name=channels-0-chat]", f"@{CHANNEL}")
    page.fill("#add-chat", f"@{CHANNEL}")
    scene.desk.look("lottery-form")
    page.get_by_role("button", name="发布").click()
    expect(page.locator("main")).to_contain_text("小满的频道", timeout=SOON)
    scene.desk.look("lottery-publish")
    page.get_by_role("button", name="发布").click()
    expect(page.locator(".thing-state")).to_contain_text("进行中")
    assert monotonic() - began < A_MINUTE / 2
    scene.desk.look("lottery-open")


def read_code(scene: Scene) -> str:
    """The lottery's code, from the link that the boss shares."""
    found = re.search(r"start=l_(\w+)", scene.desk.page.locator("#share-link").inner_text())
    assert found
    return found[1]


def alert(page: Page) -> Locator:
    """What the bot answered to a button."""
    return page.locator("#alert[open] #alert-text")


def press(page: Page, label: str) -> None:
    page.locator(f'[data-button*="{label}"]').last.click()


def join_at_the_post(scene: Scene) -> None:
    """Whom the bot knows is in by one tap; anybody else is led to the bot by it."""
    scene.phone.stack.sandbox.say(scene.bot.telegram, LIN, "/start")
    scene.phone.stack.sandbox.wait_for_text(scene.bot.telegram, LIN, "")
    page = scene.channel(LIN)
    expect(page.locator("#messages")).to_contain_text("小满周年抽奖", timeout=SOON)
    scene.phone.look("channel-post")
    press(page, "参与")
    expect(alert(page)).to_contain_text("参与成功")
    scene.phone.look("joined-in-channel")
    page = scene.channel(WANG)
    press(page, "参与")
    page.wait_for_url("**/chat/walkers_bot?**start=l_*")
    start(page)
    expect(page.locator("#messages")).to_contain_text("小满周年抽奖")


def start(page: Page) -> None:
    """Presses the button that a chat with a bot begins with."""
    page.locator("#start-button").click()
    expect(page.locator('[data-button*="参与"]').last).to_be_visible(timeout=SOON)


def join_in_the_chat(scene: Scene, code: str) -> None:
    """Wang is not in the channel yet: the button under the card leads there. Zhao comes by his link."""
    page = scene.phone.page
    press(page, "参与")
    expect(alert(page)).to_contain_text("频道")
    scene.phone.look("condition-missing")
    page.locator("#alert button").click()
    with page.context.expect_page() as opened:
        page.locator(f'a[data-button][href*="{CHANNEL}"]').last.click()
    opened.value.locator("#join-button").click()
    expect(opened.value.locator("#join-button")).to_be_hidden()
    opened.value.close()
    press(page, "参与")
    expect(alert(page)).to_contain_text("参与成功")
    page.locator("#alert button").click()
    scene.phone.look("joined-in-chat")
    link = str(page.locator('[data-copy*="start=l_"]').last.get_attribute("data-copy"))
    assert f"l_{code}_" in link
    scene.phone.stack.sandbox.set_member(f"@{CHANNEL}", ZHAO)
    page = scene.chat(ZHAO, f"&start={link.partition('start=')[2]}")
    start(page)
    press(page, "参与")
    expect(alert(page)).to_contain_text("参与成功")


def watch_it_count(scene: Scene) -> None:
    """The boss's page has counted along by itself."""
    page = scene.desk.page
    page.evaluate("window.stayed = true")
    expect(page.locator(".stat-value").first).to_have_text("3", timeout=SOON)
    expect(page.locator(".latest li")).to_have_count(3)
    expect(page.locator("canvas[data-chart]")).to_be_visible()
    assert page.evaluate("window.stayed")
    scene.desk.look("lottery-counts")


def close(scene: Scene) -> None:
    page = scene.desk.page
    page.get_by_role("button", name="提前截止并开奖").click()
    page.locator("dialog[open]").get_by_role("button", name="提前截止并开奖").click()
    expect(page.locator("#winners tbody tr")).to_have_count(2, timeout=30_000)
    scene.desk.look("lottery-drawn")


def claim(scene: Scene) -> None:
    """Whoever won the first prize reads of it and claims it."""
    first = "SELECT telegram_id FROM lottery_winner WHERE tenant_id = %s AND slot = 1"
    winner = scene.desk.stack.sql(first, scene.boss.tenant_id)[0][0]
    page = scene.chat(winner)
    expect(page.locator("#messages")).to_contain_text("恭喜", timeout=SOON)
    scene.phone.look("won")
    press(page, "领奖")
    expect(alert(page)).to_contain_text("领奖成功")
    expect(scene.desk.page.locator("#winners tbody tr").first).to_contain_text("已领奖", timeout=SOON)


def hand_over_and_redraw(scene: Scene) -> None:
    page, rows = scene.desk.page, scene.desk.page.locator("#winners tbody tr")
    rows.first.get_by_role("button", name="已发放").click()
    page.locator("dialog[open]").get_by_role("button", name="已发放").click()
    expect(rows.first.locator(".status")).to_have_text("已发放")
    rows.nth(1).get_by_role("button", name="重新抽取").click()
    page.locator("dialog[open] [name=reason]").fill("本人主动放弃")
    page.locator("dialog[open]").get_by_role("button", name="重新抽取").click()
    expect(page.locator("#winners")).to_contain_text("本人主动放弃", timeout=SOON)
    expect(rows).to_have_count(3)
    scene.desk.look("lottery-redrawn")


def check_in_public(scene: Scene, code: str, folder: Path) -> None:
    """The browser computes the draw again; so does the page from the disk; English is a tap away."""
    page = scene.phone.page
    page.goto(f"{scene.phone.stack.url}/l/{code}")
    page.get_by_role("button", name="验证").click()
    ticked(page)
    scene.phone.look("public-page")
    files = [download(page, name, folder) for name in (".json", ".html")]
    page.locator("summary[aria-label=语言]").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Verify")).to_be_visible()
    page.goto(files[1].as_uri())
    page.set_input_files("#record", files[0])
    ticked(page)
    assert json.loads(files[0].read_text())["code"] == code


def ticked(page: Page) -> None:
    expect(page.locator(".check-end")).to_have_class(re.compile("check-ok"), timeout=20_000)
    assert page.locator(".check-step").count() == page.locator(".check-step.check-ok").count() > 5


def download(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download() as began:
        page.locator(f'.draw-files a[href$="{name}"]').click()
    path = folder / began.value.suggested_filename
    began.value.save_as(path)
    return path


def write_broadcast(scene: Scene) -> None:
    page = scene.desk.page
    page.goto("/admin/broadcasts/")
    scene.desk.look("broadcasts-empty")
    page.locator("main").get_by_role("link").first.click()
    page.fill("[name=body]", "新品到店")
    expect(page.locator("[data-tg-pane]")).to_contain_text("新品到店")
    expect(page.locator("[data-size]")).to_contain_text(re.compile("[23]"))
    scene.desk.look("broadcast-form")
    page.get_by_role("button", name="保存").click()


def send_broadcast(scene: Scene) -> None:
    page = scene.desk.page
    page.get_by_role("button", name="发送…", exact=True).click()
    page.get_by_role("button", name=re.compile(r"发给 [23] 人")).click()
    expect(page.locator(".broadcast-words")).to_contain_text("已发完", timeout=SOON)
    expect(page.locator(".meter-row")).to_contain_text("100 %")
    scene.desk.look("broadcast-done")
