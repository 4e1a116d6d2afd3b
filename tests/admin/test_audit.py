"""The audit log: readable words, the tenant's own alone, never changeable."""

import re
from pathlib import Path

import pytest

from admin.audit_words import DEEDS, FIELDS, THINGS
from app.core.db import db
from app.domain.people import Role
from app.services import audit

ROOT = Path(__file__).parents[2]
AUDIT = "/admin/audit/"


@pytest.fixture
def event(cast):
    audit.record(
        cast.tenant.id, "bot.started", ("bot", 1, "Tea house"), {"enabled": [False, True], "mode": "polling"}
    )
    audit.record(cast.other_tenant.id, "bot.started", ("bot", 2, "Foreign"))
    db.session.commit()


def test_events_are_told_in_words(browser, event):
    page = browser().get(AUDIT, headers={"Accept-Language": "en"}).text
    assert "Bot started: Tea house" in page
    assert "Foreign" not in page


def test_details_name_every_change(browser, event):
    link = re.search(r"/admin/audit/details/\?id=\d+", browser().get(AUDIT).text)[0]
    page = browser().get(link, headers={"Accept-Language": "en"}).text
    assert "Switched on" in page
    assert "No → <b>Yes</b>" in page


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "10000-01-01", "2026-02-30"])
def test_days_at_the_end_of_the_calendar_are_answered(browser, event, day):
    page = browser().get(AUDIT).text
    for name in set(re.findall(r"flt\d+_\d+", page)) | {f"flt0_{number}" for number in range(8)}:
        assert browser().get(f"{AUDIT}?{name}={day}").status_code == 200


def test_names_of_ours_are_said_in_words_and_nobody_elses_are(browser, cast):
    audit.record(
        cast.tenant.id, "bot.repaired", ("bot", 1, "Tea"), {"action": "take_over", "mode": "polling"}
    )
    audit.record(
        cast.tenant.id, "bot.text_changed", ("bot", 1, "Tea"), {"text": "menu_help", "body": "owner"}
    )
    sold = {"kind": "manual", "state": ["draft", "on_sale"]}
    audit.record(cast.tenant.id, "product.put_on_sale", ("product", 1, "Advice"), sold)
    db.session.commit()
    page = browser().get(AUDIT, headers={"Accept-Language": "zh-CN"}).text
    assert "接管机器人" in page
    assert "“帮助”按钮" in page
    assert "take_over" not in page
    assert "menu_help" not in page
    assert "草稿" in page
    assert "on_sale" not in page
    assert "manual" not in page
    assert "owner" in page


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.SUPPORT])
def test_only_owners_and_managers_read_it(browser, event, role):
    assert browser(role).get(AUDIT).status_code == 403


@pytest.mark.parametrize("path", ["new/", "edit/?id=1"])
def test_nobody_changes_it(browser, event, path):
    assert browser().get(AUDIT + path).status_code == 404


def test_nobody_deletes_from_it(browser, event):
    assert browser().post(f"{AUDIT}delete/", {"id": 1}).status_code == 404
    assert browser().post(f"{AUDIT}action/", {"action": "delete", "rowid": 1}).status_code == 403


def test_operators_read_all_of_it(browser, event):
    page = browser(operator=True).get("/admin/platform_audit/").text
    assert "Tea house" in page
    assert "Foreign" in page


def test_every_action_that_the_code_records_has_words():
    recorded: set[str] = set()
    for path in (ROOT / "app").rglob("*.py"):
        text = path.read_text()
        recorded |= set(re.findall(r'record\(\s*[a-z_.]+,\s*"([a-z_]+\.[a-z_]+)"', text))
        recorded |= set(re.findall(r'action = "([a-z_]+\.[a-z_]+)"', text))
        recorded |= set(re.findall(r'_audit\([a-z_.]+,\s*"([a-z_]+\.[a-z_]+)"', text))
        recorded |= set(re.findall(r'State\.[A-Z_]+: "([a-z_]+\.[a-z_]+)"', text))
    assert recorded
    for action in recorded:
        thing, _, deed = action.partition(".")
        assert thing in THINGS, action
        assert action in DEEDS or deed in DEEDS, action
    assert FIELDS
