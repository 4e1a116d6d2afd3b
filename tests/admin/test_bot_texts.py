"""The page on which a boss decides what his bot says."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db
from app.core.i18n import EN
from app.core.queue import transaction
from app.domain.bot_texts import MAIN_TEXTS
from app.models import Bot, BotMenuItem, BotText
from app.services import bot_texts
from tests.cast import Cast, sign_in
from tests.inbox_tools import make_bot

PAGE = "/admin/bot-texts/"
ACTS = ("save", "reset", "buttons/add", "buttons/change", "buttons/up", "buttons/remove")


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return make_bot(cast.tenant)


@pytest.fixture
def boss(app: Flask, cast: Cast, bot: Bot) -> FlaskClient:
    return sign_in(app, cast.owner)


def post(client: FlaskClient, act: str, bot: Bot, **data: str):
    path = f"{PAGE}{act}/"
    return client.post(path, data={"id": str(bot.id), "lang": EN, **data}, follow_redirects=True)


def bodies(bot: Bot) -> dict[str, str]:
    db.session.expire_all()
    return {row.key: row.body for row in db.session.query(BotText)}


def labels(bot: Bot) -> list[str]:
    db.session.expire_all()
    return [item.label for item in bot_texts.load(bot.id).items]


def test_it_shows_the_defaults_of_the_first_bot(boss: FlaskClient):
    text = boss.get(f"{PAGE}?lang=en").text
    assert "What can I do for you?" in text
    assert "{{name}}" in text


def test_a_boss_without_a_bot_is_told_to_add_one(app: Flask, cast: Cast):
    assert "/admin/bots/new/" in sign_in(app, cast.owner).get(PAGE).text


def test_only_what_differs_from_the_default_is_kept(boss: FlaskClient, bot: Bot):
    defaults = {key: main.default for key, main in MAIN_TEXTS.items()}
    post(boss, "save", bot, **defaults | {"welcome": "Hi {{name}}"})
    assert bodies(bot) == {"welcome": "Hi {{name}}"}
    assert "Hi {{name}}" in boss.get(f"{PAGE}?id={bot.id}&lang=en").text
    post(boss, "save", bot, **defaults)
    assert bodies(bot) == {}


def test_a_text_can_be_reset(boss: FlaskClient, bot: Bot):
    post(boss, "save", bot, welcome="Hi", help="Ask me")
    post(boss, "reset", bot, reset="welcome")
    assert bodies(bot) == {"help": "Ask me"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Hi {{shop}}", "{{shop}}"),
        ("{{ config }}", "{{ config }}"),
        ("x" * 5000, "4096"),
        ("x" * 900_000, "4096"),
        ("{{name}}" * 100, "20"),
    ],
)
def test_bad_texts_are_explained_at_their_field_and_nothing_is_kept(
    boss: FlaskClient, bot: Bot, body: str, said: str
):
    answer = post(boss, "save", bot, welcome=body, help="Ask me")
    assert answer.status_code == 200
    assert 'id="welcome-error"' in answer.text
    assert said in answer.text.split('id="welcome-error"')[1][:600]
    assert bodies(bot) == {}


def test_a_megabyte_is_too_large(boss: FlaskClient, bot: Bot):
    assert post(boss, "save", bot, welcome="x" * 1_100_000).status_code == 413


def test_code_in_texts_is_shown_as_text(boss: FlaskClient, bot: Bot):
    post(boss, "save", bot, welcome="<script>alert(1)</script>")
    post(boss, "buttons/add", bot, label="<img src=x onerror=alert(1)>", kind="text", reply="<b>x</b>")
    page = boss.get(f"{PAGE}?id={bot.id}&lang=en").text
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page


def test_buttons_are_added_changed_moved_and_removed(boss: FlaskClient, bot: Bot):
    post(boss, "buttons/add", bot, label="Hours", kind="text", reply="9 to 5", url="https://ignored.example")
    post(boss, "buttons/add", bot, label="Shop", kind="link", url="https://shop.example/")
    assert labels(bot) == ["Hours", "Shop"]
    first, second = bot_texts.load(bot.id).items
    assert (first.url, second.url) == (None, "https://shop.example/")
    post(boss, "buttons/up", bot, item=str(second.id))
    post(boss, "buttons/change", bot, item=str(first.id), label="Opening hours", kind="text", reply="9 to 6")
    assert labels(bot) == ["Shop", "Opening hours"]
    post(boss, "buttons/remove", bot, item=str(second.id))
    assert labels(bot) == ["Opening hours"]


@pytest.mark.parametrize(
    "data",
    [
        {"label": "", "kind": "text", "reply": "x"},
        {"label": "a", "kind": "link", "url": "http://shop.example"},
        {"label": "a", "kind": "text", "reply": ""},
        {"label": "a", "kind": "other", "reply": "x"},
        {"label": "a" * 41, "kind": "text", "reply": "x"},
    ],
)
def test_bad_buttons_are_explained(boss: FlaskClient, bot: Bot, data: dict[str, str]):
    answer = post(boss, "buttons/add", bot, **data)
    assert answer.status_code == 200
    assert "field-error" in answer.text or "note-bad" in answer.text
    assert labels(bot) == []


def test_unknown_fields_are_refused(boss: FlaskClient, bot: Bot):
    assert post(boss, "save", bot, welcome="Hi", tenant_id="2").status_code == 400


@pytest.mark.parametrize("act", ACTS)
def test_readers_look_and_change_nothing(app: Flask, cast: Cast, bot: Bot, act: str):
    client = sign_in(app, cast.reader)
    assert client.get(f"{PAGE}?id={bot.id}").status_code == 200
    assert post(client, act, bot, label="a", kind="text", reply="x", welcome="x").status_code == 403
    assert db.session.query(BotMenuItem).count() == db.session.query(BotText).count() == 0


@pytest.mark.parametrize("act", ["", *(f"{act}/" for act in ACTS)])
def test_a_stranger_finds_nothing(app: Flask, cast: Cast, bot: Bot, act: str):
    client = sign_in(app, cast.stranger)
    data = {"id": str(bot.id), "lang": EN, "reset": "welcome", "item": "1"}
    answer = client.post(PAGE + act, data=data) if act else client.get(f"{PAGE}?id={bot.id}")
    assert answer.status_code == 404


def test_a_button_of_another_bot_is_not_found(boss: FlaskClient, bot: Bot, cast: Cast):
    theirs = make_bot(cast.other_tenant, 2)
    with transaction():
        bot_texts.add_item(theirs, "a", "text", None)
    item = bot_texts.load(theirs.id).items[0]
    assert post(boss, "buttons/remove", bot, item=str(item.id)).status_code == 404
