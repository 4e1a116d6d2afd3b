"""Credits shared with another project, in a real browser, in Chinese: its developer reads, gets a key and posts; the boss sees it.

Nothing but the pages is used, ours and the sandbox's, and the lines that they show.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.chromium import DESKTOP, PHONE
from tests.e2e.stack import Boss, OurBot, Stack
from tests.e2e.walk import Walk, walking

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(400)]
SOON, LATER = 30_000, 60_000
NEWCOMER = 123456789
"""Whom the shown lines give credits to."""
SDK = "credit_sync_client.py"
PAGES = (
    "",
    "credit-overview/",
    "credit-overview/?days=1",
    "credits/",
    "credits/details/?id={account}",
    "credits/adjust/?id={account}",
    "credit-postings/",
    "credit-postings/details/?id={posting}",
    "credit-holds/",
    "credit-clients/",
    "credit-clients/new/",
    "credit-clients/details/?id={client}",
    "credit-clients/edit/?id={client}",
    "credit-keys/new/?client={client}",
    "credit-keys/rotate/?id={key}",
    "credit-partners/",
    "credit-partners/new/",
    "credit-partners/details/?id={partner}",
    "credit-partners/edit/?id={partner}",
    "credit-partners/secret/?id={partner}",
    "credit-letters/?partner={partner}",
    "credit-drifts/",
    "credit-drifts/new/",
    "credit-drifts/details/?id={drift}",
    "credit-settings/",
)


@dataclass
class Scene:
    """The boss at his desk and on his phone; a developer may sit beside him."""

    boss: Boss
    bot: OurBot
    desk: Walk
    pocket: Walk

    def logs_in(self, walk: Walk) -> None:
        """Where the page that he wanted asks who he is."""
        page = walk.page
        page.fill("[name=email]", self.boss.email)
        page.fill("[name=password]", self.boss.password)
        page.press("[name=password]", "Enter")

    def link(self, part: str) -> Locator:
        """The page's first link to there; tabs and menus lead elsewhere."""
        return self.desk.page.locator(f'main a[href*="{part}"], .content a[href*="{part}"]').first

    def goes(self, part: str) -> None:
        self.link(part).click()
        self.desk.page.wait_for_url(f"**{part}**")

    def sends(self) -> None:
        """Presses the form's own button, and says yes where that is asked."""
        button = self.desk.page.locator(".form-actions .btn-primary")
        asks = button.get_attribute("data-confirm") is not None
        button.click()
        if asks:
            self.desk.page.locator("dialog[open] [value=yes]").first.click()


@pytest.fixture(scope="module")
def scene(stack: Stack, browser: Browser) -> Iterator[Scene]:
    boss = stack.boss()
    bot = stack.bot(boss, name="points_bot")
    said = stack.sandbox.say(bot.telegram, NEWCOMER, "/start")
    stack.sandbox.wait_for_text(bot.telegram, NEWCOMER, "", after=said["revision"], seconds=45)
    with (
        walking(stack, browser, "credits-desk", DESKTOP) as desk,
        walking(stack, browser, "credits-pocket", PHONE) as pocket,
    ):
        yield Scene(boss, bot, desk, pocket)


def test_from_the_documentation_to_the_first_posting_and_the_boss_who_sees_it(scene: Scene, tmp_path: Path):
    read_documentation(scene)
    make_project(scene)
    run_what_is_shown(scene, tmp_path)
    look_at_figures(scene)
    send_it_on(scene)
    adjust(scene)
    compare(scene)


def test_every_page_about_credits_fits_a_desk_and_a_phone(scene: Scene):
    rows = numbers(scene)
    for walk in (scene.desk, scene.pocket):
        for path in PAGES:
            walk.visit(path.format(**rows))


def read_documentation(scene: Scene) -> None:
    """At a desk and on a phone; the link to the keys leads there after the password."""
    for walk in (scene.pocket, scene.desk):
        walk.page.goto("/api/docs", timeout=LATER)
        expect(walk.page.locator('.opblock-summary [data-path="/api/credits/sync"]')).to_be_visible(
            timeout=LATER
        )
        walk.look("docs")
        walk.page.locator('a[href="/admin/credit-clients/"]').first.click()
        scene.logs_in(walk)
        walk.page.wait_for_url("**/admin/credit-clients/")


def make_project(scene: Scene) -> None:
    page = scene.desk.page
    scene.goes("/credit-clients/new/")
    page.fill("[name=name]", "积分商城")
    page.fill("[name=source]", "shop")
    scene.desk.look("new-project")
    scene.sends()
    page.wait_for_url("**/credit-keys/new/**")
    scene.sends()
    expect(page.locator("#secret-key")).to_be_visible()
    scene.desk.look("key-shown-once")


def run_what_is_shown(scene: Scene, folder: Path) -> None:
    """The five lines as the copy button gives them, beside the file from the page's link, twice."""
    page = scene.desk.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator('[data-copy="#sdk-example"]').click()
    lines = str(page.evaluate("navigator.clipboard.readText()"))
    assert len(lines.splitlines()) == 5
    with page.expect_download() as download:
        scene.link(f"/api/sdk/{SDK}").click()
    download.value.save_as(folder / SDK)
    said = [run(lines, folder) for _ in range(2)]
    assert [line.split()[:2] for line in said] == [["True", "10"]] * 2
    assert said[0] != said[1]


def run(lines: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def look_at_figures(scene: Scene) -> None:
    """Totals of the project, the chart, the account, and the posting with all that was said about it."""
    page = scene.desk.page
    page.goto("/admin/credit-overview/")
    row = page.locator("tr", has=page.locator(".credit-source"))
    expect(row).to_have_count(1)
    expect(row).to_contain_text("积分商城")
    expect(row).to_contain_text("+10")
    expect(page.locator("figure.chart, [data-chart]").first).to_be_visible()
    scene.desk.look("overview")
    page.goto("/admin/credits/")
    scene.goes("/credits/details/")
    expect(page.locator("main, .content").first).to_contain_text("welcome-123456789")
    scene.desk.look("account")
    scene.goes("/credit-postings/details/")
    expect(page.locator("#reference")).to_have_text("welcome-123456789")
    scene.desk.look("posting")


def send_it_on(scene: Scene) -> None:
    """A partner with balances of its own gets everything, as soon as its developer has entered the keys."""
    page, sandbox = scene.desk.page, scene.desk.stack.sandbox
    sandbox.partner_keys("browser")
    page.goto("/admin/credit-partners/")
    scene.goes("/credit-partners/new/")
    page.fill("[name=name]", "合作商城")
    page.fill("[name=url]", sandbox.partner_url("browser"))
    page.check("[name=which][value=all]")
    page.check("[name=start][value=beginning]")
    scene.desk.look("new-partner")
    scene.sends()
    keys = [page.locator(f"#{name}").inner_text() for name in ("key-id", "secret-key")]
    scene.desk.look("partner-secret")
    theirs = scene.pocket.page
    theirs.goto(f"{sandbox.url}/partner/browser")
    if not theirs.locator("#key_id").is_visible():
        theirs.locator("summary").click()
    theirs.fill("#key_id", keys[0])
    theirs.fill("#secret_key", keys[1])
    theirs.locator('form[action$="/keys"] button').click()
    expect(theirs.locator("#changes")).to_contain_text("welcome-123456789", timeout=LATER)


def adjust(scene: Scene) -> None:
    page = scene.desk.page
    page.goto("/admin/credits/")
    scene.goes("/credits/details/")
    scene.goes("/credits/adjust/")
    page.fill("[name=amount]", "15")
    page.fill("[name=reason]", "补偿上周的活动")
    scene.desk.look("adjust")
    scene.sends()
    expect(page.locator("main, .content").first).to_contain_text("补偿上周的活动")
    page.goto("/admin/credit-partners/")
    scene.goes("/credit-partners/details/")
    # The page counts what was delivered, and keeps itself up to date.
    expect(page.locator(".stats .stat").last).to_contain_text("2", timeout=SOON)
    scene.desk.look("partner-up-to-date")


def compare(scene: Scene) -> None:
    """First with what the partner really has, then with a mistake."""
    page = scene.desk.page
    for balance, differing in ((25, 0), (24, 1)):
        page.goto("/admin/credit-drifts/new/")
        page.fill("[name=name]", "合作商城")
        table = f"telegram_id,balance\n{NEWCOMER},{balance}\n".encode()
        page.set_input_files("[name=file]", {"name": "balances.csv", "mimeType": "text/csv", "buffer": table})
        scene.sends()
        page.wait_for_url("**/credit-drifts/details/**")
        expect(page.locator(".stats .stat").nth(1)).to_contain_text(str(differing))
        scene.desk.look(f"{differing}-differences")


def numbers(scene: Scene) -> dict[str, int]:
    """The numbers of the boss's only rows, and the newest where there are several."""
    tables = {name: f"credit_{name}" for name in ("account", "posting", "client", "key", "partner", "drift")}
    found = scene.desk.stack.sql(
        "SELECT "
        + ", ".join(f"(SELECT max(id) FROM {table} WHERE tenant_id = %s)" for table in tables.values()),
        *[scene.boss.tenant_id] * len(tables),
    )
    return dict(zip(tables, found[0], strict=True))
