"""The public page of a lottery: for everybody, in every state, and nothing in it tells who somebody is."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db
from app.core.queue import transaction
from app.domain.draw_verifier import verify
from app.http import draw_lists
from app.models import Bot, Domain, Lottery, Member
from app.services import tenants
from app.services.lotteries import manage, public, record, winners
from tests.cast import Cast, sign_in
from tests.drawing import FIRST, a_closed, draw
from tests.lottery_tools import a_bot, a_draft, an_open, enter


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def drawn(cast: Cast, bot: Bot) -> Lottery:
    """Five entrants with names of one letter and more, two mugs."""
    lottery = a_closed(bot, 5, title="Tea <b>party</b>")
    db.session.add_all(
        Member(tenant_id=cast.tenant.id, telegram_id=FIRST + n, first_name=f"{name}secretname")
        for n, name in enumerate("陈ABCD")
    )
    db.session.commit()
    draw(lottery)
    return lottery


def get(client: FlaskClient, lottery: Lottery, tail: str = "", **kwargs):
    return client.get(f"/l/{lottery.code}{tail}", **kwargs)


# --- who may see what
def test_an_open_lottery_is_there_for_strangers(client, bot: Bot):
    lottery = an_open(bot)
    page = get(client, lottery)
    assert page.status_code == 200
    assert lottery.commitment in page.text
    assert f"https://t.me/{bot.username}?start=l_{lottery.code}" in page.text
    assert lottery.seed not in page.text


def test_small_letters_do(client, bot: Bot):
    assert client.get(f"/l/{an_open(bot).code.lower()}").status_code == 200


@pytest.mark.parametrize("code", ["NOSUCHCODE", "x", "../../etc/passwd", "%00", "A" * 300])
def test_an_unknown_code_is_a_friendly_page(client, app, code: str):
    for tail in ("", ".json"):
        answer = client.get(f"/l/{code}{tail}")
        assert answer.status_code == 404
        assert "<main" in answer.text


def test_a_draft_is_not_public(client, bot: Bot):
    lottery = a_draft(bot)
    assert get(client, lottery).status_code == get(client, lottery, ".json").status_code == 404
    with transaction():
        manage.cancel(lottery.id, "changed my mind")
    assert get(client, lottery).status_code == 404


def test_a_suspended_business_has_no_pages(client, cast: Cast, bot: Bot):
    lottery = an_open(bot)
    with transaction():
        tenants.suspend(cast.tenant.id)
    assert get(client, lottery).status_code == get(client, lottery, ".json").status_code == 404


def test_the_log_names_what_happened_and_shows_the_latest(client, drawn: Lottery, monkeypatch):
    with transaction():
        winners.hand_over(drawn.id, 1)
        winners.undo_hand_over(drawn.id, 1)
    page = get(client, drawn, headers={"Accept-Language": "en"}).text
    assert "Prize 1 handed over" in page
    assert "Prize 1 not handed over after all" in page
    monkeypatch.setattr(public, "EVENTS", 2)
    fewer = get(client, drawn, headers={"Accept-Language": "en"}).text
    assert fewer.count('class="draw-hash"') == 2
    assert "These are the latest" in fewer


def test_a_stranger_who_is_signed_in_sees_it_too(app: Flask, cast: Cast, bot: Bot):
    assert get(sign_in(app, cast.stranger), an_open(bot)).status_code == 200


def test_on_a_business_own_address_there_are_only_its_own(client, cast: Cast, bot: Bot):
    lottery = an_open(bot)
    for tenant, found in ((cast.tenant, 200), (cast.other_tenant, 404)):
        assert client.get(f"/tenant/{tenant.uuid}/l/{lottery.code}").status_code == found
        with client.get(f"/tenant/{tenant.uuid}/l/{lottery.code}.json") as answer:
            assert answer.status_code == found


# --- what it says
def test_winners_are_masked(client, drawn: Lottery):
    page = get(client, drawn).text
    assert "secretname" not in page
    assert str(FIRST)[:6] not in page
    assert page.count("***") == 2
    assert "Tea &lt;b&gt;party" in page


def test_without_a_beacon_it_says_so_plainly(client, drawn: Lottery):
    assert "Seed only." in get(client, drawn, headers={"Accept-Language": "en"}).text


def test_a_redraw_shows_who_lost_the_prize_and_why(client, drawn: Lottery):
    with transaction():
        winners.redraw(drawn.id, 1, "never answered")
    draw(drawn)
    page = get(client, drawn, headers={"Accept-Language": "en"}).text
    assert "drawn again: never answered" in page
    assert "by redraw" in page


def test_a_cancelled_lottery_says_why(client, bot: Bot):
    lottery = an_open(bot)
    with transaction():
        manage.cancel(lottery.id, "the mugs broke")
    assert "the mugs broke" in get(client, lottery).text


@pytest.mark.parametrize(("asked", "lang"), [("zh-CN", "zh-CN"), ("en-GB", "en")])
def test_it_speaks_the_readers_language(client, bot: Bot, asked: str, lang: str):
    answer = get(client, an_open(bot), headers={"Accept-Language": asked})
    assert f'<html lang="{lang}"' in answer.text
    assert "Accept-Language" in answer.headers["Vary"]
    assert answer.headers["X-Robots-Tag"] == "noindex"


# --- the record
def test_the_record_checks_out(client, drawn: Lottery):
    with get(client, drawn, ".json") as answer:
        assert answer.content_length == len(answer.data)
        assert verify(json.loads(answer.data)).ok


def test_who_has_the_record_already_is_told_so(client, drawn: Lottery):
    with get(client, drawn, ".json") as first:
        tag = first.headers["ETag"]
    assert get(client, drawn, ".json", headers={"If-None-Match": tag}).status_code == 304
    with transaction():
        winners.redraw(drawn.id, 1, "never answered")
    with get(client, drawn, ".json", headers={"If-None-Match": tag}) as later:
        assert later.status_code == 200


def test_the_list_is_put_together_once_for_all_readers(client, drawn: Lottery, monkeypatch):
    made = []
    monkeypatch.setattr(record, "tail", lambda lottery, tail=record.tail: made.append(1) or tail(lottery))
    bodies = set()
    for _ in range(3):
        with get(client, drawn, ".json") as answer:
            bodies.add(answer.data)
    assert (len(bodies), len(made)) == (1, 1)


def test_a_list_that_makes_room_is_still_read_to_its_end(drawn: Lottery, bot: Bot, monkeypatch):
    other = a_closed(bot, 3)
    draw(other)
    monkeypatch.setattr(draw_lists, "MOST_BYTES", 0)
    bodies = []
    for lottery in (drawn, other):
        found = record.record(lottery)
        db.session.commit()
        opening = record.opening(found)
        bodies.append(draw_lists.body(lottery.id, lottery.tenant_id, str(found["root"]), opening))
        db.session.commit()
    assert len(draw_lists._lists) == 1
    for one in bodies:
        assert verify(json.loads(b"".join(one))).ok
        one.close()


def test_the_record_has_a_limit(client, bot: Bot):
    lottery = an_open(bot)
    answers = [get(client, lottery, ".json") for _ in range(32)]
    assert [answer.status_code for answer in answers].count(429) == 2
    for answer in answers:
        answer.close()


def test_an_open_record_does_not_tell_who_joined(client, bot: Bot):
    lottery = an_open(bot)
    enter(lottery, FIRST)
    with get(client, lottery, ".json") as answer:
        assert answer.json["entries"] == []
        assert lottery.seed not in answer.text
        assert lottery.salt not in answer.text


# --- to take home
def test_the_python_verifier_is_the_one_that_we_run(client):
    answer = client.get("/l/draw_verifier.py")
    assert "attachment" in answer.headers["Content-Disposition"]
    compile(answer.text, "draw_verifier.py", "exec")
    assert "def verify(" in answer.text


def test_the_page_to_keep_asks_nobody_for_anything(client):
    page = client.get("/l/verify.html").text
    assert "src=" not in page
    assert 'href="' not in page
    assert "import {" not in page
    assert "\nexport " not in page


def test_on_a_domain_of_its_own(client, cast: Cast, bot: Bot, app: Flask):
    lottery = an_open(bot)
    db.session.add(Domain(tenant_id=cast.other_tenant.id, host="draws.example", check_token="x", verified_at=lottery.opened_at))  # fmt: skip
    db.session.commit()
    assert client.get(f"/l/{lottery.code}", base_url="http://draws.example").status_code == 404
