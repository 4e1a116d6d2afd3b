"""The base of all lists: hostile addresses, and what comes out on pages and in files."""

import pytest

from app.core.db import db
from app.models import BotMenuItem, Member
from tests.admin.conftest import BUTTONS, ButtonView

HUGE = 2**63


# --- hostile addresses


@pytest.mark.parametrize(
    "query",
    [
        "page=-1", f"page={HUGE}", "page=abc", "page_size=-5", "page_size=1000000", "sort=99", "sort=-1", "desc=x",
        "search=%25_%5C", "search=%F0%9F%98%80", "search=" + "a+" * 200, "flt0_0=abc", f"flt0_0={HUGE}", "flt0_0=%00",
        "flt9_9=1", "flt0_0=1&flt1_1=2", "search=^x", "search=%3Dx", "search='%3B+drop+table+bot%3B--",
    ],
)  # fmt: skip
def test_strange_list_arguments_are_answered(browser, buttons, query):
    assert browser().get(f"{BUTTONS}?{query}").status_code == 200


def test_a_null_byte_in_a_search_is_refused(browser):
    assert browser().get(f"{BUTTONS}?search=%00").status_code == 400


def test_search_takes_wildcards_as_plain_text(browser, buttons):
    assert "Button a" not in browser().get(f"{BUTTONS}?search=%25").text
    assert "Button a" in browser().get(f"{BUTTONS}?search=utto").text


def test_filters_narrow(browser, buttons):
    assert "Button a" in browser().get(f"{BUTTONS}?flt3_3=Button").text
    assert "Button a" not in browser().get(f"{BUTTONS}?flt3_3=nope").text


def test_days_are_the_tenants_days(browser, cast):
    late = "2026-03-01T17:00:00+00:00"  # in Shanghai it is the second of March already
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=1, first_name="Wang", first_seen_at=late))
    db.session.commit()
    assert "Wang" in browser().get("/admin/customers/?flt0_0=2026-03-02&flt1_1=2026-03-02").text
    assert "Wang" not in browser().get("/admin/customers/?flt1_1=2026-03-01").text


# --- output


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "\uff1d1+1"]
)
def test_no_cell_is_a_formula(browser, buttons, cell):
    buttons[0].label = cell
    db.session.commit()
    line = browser().get(f"{BUTTONS}export/csv/").text.splitlines()[1]
    assert line.lstrip('"').startswith("'")


def test_no_cell_falls_apart_into_a_formula(browser, buttons):
    buttons[0].label = "a;=1+1"
    db.session.commit()
    assert '"a;=1+1"' in browser().get(f"{BUTTONS}export/csv/").text


def test_exports_stop_at_their_limit(browser, buttons, bots, cast, monkeypatch):
    monkeypatch.setattr(ButtonView, "export_max_rows", 2)
    db.session.add_all(
        BotMenuItem(tenant_id=cast.tenant.id, bot_id=bots[0].id, label=f"B{n}") for n in range(5)
    )
    db.session.commit()
    assert len(browser().get(f"{BUTTONS}export/csv/").text.splitlines()) == 3


def test_csv_opens_as_chinese_in_spreadsheets(browser, buttons):
    assert browser().get(f"{BUTTONS}export/csv/").data.startswith("\ufeff".encode())


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "javascript:alert(1)"],
)
def test_names_from_outside_are_shown_as_text(browser, buttons, name):
    buttons[0].label = name
    db.session.commit()
    for path in ("", f"details/?id={buttons[0].id}", f"edit/?id={buttons[0].id}"):
        page = browser().get(BUTTONS + path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in page.split("</main>")[0].split("<main")[1] or "7*7" in page


def test_pages_have_no_inline_handlers_or_styles(browser, buttons):
    for path in (
        "/",
        "/admin/",
        BUTTONS,
        f"{BUTTONS}new/",
        f"{BUTTONS}edit/?id={buttons[0].id}",
        "/admin/audit/",
        "/nope",
    ):
        page = browser().get(path).text
        for forbidden in (
            " onclick=",
            " onsubmit=",
            " style=",
            "javascript:",
            "<style",
            "http://cdn",
            "https://cdn",
        ):
            assert forbidden not in page, (path, forbidden)


def test_a_list_page_asks_the_database_little(browser, buttons, count_queries):
    with count_queries() as queries:
        browser().get(BUTTONS)
    assert len(queries) <= 4
