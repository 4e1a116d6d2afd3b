"""The pages in Chromium: getting a token, talking, pressing, on a desk and on a phone."""

import re
from collections.abc import Iterator

import orjson
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.chromium import chromium
from tests.sandbox.test_messages import PIXEL
from tests.sandbox_client import LIN, WANG

pytestmark = pytest.mark.browser

BUTTONS = {
    "inline_keyboard": [
        [{"text": "抽奖", "callback_data": "draw"}, {"text": "网站", "url": "https://example.com"}]
    ]
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def open_page(browser: Browser, url: str, width: int, height: int) -> Iterator[Page]:
    """A window; the test fails when a script in it does."""
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", base_url=url)
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desk", "phone"])
def any_page(browser, sandbox, request) -> Iterator[Page]:
    yield from open_page(browser, sandbox.url, *request.param)


@pytest.fixture
def page(browser, sandbox) -> Iterator[Page]:
    """A phone."""
    yield from open_page(browser, sandbox.url, 390, 844)


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_token_from_botfather_works(sandbox, any_page):
    any_page.goto("/")
    any_page.get_by_role("link", name="找 BotFather 领 Token").first.click()
    any_page.get_by_label("显示名称").fill("小满的店")
    any_page.get_by_label("用户名").fill("corner")
    any_page.get_by_role("button", name="创建机器人").click()
    expect(any_page.get_by_role("alert")).to_contain_text("用户名要以 bot 结尾")
    any_page.get_by_label("用户名").fill("shop_bot")
    any_page.keyboard.press("Enter")
    token = any_page.locator("#bot-token")
    expect(token).to_contain_text(":AA")
    assert sandbox.api(token.inner_text(), "getMe")["result"]["first_name"] == "小满的店"
    assert fits(any_page)


def test_a_new_token_makes_the_old_one_worthless(sandbox, bot, page):
    page.goto("/botfather")
    row = page.locator('[data-bot="demo_bot"]')
    row.get_by_role("button", name="换新 Token").click()
    page.get_by_role("button", name="确定").click()
    expect(page.locator("#bot-token")).to_contain_text(f"{bot['id']}:")
    assert sandbox.api(bot, "getMe")["error_code"] == 401
    assert sandbox.api(page.locator("#bot-token").inner_text(), "getMe")["ok"]


def test_a_conversation_from_start_to_toast(sandbox, any_page):
    bot = sandbox.create_bot()
    any_page.goto("/chat/demo_bot")
    any_page.get_by_role("button", name="开始").click()
    expect(any_page.locator('[data-from="me"]')).to_contain_text("/start")
    assert sandbox.api(bot, "getUpdates", timeout=5)["result"][0]["message"]["from"]["id"] == LIN
    sandbox.api(
        bot, "sendMessage", chat_id=LIN, text="<b>欢迎</b> & 你好", parse_mode="HTML", reply_markup=BUTTONS
    )
    welcome = any_page.locator('[data-from="bot"]')
    expect(welcome.locator("strong")).to_have_text("欢迎")
    welcome.get_by_role("button", name="抽奖").click()
    pressed = sandbox.api(bot, "getUpdates", offset=-1, timeout=5)["result"][0]["callback_query"]
    assert pressed["data"] == "draw"
    sandbox.api(bot, "answerCallbackQuery", callback_query_id=pressed["id"], text="已参加")
    expect(any_page.locator("#toast")).to_have_text("已参加")
    sandbox.api(bot, "editMessageText", chat_id=LIN, message_id=pressed["message"]["message_id"], text="再见")
    expect(welcome.locator(".text")).to_contain_text("再见")
    expect(any_page.locator("[data-callback]")).to_have_count(0)
    assert fits(any_page)


def test_everything_can_be_done_with_the_keyboard(sandbox, bot, page):
    markup = {"keyboard": [["菜单", "帮助"]], "resize_keyboard": True}
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="请选择", reply_markup=markup)
    page.goto("/chat/demo_bot")
    page.get_by_label("输入消息").focus()
    page.keyboard.type("你好")
    page.keyboard.press("Enter")
    expect(page.locator('[data-from="me"]').last).to_contain_text("你好")
    page.get_by_role("button", name="菜单").focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-from="me"]').last).to_contain_text("菜单")
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="完", reply_markup={"remove_keyboard": True})
    expect(page.get_by_role("button", name="帮助")).to_have_count(0)


def test_alerts_typing_and_deletion_are_seen_as_they_happen(sandbox, bot, page):
    sent = sandbox.api(bot, "sendMessage", chat_id=LIN, text="menu", reply_markup=BUTTONS)["result"]
    page.goto("/chat/demo_bot")
    page.get_by_role("button", name="抽奖").click()
    pressed = sandbox.api(bot, "getUpdates", timeout=5)["result"][0]["callback_query"]
    sandbox.api(
        bot, "answerCallbackQuery", callback_query_id=pressed["id"], text="要先加入频道", show_alert=True
    )
    expect(page.get_by_role("dialog")).to_contain_text("要先加入频道")
    page.keyboard.press("Enter")
    sandbox.api(bot, "sendChatAction", chat_id=LIN, action="typing")
    expect(page.locator("#chat-status")).to_have_text("正在输入…")
    sandbox.api(bot, "deleteMessage", chat_id=LIN, message_id=sent["message_id"])
    expect(page.locator(f'[data-message-id="{sent["message_id"]}"]')).to_have_count(0)


def test_another_person_sees_another_conversation(sandbox, bot, page):
    sandbox.say(bot, LIN, "secret of Lin")
    page.goto("/chat/demo_bot")
    expect(page.locator("#messages")).to_contain_text("secret of Lin")
    page.get_by_label("您的身份").select_option(str(WANG))
    expect(page).to_have_url(re.compile(f"user={WANG}"))
    expect(page.get_by_role("button", name="开始")).to_be_visible()
    expect(page.locator("#messages")).not_to_contain_text("secret of Lin")


def test_a_start_link_carries_its_payload(sandbox, bot, page):
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="https://t.me/demo_bot?start=ref_k3Q9")
    page.goto("/chat/demo_bot")
    expect(page.get_by_role("link", name="t.me/demo_bot")).to_have_attribute(
        "href", "/chat/demo_bot?start=ref_k3Q9"
    )
    page.goto("/chat/demo_bot?start=ref_k3Q9")
    page.get_by_role("button", name="开始").click()
    expect(page.locator('[data-from="me"]').last).to_contain_text("/start ref_k3Q9")


def test_joining_and_leaving_a_channel(sandbox, bot, page):
    sandbox.create_chat("channel", "每日星座", username="stars", members={"demo_bot": "administrator"})
    page.goto("/chat/demo_bot?chat=@stars")
    page.get_by_role("button", name="加入").click()
    expect(page.locator("#join-button")).to_be_hidden()
    assert sandbox.api(bot, "getChatMember", chat_id="@stars", user_id=LIN)["result"]["status"] == "member"
    page.get_by_role("button", name="更多").click()
    page.get_by_role("button", name="退出").click()
    expect(page.locator("#join-button")).to_be_visible()


def test_blocking_and_coming_back(sandbox, bot, page):
    page.goto("/chat/demo_bot")
    page.get_by_role("button", name="更多").click()
    page.get_by_role("button", name="拉黑机器人").click()
    restart = page.get_by_role("button", name="重新启用")
    expect(restart).to_be_visible()
    assert sandbox.api(bot, "sendMessage", chat_id=LIN, text="x")["error_code"] == 403
    restart.click()
    expect(page.get_by_label("输入消息")).to_be_visible()
    assert sandbox.api(bot, "sendMessage", chat_id=LIN, text="x")["ok"]


def test_a_channel_shows_a_pictured_post_that_counts_and_people_press_it(sandbox, bot, page):
    sandbox.create_chat("channel", "幸运", username="lucky", members={"demo_bot": "administrator"})
    sandbox.post("users", id=WANG, first_name="王")
    join = {"inline_keyboard": [[{"text": "🎁 参与 (0)", "callback_data": "1:lj:A"}]]}
    url = f"{sandbox.url}/bot{bot['token']}/sendPhoto"
    fields = {"chat_id": "@lucky", "caption": "周年抽奖", "reply_markup": orjson.dumps(join).decode()}
    post = requests.post(url, data=fields, files={"photo": ("p.png", PIXEL)}, timeout=5).json()["result"]
    page.goto(f"/chat/demo_bot?chat=@lucky&user={WANG}")
    expect(page.locator(".photo img")).to_be_visible()
    page.get_by_role("button", name="🎁 参与 (0)").click()
    pressed = sandbox.api(bot, "getUpdates", timeout=5)["result"][-1]["callback_query"]
    assert pressed["from"]["id"] == WANG
    sandbox.api(bot, "answerCallbackQuery", callback_query_id=pressed["id"], text="参与成功", show_alert=True)
    expect(page.get_by_role("dialog")).to_contain_text("参与成功")
    page.keyboard.press("Enter")
    join["inline_keyboard"][0][0]["text"] = "🎁 参与 (1)"
    sandbox.api(
        bot,
        "editMessageCaption",
        chat_id="@lucky",
        message_id=post["message_id"],
        caption="周年抽奖",
        reply_markup=join,
    )
    expect(page.get_by_role("button", name="🎁 参与 (1)")).to_be_visible()
    expect(page.locator(".photo img")).to_be_visible()


def test_an_answer_that_opens_the_bot_leads_there_as_the_same_person(sandbox, bot, page):
    sandbox.create_chat("channel", "幸运", username="lucky", members={"demo_bot": "administrator"})
    sandbox.post("users", id=WANG, first_name="王")
    sandbox.api(bot, "sendMessage", chat_id="@lucky", text="x", reply_markup=BUTTONS)
    page.goto(f"/chat/demo_bot?chat=@lucky&user={WANG}")
    page.get_by_role("button", name="抽奖").click()
    pressed = sandbox.api(bot, "getUpdates", timeout=5)["result"][-1]["callback_query"]
    link = "https://t.me/demo_bot?start=l_ABC234"
    sandbox.api(bot, "answerCallbackQuery", callback_query_id=pressed["id"], url=link)
    page.get_by_role("button", name="开始").click()
    expect(page.locator('[data-from="me"]').last).to_contain_text("/start l_ABC234")
    assert sandbox.messages(bot, WANG)[-1]["from"]["id"] == WANG
    expect(page.get_by_label("输入消息")).to_be_visible()


def test_links_to_channels_stay_in_the_sandbox_and_shared_links_are_copied(sandbox, bot, page):
    sandbox.create_chat("channel", "幸运", username="lucky", members={"demo_bot": "administrator"})
    rows = [
        [{"text": "频道", "url": "https://t.me/lucky"}],
        [
            {
                "text": "邀请",
                "url": "https://t.me/share/url?url=https%3A%2F%2Ft.me%2Fdemo_bot%3Fstart%3Dx&text=hi",
            }
        ],
    ]
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="x", reply_markup={"inline_keyboard": rows})
    page.goto(f"/chat/demo_bot?user={LIN}")
    link = page.get_by_role("link", name="频道")
    expect(link).to_have_attribute("href", f"/chat/demo_bot?chat=%40lucky&user={LIN}")
    invite = page.get_by_role("button", name="邀请")
    expect(invite).to_have_attribute("data-copy", "https://t.me/demo_bot?start=x")
