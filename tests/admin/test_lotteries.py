"""The boss's lotteries: the list, one while it runs, and after it; who may do what."""

import csv
import io

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.db import db
from app.core.queue import transaction
from app.domain.lotteries import LotteryState, WinnerState
from app.models import Bot, Lottery, LotteryEntry, LotteryPost, Member
from app.services.lotteries import events, lookup, posts
from tests.cast import Cast, sign_in
from tests.drawing import FIRST, a_closed, draw, winners
from tests.lottery_tools import a_bot, a_draft, an_open, enter, members

LIST = "/admin/lotteries/"
EVIL = "<script>alert(1)</script>"
ACTS = {
    "lottery-acts/back-to-draft/": {},
    "lottery-acts/close/": {},
    "lottery-acts/cancel/": {"reason": "Sold out"},
    "lottery-acts/add/": {"people": "7000001"},
    "lottery-acts/post-again/": {"post": "1"},
    "lottery-acts/drop-condition/": {"place": "0", "reason": "Gone"},
    "lottery-winners/hand-over/": {"slot": "1", "note": ""},
    "lottery-winners/undo/": {"slot": "1"},
    "lottery-winners/redraw/": {"slot": "1", "reason": "No answer"},
}
PAGES = ("details/", "details/head/", "details/live/", "details/record/")


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def boss(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def drawn(cast: Cast, bot: Bot) -> Lottery:
    members(cast.tenant, *range(FIRST, FIRST + 5))
    lottery = a_closed(bot, 5)
    draw(lottery)
    return lottery


def press(client: FlaskClient, act: str, lottery: Lottery, **data: str):
    return client.post(f"/admin/{act}", data={"id": str(lottery.id), **data})


def page(client: FlaskClient, lottery: Lottery) -> str:
    return client.get(f"{LIST}details/?id={lottery.id}").text


def fresh(lottery: Lottery) -> Lottery:
    db.session.rollback()
    db.session.expire_all()
    return lookup.get(lottery.id)


def test_an_empty_list_offers_templates(boss: FlaskClient, bot: Bot):
    text = boss.get(LIST).text
    for preset in ("quick", "channel", "friends", "full", "credits"):
        assert f"preset={preset}" in text


def test_without_a_bot_the_list_says_what_comes_first(boss: FlaskClient):
    text = boss.get(LIST).text
    assert "/admin/bots/new/" in text
    assert "preset=" not in text


def test_the_list_has_tabs_and_a_search(boss: FlaskClient, bot: Bot):
    a_draft(bot, title="Draft one")
    running = an_open(bot, title="Running one")
    enter(running, 1, 2, 3)
    assert "Draft one" not in boss.get(f"{LIST}?tab=open").text
    assert "Running one" in boss.get(f"{LIST}?tab=open").text
    assert "Draft one" in boss.get(f"{LIST}?search=draft").text
    assert "Running one" in boss.get(f"{LIST}?search={running.code.lower()}").text
    assert boss.get(f"{LIST}?tab=nonsense&page=99999999999&search=%25").status_code == 200


@pytest.mark.parametrize("page", ["9" * 30, "9" * 5000, "-1", "x", "\u0663"])
def test_no_page_number_breaks_the_list(boss: FlaskClient, bot: Bot, page: str):
    lottery = an_open(bot)
    assert boss.get("/admin/lotteries/", query_string={"page": page}).status_code == 200
    query = {"id": lottery.id, "page": page}
    assert boss.get("/admin/lotteries/details/head/", query_string=query).status_code == 200


def test_titles_and_names_are_text_everywhere(boss: FlaskClient, cast: Cast, bot: Bot):
    lottery = an_open(bot, title=EVIL, description=EVIL, prizes=[{"name": EVIL, "quantity": 1}])
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=FIRST, first_name=EVIL))
    db.session.commit()
    enter(lottery, FIRST)
    for path in (LIST, f"{LIST}details/?id={lottery.id}", f"/admin/lottery-form/?copy={lottery.id}"):
        assert EVIL not in boss.get(path).text, path
        assert "&lt;script&gt;" in boss.get(path).text, path


def test_a_running_lottery_shows_entries_link_and_chart(boss: FlaskClient, cast: Cast, bot: Bot):
    members(cast.tenant, 1, 2)
    lottery = an_open(bot, max_entries=10)
    enter(lottery, 1, 2)
    text = page(boss, lottery)
    assert f"https://t.me/bot1?start=l_{lottery.code}" in text
    assert "<svg" in text
    assert "data-chart" in text
    assert 'max="10"' in text
    assert "M1" in text


def test_the_pace_follows_the_state(boss: FlaskClient, bot: Bot):
    def pace(lottery: Lottery) -> str:
        return boss.get(f"{LIST}details/head/?id={lottery.id}").headers["Live-Every"]

    assert (pace(a_draft(bot)), pace(an_open(bot))) == ("0", "4")


def test_closing_early_draws_it_and_is_public(boss: FlaskClient, bot: Bot):
    lottery = an_open(bot)
    press(boss, "lottery-acts/close/", lottery)
    assert fresh(lottery).state is LotteryState.DRAWING
    assert [event.kind for event in events.chain(lottery.id)] == ["opened", "closed"]


def test_cancelling_needs_a_reason(boss: FlaskClient, bot: Bot):
    lottery = an_open(bot)
    press(boss, "lottery-acts/cancel/", lottery, reason="  ")
    assert fresh(lottery).state is LotteryState.OPEN
    press(boss, "lottery-acts/cancel/", lottery, reason="Sold out")
    assert fresh(lottery).state is LotteryState.CANCELLED
    assert "Sold out" in page(boss, lottery)


def test_entrants_added_by_hand_are_flagged_and_counted(boss: FlaskClient, cast: Cast, bot: Bot):
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=FIRST, first_name="Lin", username="LinLin"))
    db.session.commit()
    lottery = an_open(bot)
    answer = press(boss, "lottery-acts/add/", lottery, people="@linlin, 7000999 nobody")
    assert answer.status_code == 303
    entries = db.session.query(LotteryEntry).filter_by(lottery_id=lottery.id).all()
    assert [(entry.telegram_id, entry.conditions) for entry in entries] == [(FIRST, "staff")]
    assert "badge-warn" in page(boss, lottery)


def test_nobody_of_another_tenant_is_added(boss: FlaskClient, cast: Cast, bot: Bot):
    members(cast.other_tenant, FIRST)
    lottery = an_open(bot)
    press(boss, "lottery-acts/add/", lottery, people=str(FIRST))
    assert lookup.entry_count(lottery.id) == 0


def test_a_refused_post_is_shown_and_tried_again(boss: FlaskClient, bot: Bot):
    lottery = an_open(bot, publish_to=["@teahouse"])
    with transaction():
        posts.queue_all(lottery)
    post = posts.list_posts(lottery.id)[0]
    with transaction():
        posts.refused(post.id, "Forbidden: bot is not a member of the channel chat")
    assert "post-again" in page(boss, lottery)
    press(boss, "lottery-acts/post-again/", lottery, post=str(post.id))
    db.session.expire_all()
    assert db.session.get(LotteryPost, post.id).error is None


def test_a_post_of_another_lottery_is_not_found(boss: FlaskClient, bot: Bot):
    one, other = an_open(bot, publish_to=["@teahouse"]), an_open(bot)
    with transaction():
        posts.queue_all(one)
    number = str(posts.list_posts(one.id)[0].id)
    assert press(boss, "lottery-acts/post-again/", other, post=number).status_code == 404


def test_winners_are_listed_and_handed_over(boss: FlaskClient, drawn: Lottery):
    assert "hand-over" in page(boss, drawn)
    press(boss, "lottery-winners/hand-over/", drawn, slot="1", note="parcel 7")
    assert winners(drawn)[0].state is WinnerState.HANDED_OVER
    assert "parcel 7" in page(boss, drawn)
    press(boss, "lottery-winners/undo/", drawn, slot="1")
    assert winners(drawn)[0].state is WinnerState.WON


def test_drawing_again_keeps_the_reason(boss: FlaskClient, drawn: Lottery):
    press(boss, "lottery-winners/redraw/", drawn, slot="1", reason="No answer for a week")
    draw(drawn)
    assert [(one.slot, one.turn, one.state) for one in winners(drawn)][:2] == [
        (1, 0, WinnerState.REPLACED),
        (1, 1, WinnerState.WON),
    ]
    assert "No answer for a week" in page(boss, drawn)


def test_a_draw_that_waits_says_so_and_goes_on_without_a_condition(boss: FlaskClient, bot: Bot):
    lottery = a_closed(bot, 2, conditions=[{"type": "channel", "chat": "@teahouse"}])
    with transaction():
        db.session.execute(
            text("UPDATE lottery_draw SET phase = 'ordered', stuck = 0, error = 'Nobody can see it.'")
        )
    assert "Nobody can see it." in page(boss, lottery)
    press(boss, "lottery-acts/drop-condition/", lottery, place="0", reason="The channel is gone")
    assert "Nobody can see it." not in page(boss, lottery)
    assert events.chain(lottery.id)[-1].kind == "condition_dropped"


def test_files_hold_no_formulas(boss: FlaskClient, cast: Cast, bot: Bot):
    db.session.add(Member(tenant_id=cast.tenant.id, telegram_id=FIRST, first_name="=1+1"))
    db.session.commit()
    lottery = an_open(bot)
    enter(lottery, FIRST)
    url = f"/admin/lottery-files/entries/?id={lottery.id}&kind="
    rows = list(csv.reader(io.StringIO(boss.get(url + "csv", buffered=True).data.decode("utf-8-sig"))))
    assert "'=1+1" in rows[1]
    book = openpyxl.load_workbook(io.BytesIO(boss.get(url + "xlsx", buffered=True).data))
    assert all(cell.data_type != "f" for row in book.active.iter_rows() for cell in row)
    assert boss.get(url + "exe").status_code == 404


def test_winners_come_as_a_file(boss: FlaskClient, drawn: Lottery):
    answer = boss.get(f"/admin/lottery-files/winners/?id={drawn.id}&kind=csv", buffered=True)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.data.decode().count("Mug") == 2


def test_support_hands_over_and_readers_look(app: Flask, cast: Cast, drawn: Lottery):
    staff, reader = sign_in(app, cast.staff), sign_in(app, cast.reader)
    assert "redraw" not in page(staff, drawn)
    assert "hand-over" not in page(reader, drawn)
    for act, data in ACTS.items():
        allowed = act in {"lottery-winners/hand-over/", "lottery-winners/undo/"}
        assert press(staff, act, drawn, **data).status_code == (303 if allowed else 403), act
        assert press(reader, act, drawn, **data).status_code == 403, act
    for who in (staff, reader):
        assert who.get(f"/admin/lottery-files/entries/?id={drawn.id}&kind=csv").status_code == 403


def test_a_stranger_reaches_no_lottery(app: Flask, cast: Cast, drawn: Lottery):
    stranger = sign_in(app, cast.stranger)
    for name in PAGES:
        assert stranger.get(f"{LIST}{name}?id={drawn.id}").status_code == 404, name
    for act, data in ACTS.items():
        assert press(stranger, act, drawn, **data).status_code == 404, act
    assert stranger.get(f"/admin/lottery-files/entries/?id={drawn.id}&kind=csv").status_code == 404
    assert "Weekend draw" not in stranger.get(LIST).text


@pytest.mark.parametrize("number", ["", "abc", "0", "1,2", "9" * 30, "-1"])
def test_what_is_no_number_of_a_lottery_is_not_found(boss: FlaskClient, number: str):
    assert boss.get(f"{LIST}details/?id={number}").status_code == 404


def test_buttons_take_no_field_more(boss: FlaskClient, bot: Bot):
    lottery = an_open(bot)
    assert press(boss, "lottery-acts/close/", lottery, state="drawn").status_code == 400
    assert fresh(lottery).state is LotteryState.OPEN


def test_every_deed_is_in_the_log_in_words(boss: FlaskClient, bot: Bot):
    lottery = an_open(bot, title="Tea draw")
    press(boss, "lottery-acts/cancel/", lottery, reason="Sold out")
    text = boss.get("/admin/audit/").text
    assert "Tea draw" in text
    assert "lottery." not in text
