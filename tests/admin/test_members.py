"""The members page: finding Telegram users, who may look, names that want to be code, erasing one."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.models import AuditEvent, Bot, BotMember, Member
from tests.cast import Cast, sign_in
from tests.clockwork import Clockwork
from tests.inbox_tools import make_bot

LIST = "/admin/members/"
EN = {"Accept-Language": "en"}


@pytest.fixture
def owner(app: Flask, cast: Cast) -> FlaskClient:
    return sign_in(app, cast.owner)


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return make_bot(cast.tenant)


def member(home: Any, number: int, name: str, *, bot: Bot | None = None, **facts: Any) -> Member:
    """Somebody whom a tenant knows; with a bot, also his talk with it."""
    blocked, row = facts.pop("blocked", False), Member(tenant_id=home.id, telegram_id=number, first_name=name)
    for field, value in facts.items():
        setattr(row, field, value)
    db.session.add(row)
    if bot is not None:
        talk = BotMember(tenant_id=home.id, bot_id=bot.id, telegram_id=number)
        talk.blocked_at = clock.now() if blocked else None
        db.session.add(talk)
    db.session.commit()
    return row


def names(client: FlaskClient, query: str = "") -> set[str]:
    page = client.get(f"{LIST}?{query}", headers=EN)
    assert page.status_code == 200
    return set(re.findall(r"<bdi>(.*?)</bdi>", page.text))


def filtered(name: str, value: str) -> str:
    """The query for one filter."""
    place = ("language", "blocks", "bot", "seen").index(name)
    return f"flt{place}_{place}={value}"


# --- who may
def test_everybody_of_the_tenant_looks_and_a_stranger_sees_nothing(app: Flask, cast: Cast):
    row = member(cast.tenant, 1, "Wang")
    for user in (cast.owner, cast.staff, cast.reader):
        client = sign_in(app, user)
        assert names(client) == {"Wang"}
        assert client.get(f"{LIST}details/?id={row.id}").status_code == 200
    stranger = sign_in(app, cast.stranger)
    assert names(stranger) == set()
    assert stranger.get(f"{LIST}details/?id={row.id}").status_code == 404


def test_nobody_comes_in_without_signing_in(app: Flask):
    assert app.test_client().get(LIST).location.startswith("/login")


@pytest.mark.parametrize("who", ["staff", "reader"])
def test_support_and_readers_neither_export_nor_erase(app: Flask, cast: Cast, who: str):
    row, client = member(cast.tenant, 1, "Wang"), sign_in(app, getattr(cast, who))
    assert client.get(f"{LIST}export/csv/").status_code == 403
    assert client.get(f"{LIST}erase/?id={row.id}").status_code == 403
    assert client.post(f"{LIST}erase/", data={"id": row.id}).status_code == 403
    assert "/erase/" not in client.get(f"{LIST}details/?id={row.id}").text


# --- finding
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("li", {"Lily", "100%"}),
        ("王小明", {"小明 王"}),
        ("小明 王", {"小明 王"}),
        ("@lil", {"Lily"}),
        ("@ily", set()),
        ("https://t.me/LilyTea", {"Lily"}),
        ("4242424242", {"小明 王"}),
        ("42424242", set()),
        ("%", {"100%"}),
        ("_", {"100%"}),
        ("nobody", set()),
    ],
)
def test_search(owner: FlaskClient, cast: Cast, words: str, found: set[str]):
    member(cast.tenant, 4_242_424_242, "小明", last_name="王")
    member(cast.tenant, 7, "Lily", username="lilytea")
    member(cast.tenant, 8, "100%", username="li_lei")
    member(cast.other_tenant, 7, "Lily of others", username="lilytea")
    assert names(owner, f"search={quote(words)}") == found


@pytest.mark.parametrize(
    "words",
    [
        "'; DROP TABLE member--",
        "%%%%",
        "\\",
        "@",
        "https://t.me/",
        "9" * 60,
        "1 " * 50,
        "\u202e",
        "{{7*7}}",
        "é\ud83d",
    ],
)
def test_strange_words_are_answered(owner: FlaskClient, words: str):
    query = quote(words.encode("utf-8", "surrogatepass"))
    assert owner.get(f"{LIST}?search={query}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "flt0_0=xx",
        "flt1_1=2",
        "flt2_2=abc",
        "flt2_2=99999999999999999999",
        "flt2_2=-1",
        "flt3_3=8",
        "page=-1",
    ],
)
def test_strange_filters_are_answered(owner: FlaskClient, query: str):
    assert owner.get(f"{LIST}?{query}").status_code == 200


def test_filters(owner: FlaskClient, cast: Cast, bot: Bot):
    other, old = make_bot(cast.tenant, 2), clock.now() - timedelta(days=20)
    member(cast.tenant, 1, "Wang", bot=bot, language_code="zh-hans", blocked=True)
    member(cast.tenant, 2, "Ann", bot=other, language_code="de", locale="en")
    member(cast.tenant, 3, "Ivan", language_code="ru", last_seen_at=old)
    assert names(owner, filtered("language", "zh")) == {"Wang"}
    assert names(owner, filtered("language", "en")) == {"Ann"}
    assert names(owner, filtered("language", "other")) == {"Ivan"}
    assert names(owner, filtered("blocks", "1")) == {"Wang"}
    assert names(owner, filtered("blocks", "0")) == {"Ann", "Ivan"}
    assert names(owner, filtered("bot", str(other.id))) == {"Ann"}
    assert names(owner, filtered("seen", "7")) == {"Wang", "Ann"}
    assert names(owner, filtered("seen", "30")) == {"Wang", "Ann", "Ivan"}


def test_another_tenants_bot_filters_nobody_in(owner: FlaskClient, cast: Cast):
    foreign = make_bot(cast.other_tenant, 9)
    member(cast.tenant, 1, "Wang")
    member(cast.other_tenant, 1, "Stranger", bot=foreign)
    assert names(owner, filtered("bot", str(foreign.id))) == set()


def test_the_list_says_who_can_be_reached(owner: FlaskClient, cast: Cast, bot: Bot):
    member(cast.tenant, 1, "Wang", bot=bot, blocked=True)
    member(cast.tenant, 2, "Ann", bot=bot)
    member(cast.tenant, 3, "Ivan")
    page = owner.get(LIST, headers=EN).text
    assert [word in page for word in ("Blocked", "Reachable", "Groups only")] == [True, True, True]


def test_the_home_page_leads_to_todays_newcomers(owner: FlaskClient, cast: Cast, bot: Bot):
    member(cast.tenant, 1, "Wang", bot=bot)
    member(cast.tenant, 2, "Old", bot=bot, first_seen_at=clock.now() - timedelta(days=3))
    link = re.search(r'/admin/members/\?(flt[^"]+)"', owner.get("/admin/").text)
    assert link
    assert names(owner, link[1]) == {"Wang"}
    assert names(owner) == {"Wang", "Old"}


def test_without_members_the_page_shows_what_to_share(owner: FlaskClient, cast: Cast):
    assert 'href="/admin/bots/"' in owner.get(LIST).text
    bot = make_bot(cast.tenant)
    page = owner.get(LIST).text
    assert f"https://t.me/{bot.username}" in page
    assert "<svg" in page.partition("member-share")[2]


# --- names
@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "</bdi><b>x"],
)
def test_names_are_shown_as_text(owner: FlaskClient, cast: Cast, bot: Bot, name: str):
    row = member(cast.tenant, 1, name, bot=bot, username='x"onclick=1', language_code="<u>")
    for path in ("", f"details/?id={row.id}", f"erase/?id={row.id}"):
        page = owner.get(LIST + path).text
        assert not [bad for bad in ("<script>alert", "<img src=x", "</bdi><b>", "<u>", 'x"on') if bad in page]
        assert "7*7" in page or "7*7" not in name


@pytest.mark.parametrize(
    ("name", "shown"),
    [("\u202eevil\u202c", "evil"), ("\u061cx\u2066", "x"), ("\u3164", "#77"), ("\u200b ", "#77")],
)
def test_names_that_hide_or_turn_are_mended(owner: FlaskClient, cast: Cast, name: str, shown: str):
    member(cast.tenant, 77, name)
    assert names(owner) == {shown}


# --- taking the list along
def test_the_file_holds_the_own_members_and_no_formulas(owner: FlaskClient, cast: Cast, bot: Bot):
    member(cast.tenant, 1, "=cmd|' /C calc'!A0", bot=bot, username="wang_88")
    member(cast.other_tenant, 2, "Stranger")
    file = owner.get(f"{LIST}export/csv/", headers=EN).text
    assert "'=cmd" in file
    assert "wang_88" in file
    assert "Reachable" in file
    assert "Stranger" not in file
    assert db.session.scalars(select(AuditEvent.action)).all() == ["members.exported"]


# --- erasing
def test_the_owner_erases_somebody_after_a_clear_question(owner: FlaskClient, cast: Cast, bot: Bot):
    row = member(cast.tenant, 1, "Wang", bot=bot)
    number = row.id
    member(cast.other_tenant, 1, "Wang")
    assert "Wang" in owner.get(f"{LIST}erase/?id={number}").text
    assert owner.post(f"{LIST}erase/", data={"id": number}).location == LIST
    assert db.session.scalars(select(Member.tenant_id)).all() == [cast.other_tenant.id]
    assert db.session.scalar(select(func.count()).select_from(BotMember)) == 0
    assert db.session.scalars(select(AuditEvent.action)).all() == ["member.erased"]
    assert owner.post(f"{LIST}erase/", data={"id": number}).status_code == 404


def test_looking_at_the_question_erases_nobody(owner: FlaskClient, cast: Cast):
    row = member(cast.tenant, 1, "Wang")
    owner.get(f"{LIST}erase/?id={row.id}")
    assert names(owner) == {"Wang"}


def test_a_stranger_erases_nobody(app: Flask, cast: Cast):
    row, client = member(cast.tenant, 1, "Wang"), sign_in(app, cast.stranger)
    assert client.get(f"{LIST}erase/?id={row.id}").status_code == 404
    assert client.post(f"{LIST}erase/", data={"id": row.id}).status_code == 404
    assert db.session.scalar(select(func.count()).select_from(Member)) == 1


def test_erasing_asks_for_the_password_again(owner: FlaskClient, cast: Cast, time: Clockwork):
    row = member(cast.tenant, 1, "Wang")
    time.forward(minutes=16)
    assert "/verify" in owner.post(f"{LIST}erase/", data={"id": row.id}).location
    assert db.session.scalar(select(func.count()).select_from(Member)) == 1


@pytest.mark.parametrize(
    "data", [{"id": "{id}", "tenant_id": "1"}, {"id": "{id}", "telegram_id": "2"}, {}, {"id": "x"}]
)
def test_a_strange_form_erases_nobody(owner: FlaskClient, cast: Cast, data: dict[str, str]):
    row = member(cast.tenant, 1, "Wang")
    filled = {key: text.format(id=row.id) for key, text in data.items()}
    assert owner.post(f"{LIST}erase/", data=filled).status_code in {400, 404}
    assert names(owner) == {"Wang"}
