"""Checking a draw in a real browser: on the public page, and by the page that works from the disk."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app.core.db import db
from app.domain.draw_verifier import verify
from app.models import Lottery
from tests import draws, forgeries
from tests.cast import Cast
from tests.chromium import DESKTOP, PHONE, listen, serving
from tests.chromium import chromium as start_chromium
from tests.drawing import a_closed, draw
from tests.lottery_tools import a_bot, an_open

pytestmark = pytest.mark.browser
STATIC = Path(__file__).parents[2] / "app" / "static"
CHECK_ALL = """async (records) => {
  const { verify } = await import("/js/draw_verifier.js");
  const found = [];
  for (const record of records) {
    const { ok, mismatch } = await verify(record, { language: "zh-CN", genuine: globalThis.laobanBls.verify });
    found.push([ok, mismatch && mismatch.code, mismatch && mismatch.text]);
  }
  return found;
}"""
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with start_chromium() as browser:
        yield browser


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    with serving(app) as found:
        yield found


@pytest.fixture
def visit(chromium: Chromium, address: str) -> Iterator[Visit]:
    """`visit(path, size)` opens a page in Chinese; no word on the console is allowed."""
    heard: list[list[str]] = []
    contexts = []

    def open_page(path: str, size: dict[str, int] = DESKTOP, locale: str = "zh-CN") -> Page:
        context = chromium.new_context(viewport=size, locale=locale, base_url=address)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        heard.append(listen(page))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for one in heard for text in one] == []


@pytest.fixture
def drawn(cast: Cast) -> Lottery:
    lottery = a_closed(a_bot(cast.tenant), 1500, title="中秋茶礼")
    draw(lottery)
    return lottery


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_button_checks_the_draw_here(visit: Visit, drawn: Lottery, size: dict[str, int]):
    page = visit(f"/l/{drawn.code}", size)
    page.locator("[data-check-record]").click()
    expect(page.locator(".check-end.check-ok")).to_be_visible()
    states = page.locator(".check-step").evaluate_all("all => all.map((one) => one.className)")
    assert set(states) == {"check-step check-ok"}
    assert len(states) == 10
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_a_changed_list_is_called_out(visit: Visit, drawn: Lottery):
    db.session.execute(text("UPDATE lottery_entry SET telegram_id = 1 WHERE telegram_id = 7001040"))
    db.session.commit()
    page = visit(f"/l/{drawn.code}", locale="en-GB")
    page.locator("[data-check-record]").click()
    expect(page.locator(".check-step.check-wrong")).to_contain_text("A line between 1025 and 1500")
    expect(page.locator(".check-end.check-wrong")).to_be_visible()


def test_before_the_draw_it_checks_what_there_is(visit: Visit, cast: Cast):
    page = visit(f"/l/{an_open(a_bot(cast.tenant)).code}")
    page.locator("[data-check-record]").click()
    expect(page.locator(".check-end.check-ok")).to_be_visible()
    expect(page.locator(".check-step.check-later")).to_have_count(1)


# --- both verifiers say the same
@pytest.fixture
def bench(chromium: Chromium) -> Iterator[Page]:
    """One page that has the browser's verifier and no server of ours."""
    page = chromium.new_page()
    page.route("**/js/*", lambda route: route.fulfill(path=STATIC / "js" / Path(route.request.url).name))
    page.route("**/bench", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://bench.test/bench")
    page.add_script_tag(path=STATIC / "vendor" / "noble" / "bls12-381.min.js")
    yield page
    page.close()


def test_two_hundred_draws_come_out_the_same(bench: Page):
    found = []
    for first in range(0, 200, 20):
        found += bench.evaluate(CHECK_ALL, [draws.make(seed) for seed in range(first, first + 20)])
    assert [(seed, one) for seed, one in enumerate(found) if not one[0]] == []
    assert len(found) == 200


def test_each_forgery_has_the_same_name_in_both(bench: Page):
    honest, records = draws.honest(), []
    for _, falsify in forgeries.FORGERIES.values():
        record = copy.deepcopy(honest)
        falsify(record)
        records.append(record)
    expected = [
        (one.ok, one.mismatch.code, one.mismatch.text) for one in (verify(each, "zh") for each in records)
    ]
    assert [tuple(one) for one in bench.evaluate(CHECK_ALL, records)] == expected


# --- the page to keep
def test_the_page_from_the_disk_needs_nobody(chromium: Chromium, client: Any, tmp_path: Path):
    (tmp_path / "verify.html").write_bytes(client.get("/l/verify.html").data)
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    honest = draws.honest()
    good.write_text(json.dumps(honest))
    bad.write_text(json.dumps(honest | {"seed": "00" * 32}))
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto((tmp_path / "verify.html").as_uri())
    page.locator("#record").set_input_files(good)
    expect(page.locator(".check-end.check-ok")).to_be_visible(timeout=20_000)
    expect(page.locator(".check-step.check-ok")).to_have_count(11)
    page.locator("#record").set_input_files(bad)
    expect(page.locator(".check-step.check-wrong")).to_contain_text("[seed]")
    page.locator("#switch").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(".check-step.check-wrong")).to_contain_text("The seed is not the one")
    context.close()
