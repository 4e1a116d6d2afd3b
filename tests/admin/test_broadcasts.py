"""The pages of broadcasts: who may what, what they show, and that nothing foreign gets in."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.domain.broadcasts import Audience, AudienceKind, Button, RecipientState
from app.models import AuditEvent, Broadcast, Tenant
from app.services import broadcasts
from app.services.broadcasts import sending
from tests.broadcasting import Shop, fresh
from tests.cast import Cast, sign_in
from tests.sandbox_client import LIN, Sandbox
from tests.shopping import a_product, an_order

PAGE = "/admin/broadcasts/"
ACTS = ("test", "start", "unschedule", "pause", "resume", "cancel", "again")
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def shop(app: Flask, cast: Cast, telegram: Sandbox) -> Shop:
    return Shop.open(app, telegram, cast.tenant, 5)


@pytest.fixture
def boss(app: Flask, cast: Cast, shop: Shop) -> FlaskClient:
    return sign_in(app, cast.owner)


def entered(shop: Shop, **more: str) -> dict[str, str]:
    return {"bot_id": str(shop.config.id), "body": "Hello", "kind": "all", **more}


def only() -> Broadcast:
    db.session.rollback()
    db.session.expire_all()
    return db.session.query(Broadcast).one()


def post(client: FlaskClient, deed: str, broadcast: Broadcast, **more: str):
    return client.post(f"{PAGE}{deed}/", data={"id": str(broadcast.id), **more}, follow_redirects=True)


def download(client: FlaskClient, broadcast: Broadcast, **query: str) -> str:
    answer = client.get(f"{PAGE}results/", query_string={"id": broadcast.id, **query})
    text = answer.data.decode("utf-8-sig")
    answer.close()
    return text


def test_an_empty_list_says_what_broadcasts_are_for(boss: FlaskClient):
    assert f"{PAGE}new/" in boss.get(PAGE).text


def test_a_boss_without_a_bot_is_told_to_add_one(app: Flask, cast: Cast):
    assert "/admin/bots/new/" in sign_in(app, cast.owner).get(f"{PAGE}new/").text


def test_a_boss_writes_looks_and_sends(boss: FlaskClient, shop: Shop):
    buttons = {"buttons-0-label": "Shop", "buttons-0-url": "https://shop.example", "buttons-1-label": ""}
    page = boss.post(f"{PAGE}new/", data=entered(shop, **buttons), follow_redirects=True)
    made = only()
    assert made.buttons == [{"label": "Shop", "url": "https://shop.example"}]
    assert 'data-dialog="send-now"' in page.text
    post(boss, "start", made)
    assert only().state == "running"
    shop.send()
    page = boss.get(f"{PAGE}details/?id={made.id}").text
    assert page.count(f"/admin/broadcasts/details/?id={made.id}&amp;result=sent") >= 1
    assert "Lin" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": " "},
        {"body": "x" * 4097},
        {"kind": "everyone"},
        {"kind": "active", "days": "0"},
        {"kind": "entrants", "lottery": ""},
        {"kind": "language", "language": "xx"},
        {"buttons-0-label": "a", "buttons-0-url": "javascript:alert(1)"},
        {"bot_id": "999999"},
    ],
)
def test_what_cannot_be_sent_is_shown_again(boss: FlaskClient, shop: Shop, wrong: dict[str, str]):
    page = boss.post(f"{PAGE}new/", data=entered(shop, **wrong))
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert db.session.query(Broadcast).count() == 0


def test_a_draft_is_rewritten(boss: FlaskClient, shop: Shop):
    made = shop.broadcast("Old", Audience(AudienceKind.ACTIVE, "7"))
    page = boss.get(f"{PAGE}edit/?id={made.id}").text
    assert "Old" in page
    assert 'value="7"' in page
    boss.post(f"{PAGE}edit/?id={made.id}", data=entered(shop, body="New", kind="language", language="zh"))
    assert (only().body, only().audience) == ("New", {"kind": "language", "value": "zh"})


def test_buyers_are_reached_and_named(boss: FlaskClient, shop: Shop):
    tea = a_product(db.session.get_one(Tenant, shop.config.tenant_id), name="Green tea")
    an_order(tea, LIN, paid_at=clock.now())
    for product, words in (("", "买过东西的人"), (tea.id, "买过：Green tea")):
        assert boss.post(f"{PAGE}size/", data=entered(shop, kind="buyers", product=product)).json["size"] == 1
        boss.post(f"{PAGE}new/", data=entered(shop, kind="buyers", product=product))
        newest = db.session.query(Broadcast).order_by(Broadcast.id.desc()).first()
        assert words in boss.get(f"{PAGE}details/?id={newest.id}").text
    assert "Green tea" in boss.get(f"{PAGE}edit/?id={newest.id}").text


def test_the_form_says_how_many_it_would_be(boss: FlaskClient, shop: Shop):
    assert boss.post(f"{PAGE}size/", data=entered(shop)).json["size"] == 5
    assert boss.post(f"{PAGE}size/", data=entered(shop, kind="language", language="zh")).json["size"] == 0
    assert boss.post(f"{PAGE}size/", data=entered(shop, kind="entrants")).json["size"] == 0
    assert boss.post(f"{PAGE}size/", data=entered(shop, bot_id="999999")).json["size"] == 0


def test_a_moment_is_taken_in_the_tenants_zone(boss: FlaskClient, shop: Shop):
    made = shop.broadcast()
    tomorrow = (clock.now() + timedelta(days=1)).date()
    post(boss, "schedule", made, at=f"{tomorrow}T20:00")
    assert only().scheduled_at == datetime(tomorrow.year, tomorrow.month, tomorrow.day, 12, tzinfo=UTC)
    for wrong in ("", "soon", "2001-01-01T10:00", f"{tomorrow}T20:00+00:00"):
        post(boss, "schedule", made, at=wrong)
    assert only().scheduled_at.hour == 12
    post(boss, "unschedule", made)
    assert only().state == "draft"


def test_pause_resume_cancel(boss: FlaskClient, shop: Shop):
    made = shop.start()
    for deed, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        post(boss, deed, made)
        assert only().state == state
    assert post(boss, "resume", made).status_code == 200
    assert only().state == "cancelled"


def test_what_is_unclear_is_shown_and_sent_again(boss: FlaskClient, shop: Shop, telegram: Sandbox):
    telegram.order_error(0, bot=shop.bot, method="sendMessage", count=1)
    made = shop.start()
    shop.send()
    assert f"{PAGE}again/" in boss.get(f"{PAGE}details/live/?id={made.id}").text
    post(boss, "again", made)
    assert fresh(made).unknown == 0


def test_why_it_paused_is_said_in_words(boss: FlaskClient, shop: Shop):
    made = shop.start()
    with transaction():
        broadcasts.halt_refused(made.id, f"Bad Request: {EVIL}")
    page = boss.get(f"{PAGE}details/?id={made.id}").text
    assert "Bad Request: &lt;script&gt;" in page
    assert EVIL not in page


def test_recipients_are_filtered_and_taken_along(boss: FlaskClient, shop: Shop, telegram: Sandbox):
    telegram.block(shop.bot, LIN)
    made = shop.start()
    shop.send()
    table = boss.get(f"{PAGE}details/?id={made.id}&result=blocked").text
    assert table.count('class="main-cell"') == 1
    rows = list(csv.reader(io.StringIO(download(boss, made))))
    assert [row[0] for row in rows[1:]] == [str(LIN + number) for number in range(5)]
    assert db.session.query(AuditEvent).filter_by(action="broadcast.exported").count() == 1
    assert boss.get(f"{PAGE}details/?id={made.id}&result=odd").status_code == 404


def test_no_cell_of_the_file_is_a_formula(boss: FlaskClient, shop: Shop):
    made = shop.start()
    turn = _do(sending.take, shop.config.id)
    _do(sending.fill, turn)
    marked = _do(sending.mark, turn, LIN)
    _do(sending.write, made.id, [sending.Result(marked, RecipientState.FAILED, error="=HYPERLINK(1)")])
    assert "'=HYPERLINK(1)" in download(boss, made, result="failed")


def _do(act, *arguments):
    with transaction():
        return act(*arguments)


def test_nothing_of_a_message_becomes_markup(boss: FlaskClient, shop: Shop):
    made = shop.broadcast(EVIL, None, Button(EVIL, "https://a.example/'\"><script>"))
    for path in ("", f"details/?id={made.id}", f"edit/?id={made.id}", "live/"):
        page = boss.get(PAGE + path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "'\"><script>" not in page.text


def test_the_page_rests_when_nothing_changes_by_itself(boss: FlaskClient, shop: Shop):
    made = shop.broadcast()
    assert boss.get(f"{PAGE}details/live/?id={made.id}").headers["Live-Every"] == "0"
    _do(broadcasts.start, made.id)
    assert boss.get(f"{PAGE}details/live/?id={made.id}").headers["Live-Every"] == "2"


@pytest.mark.parametrize("who", ["reader", "staff"])
def test_who_may_only_look_sends_nothing(app: Flask, cast: Cast, shop: Shop, who: str):
    made, client = shop.broadcast(), sign_in(app, getattr(cast, who))
    assert client.get(f"{PAGE}details/?id={made.id}").status_code == 200
    assert f"{PAGE}start/" not in client.get(f"{PAGE}details/?id={made.id}").text
    for deed in ACTS:
        assert post(client, deed, made).status_code == 403
    assert client.get(f"{PAGE}new/").status_code == 403
    assert client.get(f"{PAGE}results/?id={made.id}").status_code == 403
    assert client.post(f"{PAGE}size/", data=entered(shop)).status_code == 403
    assert only().state == "draft"


def test_a_stranger_finds_nothing(app: Flask, cast: Cast, shop: Shop):
    made, client = shop.broadcast("secret"), sign_in(app, cast.stranger)
    for path in ("details/", "details/live/", "edit/", "results/"):
        assert client.get(f"{PAGE}{path}?id={made.id}").status_code == 404
    for deed in ACTS:
        assert post(client, deed, made).status_code == 404
    assert client.post(f"{PAGE}size/", data=entered(shop)).json["size"] == 0
    assert "secret" not in client.get(PAGE).text
    assert only().state == "draft"
