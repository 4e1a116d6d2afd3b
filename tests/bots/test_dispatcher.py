"""The one door for updates: what it ignores, what it refuses, and what it wants to try again."""

import time

import orjson
import psycopg
import pytest
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy.exc import DataError, OperationalError

from app.core.db import db
from app.core.errors import LimitReached
from app.core.queue import transaction
from app.core.tenancy import current_scope
from app.models import Bot
from app.services import bot_texts
from bots import dispatcher
from bots.context import Context
from bots.dispatcher import MalformedUpdate, Postpone, handle
from tests.cast import Cast
from tests.sandbox_client import LIN, Sandbox
from tests.talking import Talk, config_of, give, make_bot, message, press

EXPIRED = "This button has expired. Please send /start."


def _broken(error: Exception):
    def handler(_: Context) -> None:
        raise error

    return handler


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch):
    """Makes the answer to anything unknown fail."""

    def order(error: Exception) -> None:
        table = dispatcher.TABLE
        changed = type(table)(
            **{name: getattr(table, name) for name in table.__slots__} | {"fallback": _broken(error)}
        )
        monkeypatch.setattr(dispatcher, "TABLE", changed)

    return order


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1, "hologram": {"anything": [1, 2]}},
        {"update_id": 1, "edited_message": {}},
        {"update_id": 1, "poll": {"broken": True}},
        {"update_id": 1},
    ],
)
def test_kinds_that_nobody_handles_are_ignored(talk: Talk, update):
    assert handle(talk.config, orjson.dumps(update)) is False


def test_unknown_fields_do_not_matter(talk: Talk):
    assert give(talk.config, message=message("/help", hologram={"a": 1}), more=[1]) is True
    assert len(talk.texts()) == 1


@pytest.mark.parametrize("payload", [{}, {"message_id": 1}, [], "text", 7, {"from": 5, "chat": 6}])
def test_a_known_kind_of_a_wrong_shape_is_an_error(talk: Talk, payload):
    with pytest.raises(MalformedUpdate):
        give(talk.config, message=payload)


@pytest.mark.parametrize(
    "more",
    [
        {"from": {"id": 5, "is_bot": True, "first_name": "Robot"}},
        {"text": None, "new_chat_title": "News"},
    ],
)
def test_bots_and_news_about_the_chat_get_no_answer(talk: Talk, more):
    payload = {name: value for name, value in (message("/start") | more).items() if value is not None}
    assert give(talk.config, message=payload) is False


def test_a_disabled_bot_is_silent(talk: Talk, cast: Cast, telegram: Sandbox):
    _, config = make_bot(telegram, cast.tenant, enabled=False)
    assert give(config, message=message("/start")) is False
    assert talk.telegram.calls(config.username) == []


def test_a_bot_whose_token_is_revoked_waits_and_calls_nobody(talk: Talk, cast: Cast, telegram: Sandbox):
    _, config = make_bot(telegram, cast.tenant, state="revoked")
    fresh = message("/start") | {"date": int(time.time())}
    with pytest.raises(Postpone):
        give(config, message=fresh)
    assert give(config, message=fresh | {"date": int(time.time()) - 90_000}) is False
    assert give(config, callback_query=press("1:menu")) is False
    assert talk.telegram.calls(config.username) == []


# Buttons that nobody drew


@pytest.mark.parametrize(
    "data",
    [
        None,
        "",
        "1",
        "1:",
        "2:menu",
        "1:nothing",
        "1:own",
        "1:own:0",
        "1:own:-1",
        "1:own:999999999999999999",
        "1:own:٣",
        "1:lang:fr",
        "1:menu:" + "x" * 57,
        "1:own:1'; drop table bot; --",
        "💥" * 16,
        "\x00" * 64,
    ],
)
def test_forged_and_stale_buttons_have_expired(talk: Talk, data):
    talk.say("/start")
    before = talk.texts()
    query = press(data)
    give(talk.config, callback_query=query)
    answers = talk.telegram.calls(talk.bot, "answerCallbackQuery")
    assert [answer["params"].get("text") for answer in answers] == [EXPIRED]
    assert talk.texts() == before


def test_a_button_of_another_bot_has_expired(talk: Talk, cast: Cast, telegram: Sandbox):
    other = Talk(telegram, *make_bot(telegram, cast.other_tenant))
    theirs = db.session.get_one(Bot, other.config.id)
    with transaction():
        bot_texts.add_item(theirs, "Secret", "the stranger's words", None)
    item = bot_texts.load(theirs.id).items[0]
    give(talk.config, callback_query=press(f"1:own:{item.id}"))
    assert talk.telegram.calls(talk.bot, "answerCallbackQuery")[0]["params"]["text"] == EXPIRED
    assert talk.texts() == []


def test_a_button_without_its_message_has_expired(talk: Talk):
    query = press("1:menu")
    del query["message"]
    give(talk.config, callback_query=query | {"inline_message_id": "abc"})
    assert talk.telegram.calls(talk.bot, "answerCallbackQuery")[0]["params"]["text"] == EXPIRED


def test_a_press_that_is_too_old_to_answer_still_works(talk: Talk):
    talk.say("/start")
    assert give(talk.config, callback_query=press("1:help")) is True
    assert talk.texts()[-1].startswith("Use the buttons")


def test_what_a_button_did_is_not_repeated_because_it_could_not_be_answered(talk: Talk):
    talk.telegram.order_error(
        429, "Too Many Requests", bot=talk.bot, method="answerCallbackQuery", retry_after=9
    )
    assert give(talk.config, callback_query=press("1:help")) is True
    assert len(talk.texts()) == 1


# What people write


@pytest.mark.parametrize(
    "payload",
    [
        "'; drop table bot; --",
        "{{7*7}}",
        "${x}",
        "=1+1",
        "{u.__class__}",
        "%(name)s",
        "A" * 64,
        "link_" + "B" * 59,
        "../../x",
    ],
)
def test_a_start_payload_is_never_more_than_text(talk: Talk, payload: str):
    give(talk.config, message=message(f"/start {payload}"))
    [answer] = talk.texts()
    assert answer.startswith(("Hello Lin, welcome!", "This code is not valid any more"))
    assert payload.removeprefix("link_") not in answer


@pytest.mark.parametrize(
    "name",
    [
        "<b>x</b>",
        "{{bot}}",
        "{name}",
        "%s",
        "a\u202eb",
        "\x00",
        "\u2066x\u2069",
        "",
        "x" * 500,
        "'; drop table bot; --",
    ],
)
def test_strange_names_are_shown_as_they_are_without_doing_harm(talk: Talk, name: str):
    given = message("/start") | {
        "from": {"id": LIN, "is_bot": False, "first_name": name, "language_code": "en"}
    }
    assert give(talk.config, message=given) is True
    shown = talk.texts()[-1]
    assert "talk" not in shown
    assert not any(sign in shown for sign in "\u202e\u2066\u2069\x00")


# What goes wrong


def test_an_error_rises_and_the_person_hears_of_it_once(talk: Talk, fail):
    fail(ZeroDivisionError("a bug"))
    raw = orjson.dumps({"update_id": 77, "message": message("hello")})
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            handle(talk.config, raw)
    assert len(talk.texts()) == 1
    assert talk.texts()[0].startswith("Sorry, something went wrong")


def test_an_error_that_is_meant_for_people_is_told_to_them(talk: Talk, fail):
    fail(LimitReached())
    assert talk.say("hello") == ["A limit has been reached. Please try again later."]


@pytest.mark.parametrize(
    "error",
    [RedisGone("away"), OperationalError("select", {}, Exception("server closed the connection"))],
)
def test_what_is_away_postpones_without_a_word(talk: Talk, fail, error: Exception):
    fail(error)
    with pytest.raises(Postpone):
        talk.say("hello")
    assert talk.texts() == []


def test_a_value_that_postgresql_cannot_hold_is_a_failed_attempt(talk: Talk, fail):
    """Postponed it would come back for ever."""
    fail(DataError("insert", {}, psycopg.DataError("PostgreSQL text fields cannot contain NUL")))
    with pytest.raises(DataError):
        talk.say("hello")


def test_without_redis_a_text_that_may_answer_a_question_waits(talk: Talk, monkeypatch: pytest.MonkeyPatch):
    def away() -> None:
        raise RedisGone("away")

    monkeypatch.setattr("bots.state.wire", away)
    with pytest.raises(Postpone):
        talk.say("hello")


def test_somebody_who_blocks_the_bot_gets_no_answer_and_that_is_all(talk: Talk):
    talk.say("/start")
    talk.telegram.order_error(
        403, "Forbidden: bot was blocked by the user", bot=talk.bot, method="sendMessage"
    )
    assert give(talk.config, message=message("/start")) is True


def test_conversations_see_their_own_tenant_only(talk: Talk, monkeypatch: pytest.MonkeyPatch, cast: Cast):
    seen = []
    monkeypatch.setattr("bots.texts.translate", lambda *_, **__: seen.append(current_scope()) or "words")
    talk.say("/start")
    assert set(seen) == {cast.tenant.id}
    assert current_scope() == "*"


def test_two_bots_in_one_process_never_call_for_each_other(talk: Talk, cast: Cast, telegram: Sandbox):
    other = Talk(telegram, *make_bot(telegram, cast.other_tenant))
    for _ in range(3):
        talk.say("/start")
        other.say("/start")
    for each in (talk, other):
        calls = [call for call in telegram.calls(each.bot) if call["method"] == "sendMessage"]
        assert len(calls) == 3
    assert config_of(other.config.id).tenant_id == cast.other_tenant.id
