"""Templates of lotteries with their repetition, and many lotteries out of one file."""

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db
from app.core.queue import transaction
from app.domain.lotteries import LotteryState
from app.models import Bot, Lottery, LotteryTemplate
from app.services.lotteries import templates
from tests.cast import Cast, sign_in
from tests.lottery_tools import a_bot, a_draft

BASE = "/admin/lottery-templates/"
BULK = "/admin/lottery-bulk/"
EVIL = "<script>alert(1)</script>"
GOOD = "标题,奖品,截止时间\n中秋,月饼*3,2027-02-01 20:00\n国庆,红包*5;积分*2=100,2027-03-01\n"


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def template(bot: Bot) -> LotteryTemplate:
    lottery = a_draft(bot, title=EVIL, description="Tea for all")
    with transaction():
        return templates.save_lottery(lottery.id, "Fridays")


def press(client: FlaskClient, act: str, template: LotteryTemplate, **data: str):
    return client.post(f"{BASE}{act}/", data={"id": str(template.id), **data})


def fresh(template: LotteryTemplate) -> LotteryTemplate:
    db.session.rollback()
    db.session.expire_all()
    return templates.get(template.id)


def send(client: FlaskClient, bot: Bot, body: str, path: str = ""):
    data = {"bot_id": str(bot.id), "file": (io.BytesIO(body.encode()), "many.csv")}
    return client.post(BULK + path, data=data, content_type="multipart/form-data")


def test_a_lottery_is_kept_as_a_template(boss: FlaskClient, bot: Bot):
    lottery = a_draft(bot)
    boss.post(f"{BASE}keep/", data={"id": str(lottery.id), "name": "Every Friday"})
    assert "Every Friday" in boss.get(BASE).text
    boss.post(f"{BASE}keep/", data={"id": str(lottery.id), "name": " "})
    assert len(db.session.query(LotteryTemplate).all()) == 1


def test_a_template_becomes_a_draft_that_is_opened_for_changes(boss: FlaskClient, template: LotteryTemplate):
    answer = press(boss, "use", template)
    assert "/admin/lottery-form/edit/" in answer.location
    made = db.session.query(Lottery).order_by(Lottery.id.desc()).first()
    assert (made.state, made.description) == (LotteryState.DRAFT, "Tea for all")


def test_it_repeats_at_the_tenants_time(boss: FlaskClient, template: LotteryTemplate):
    assert boss.get(f"{BASE}repeat/?id={template.id}").status_code == 200
    press(boss, "repeat", template, repeat="weekly", weekday="4", at="20:30")
    found = fresh(template)
    assert (found.repeat, found.weekday, found.at_minute) == ("weekly", 4, 20 * 60 + 30)
    assert found.next_at.hour == 12
    assert "20:30" in boss.get(BASE).text


@pytest.mark.parametrize(
    "wrong", [{"repeat": "hourly"}, {"at": "25:00"}, {"weekday": "9"}, {"weekday": "x"}, {"at": ""}]
)
def test_a_wrong_repetition_changes_nothing(
    boss: FlaskClient, template: LotteryTemplate, wrong: dict[str, str]
):
    answer = press(boss, "repeat", template, **{"repeat": "weekly", "weekday": "4", "at": "20:00"} | wrong)
    assert answer.status_code == 200
    assert fresh(template).repeat == ""


def test_pausing_resuming_and_deleting(boss: FlaskClient, template: LotteryTemplate):
    press(boss, "repeat", template, repeat="daily", at="09:00")
    press(boss, "pause", template)
    assert fresh(template).next_at is None
    press(boss, "resume", template)
    assert fresh(template).next_at is not None
    press(boss, "remove", template)
    assert db.session.query(LotteryTemplate).all() == []


def test_what_templates_hold_is_text(boss: FlaskClient, template: LotteryTemplate):
    page = boss.get(BASE).text
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_staff_looks_and_strangers_find_nothing(app: Flask, cast: Cast, template: LotteryTemplate):
    staff, stranger = sign_in(app, cast.staff), sign_in(app, cast.stranger)
    assert "Fridays" in staff.get(BASE).text
    assert "Fridays" not in stranger.get(BASE).text
    for act in ("use", "pause", "resume", "remove", "repeat"):
        assert press(staff, act, template).status_code == 403, act
        assert press(stranger, act, template).status_code == 404, act
    assert stranger.post(f"{BASE}keep/", data={"id": "1", "name": "x"}).status_code == 404
    assert staff.get(BULK).status_code == 403


def test_a_file_is_looked_at_line_by_line(boss: FlaskClient, bot: Bot):
    page = send(boss, bot, GOOD + f"{EVIL},,2027-01-01\n", "preview/").text
    assert "中秋" in page
    assert 'data-wrong="1"' in page
    assert EVIL not in page
    assert db.session.query(Lottery).all() == []


def test_all_lines_become_drafts(boss: FlaskClient, bot: Bot):
    assert send(boss, bot, GOOD).status_code == 303
    assert {lottery.title for lottery in db.session.query(Lottery)} == {"中秋", "国庆"}


def test_one_wrong_line_and_nothing_is_made(boss: FlaskClient, bot: Bot):
    answer = send(boss, bot, GOOD + "Broken,,2027-01-01\n")
    assert "note-bad" in answer.text
    assert "Broken" in answer.text
    assert db.session.query(Lottery).all() == []


@pytest.mark.parametrize("body", ["", "nothing,of,use\n1,2,3\n", "\x00\x01"])
def test_what_is_no_table_is_refused_in_words(boss: FlaskClient, bot: Bot, body: str):
    assert "note-bad" in send(boss, bot, body).text
    assert "note-bad" in send(boss, bot, body, "preview/").text


def test_the_sample_can_be_sent_back(boss: FlaskClient, bot: Bot):
    body = boss.get(f"{BULK}sample/").data.decode("utf-8-sig")
    assert send(boss, bot, body).status_code == 303
    assert db.session.query(Lottery).count() == 2


def test_no_file_with_another_tenants_bot(boss: FlaskClient, cast: Cast, bot: Bot):
    send(boss, a_bot(cast.other_tenant, 2), GOOD)
    assert db.session.query(Lottery).all() == []
