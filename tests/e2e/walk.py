"""A person in a browser before the running program: every page is measured and may be kept as a picture."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.e2e.stack import Stack
from tests.e2e.surroundings import ROOT

SHOTS = ROOT / "screenshots"


@dataclass
class Walk:
    """Somebody on the way through pages, in Chinese; `complaints` must stay empty."""

    stack: Stack
    page: Page
    size: str
    complaints: list[str] = field(default_factory=list)
    steps: int = 0

    def look(self, name: str) -> None:
        """Keeps a picture; the page must not be wider than the screen, and is in Chinese."""
        self.steps += 1
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide"
        assert str(self.page.evaluate("document.documentElement.lang")).startswith("zh")
        self.page.screenshot(path=SHOTS / f"{self.size}-{self.steps:02d}-{name}.png")

    def visit(self, path: str) -> None:
        """Opens a page of the admin, which must be there, and looks at it."""
        answer = self.page.goto(f"/admin/{path}")
        assert answer is not None
        assert answer.ok, path
        self.look("page-" + (re.sub(r"\W+", "-", path).strip("-") or "home"))

    def watch(self, page: Page) -> None:
        """Hears whatever a page complains about: errors, broken policies, requests to other hosts."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("request", self._on_request)

    def _on_console(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(f"{said.location.get('url', '')}: {said.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.stack.url, self.stack.sandbox.url, "data:", "file:", "blob:")):
            self.complaints.append(f"{self.page.url} asked {request.url}")


@contextmanager
def walking(stack: Stack, browser: Browser, size: str, viewport: dict[str, int]) -> Iterator[Walk]:
    """A fresh browser that nobody has signed in with."""
    SHOTS.mkdir(exist_ok=True)
    context = browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        # No picture of something half faded in.
        reduced_motion="reduce",
        base_url=stack.url,
    )
    context.set_default_timeout(15_000)
    walk = Walk(stack, context.new_page(), size)
    # A button of a chat may open its page in another tab.
    context.on("page", walk.watch)
    walk.watch(walk.page)
    yield walk
    context.close()
    assert not walk.complaints, "\n".join(walk.complaints)
