"""The home page: first steps, figures of the tenant's own day, and its fragment."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.domain.bots import BotState
from app.domain.people import Role
from app.domain.products import ProductState
from app.models import BotHour, BotText, Member, Membership
from app.services import dashboard
from app.services.lotteries import figures
from tests.lottery_tools import an_open, enter
from tests.shopping import a_product

NOON = datetime.fromisoformat("2026-03-02T04:00:00+00:00")  # noon in Shanghai


@pytest.fixture
def noon(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON)


def add(*rows):
    db.session.add_all(rows)
    db.session.commit()


def test_a_new_boss_is_told_to_connect_a_bot(browser, cast):
    page = browser(Role.OWNER).get("/admin/").text
    assert "checklist" in page
    assert "0 / 6" in page
    assert "@BotFather" in page.partition("checklist")[2]
    assert page.count("@BotFather") == 1


def test_steps_are_ticked_as_they_are_done(cast, bots):
    assert dashboard.steps(cast.tenant.id, cast.owner.id) == dashboard.Steps(
        True, False, False, False, False, False
    )
    add(
        Member(tenant_id=cast.tenant.id, telegram_id=1),
        BotText(tenant_id=cast.tenant.id, bot_id=bots[0].id, key="welcome", locale="en", body="Hi"),
    )
    membership = db.session.scalar(select(Membership).where(Membership.user_id == cast.owner.id))
    membership.telegram_id = 7
    db.session.commit()
    an_open(bots[0])
    a_product(cast.tenant, state=ProductState.DRAFT)
    assert dashboard.steps(cast.tenant.id, cast.owner.id).left == 1
    a_product(cast.tenant)
    assert dashboard.steps(cast.tenant.id, cast.owner.id).left == 0


def test_the_steps_of_others_do_not_count(cast, bots):
    bots[0].removed_at = NOON
    add(Member(tenant_id=cast.other_tenant.id, telegram_id=1))
    assert dashboard.steps(cast.tenant.id, cast.owner.id).left == 6


def test_today_begins_at_midnight_of_the_tenant(cast, bots, noon):
    midnight = dashboard.midnight("Asia/Shanghai")
    for hours, handled in ((-1, 100), (0, 5), (3, 7)):
        add(
            BotHour(
                tenant_id=cast.tenant.id,
                bot_id=bots[0].id,
                hour=midnight + timedelta(hours=hours),
                handled=handled,
                failed=1,
            )
        )
    add(BotHour(tenant_id=cast.other_tenant.id, bot_id=bots[1].id, hour=midnight, handled=1000))
    today = dashboard.today(cast.tenant.id, "Asia/Shanghai")
    assert (today.handled, today.failed) == (12, 2)
    assert today.hours[0] == (0, 5, 1)
    assert today.hours[3] == (3, 7, 1)
    assert len(today.hours) == 13


def test_tiles_are_the_tenants_bots_with_todays_count(cast, bots, noon):
    add(BotHour(tenant_id=cast.tenant.id, bot_id=bots[0].id, hour=NOON, handled=9))
    (tile,) = dashboard.tiles(cast.tenant.id, "Asia/Shanghai")
    assert (tile.bot.id, tile.handled) == (bots[0].id, 9)


def test_lotteries_of_today_are_counted(cast, bots, shop_app):
    lottery = an_open(bots[0])
    enter(lottery, 1, 2, 3)
    found = figures.today(cast.tenant.id, "Asia/Shanghai")
    assert (found.open, found.entries) == (1, 3)
    assert figures.today(cast.other_tenant.id, "Asia/Shanghai").entries == 0


def test_the_fragment_is_no_whole_page(browser, bots):
    bots[0].state = BotState.RUNNING
    db.session.commit()
    fragment = browser().get("/admin/live/", headers={"Live": "1"}).text
    assert "Bot a" in fragment
    assert "status-ok" in fragment
    assert "<html" not in fragment
    assert "Bot b" not in fragment


def test_readers_do_not_see_who_changed_what(browser, buttons):
    browser().post("/admin/buttons/delete/", {"id": buttons[0].id})
    assert "list-rows" in browser(Role.MANAGER).get("/admin/live/").text
    assert "list-rows" not in browser(Role.READ_ONLY).get("/admin/live/").text
