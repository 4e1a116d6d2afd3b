"""Calls to Telegram: where they go, what they carry, and what becomes of refusals."""

import logging
import socket
import traceback
from dataclasses import replace

import pytest

from app.core.db import db
from app.core.settings import get_settings
from app.domain.bots import BotState
from app.domain.sending import split_text, utf16_length
from app.models import Bot, BotMember
from bots.keyboards import Button, Keyboard, data, read
from bots.telegram.errors import Blocked, Postpone, Refused, TokenRevoked, Unreachable
from bots.telegram.sender import Call, bot_for, perform
from tests.sandbox_client import LIN
from tests.talking import Talk


def _send(talk: Talk, text: str = "hello", **more):
    return bot_for(talk.config).send_message(LIN, text, **more)


def test_everything_is_in_the_body_and_arrives_as_written(talk: Talk):
    words = "你好, <b>world</b> & 100% + 👍\n" * 19 + "end"
    sent = _send(talk, words, reply_markup=Keyboard([[Button("好", data("menu"))]]))
    assert sent.text == words
    assert talk.labels() == ["好"]


def test_files_go_as_files(talk: Talk):
    bot_for(talk.config).send_document(LIN, ("报告.pdf", b"%PDF-1.4 data"), caption="done")
    last = talk.telegram.messages(talk.bot, LIN)[-1]
    assert last["document"]["file_name"] == "报告.pdf"
    assert last["caption"] == "done"


def test_a_text_that_is_too_long_comes_in_parts_with_the_buttons_under_the_last(talk: Talk):
    paragraph = "很长的一段话。" * 300
    _send(
        talk,
        f"{paragraph}\n\n{paragraph}\n\n{paragraph}",
        reply_markup=Keyboard([[Button("好", data("menu"))]]),
    )
    parts = talk.texts()
    assert len(parts) == 3
    assert "".join(parts).replace("\n", "") == paragraph * 3
    assert talk.labels() == ["好"]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 9000,
        "word " * 2000,
        "句子。" * 3000,
        "😀" * 5000,
        ("line\n" * 500 + "\n") * 5,
        "x" * 4096,
        "",
        "😀" * 2048,
    ],
)
def test_parts_are_short_enough_and_lose_nothing(text: str):
    parts = split_text(text)
    assert all(utf16_length(part) <= 4096 for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_texts_are_cut_at_paragraphs_before_lines_before_sentences():
    text = "First. Second.\nThird.\n\n" + "Fourth. " * 3
    assert split_text(text, 30)[0] == "First. Second.\nThird."
    assert split_text("One sentence. Another sentence here", 30) == [
        "One sentence.",
        "Another sentence here",
    ]


def test_an_edit_that_changes_nothing_is_no_error(talk: Talk):
    sent = _send(talk)
    bot = bot_for(talk.config)
    bot.edit_message_text("other", LIN, sent.message_id)
    bot.edit_message_text("other", LIN, sent.message_id)
    assert talk.texts() == ["other"]


def test_a_group_that_moved_is_followed_once(talk: Talk):
    group = talk.telegram.create_chat("group", "Friends", members={str(LIN): "member"})
    talk.telegram.set_member(group["id"], talk.bot["username"])
    moved = talk.telegram.post("chats/migrate", chat=group["id"])
    bot_for(talk.config).send_message(group["id"], "still here")
    assert talk.texts(moved["id"])[-1] == "still here"


def test_a_revoked_token_is_reported_and_not_used_again(talk: Talk):
    talk.telegram.revoke(talk.bot)
    with pytest.raises(TokenRevoked):
        _send(talk)
    db.session.expire_all()
    assert db.session.get_one(Bot, talk.config.id).state is BotState.REVOKED
    with pytest.raises(Postpone):
        _send(talk)


def test_a_new_token_may_call_at_once(talk: Talk):
    fresh = talk.telegram.revoke(talk.bot)
    with pytest.raises(TokenRevoked):
        _send(talk)
    assert bot_for(replace(talk.config, token=fresh["token"])).send_message(LIN, "again").text == "again"


def test_who_blocks_the_bot_is_marked(talk: Talk):
    talk.say("/start")
    talk.telegram.block(talk.bot, LIN)
    with pytest.raises(Blocked):
        _send(talk)
    assert db.session.query(BotMember).one().blocked_at is not None


@pytest.mark.parametrize(
    ("status", "description", "error"),
    [
        (400, "Bad Request: message text is empty", Refused),
        (400, "Bad Request: not enough rights to send text messages to the chat", Blocked),
        (404, "Not Found: method not found", Refused),
        (404, "Not Found", TokenRevoked),
        (500, "Internal Server Error", Unreachable),
        (502, "Bad Gateway", Unreachable),
    ],
)
def test_refusals_get_a_name(talk: Talk, status: int, description: str, error: type[Exception]):
    talk.telegram.order_error(status, description, bot=talk.bot, method="sendMessage")
    with pytest.raises(error):
        _send(talk)


def test_a_line_that_breaks_leaves_it_unclear(talk: Talk):
    talk.telegram.order_error(0, bot=talk.bot, method="sendMessage", count=1)
    with pytest.raises(Unreachable) as raised:
        _send(talk)
    assert raised.value.unclear


def test_an_answer_that_is_not_the_bot_api_is_unclear(talk: Talk, httpserver, monkeypatch):
    monkeypatch.setattr(get_settings(), "telegram_api_url", httpserver.url_for("").rstrip("/"))
    for body in ("<html>", "[]", "{}", '{"result": 1}'):
        httpserver.expect_oneshot_request(f"/bot{talk.config.token}/sendMessage").respond_with_data(body)
        with pytest.raises(Unreachable):
            _send(talk)


def test_redirects_are_not_followed(talk: Talk, httpserver, monkeypatch):
    monkeypatch.setattr(get_settings(), "telegram_api_url", httpserver.url_for("").rstrip("/"))
    httpserver.expect_request(f"/bot{talk.config.token}/sendMessage").respond_with_data(
        "", status=302, headers={"Location": httpserver.url_for("/elsewhere")}
    )
    with pytest.raises(Unreachable):
        _send(talk)
    assert [request.path for request, _ in httpserver.log] == [f"/bot{talk.config.token}/sendMessage"]


def test_nobody_at_home_means_that_nothing_was_sent(talk: Talk, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(get_settings(), "telegram_api_url", f"http://127.0.0.1:{port}")
    with pytest.raises(Unreachable) as raised:
        _send(talk)
    assert not raised.value.unclear


def test_the_token_shows_up_nowhere(talk: Talk, monkeypatch, caplog):
    logging.getLogger("TeleBot").setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            _send(talk)
            monkeypatch.setattr(get_settings(), "telegram_api_url", "http://127.0.0.1:9")
            with pytest.raises(Unreachable) as raised:
                _send(talk)
    finally:
        logging.getLogger("TeleBot").setLevel(logging.ERROR)
    secret = talk.config.token.split(":")[1]
    written = "".join(traceback.format_exception(raised.value)) + repr(bot_for(talk.config).token)
    assert secret not in written
    assert secret not in f"{bot_for(talk.config).token}"
    ours = [record for record in caplog.records if not record.name.startswith("urllib3")]
    assert all(secret not in record.getMessage() for record in ours)


def test_a_flood_parks_the_whole_bot(talk: Talk):
    talk.telegram.order_error(429, "Too Many Requests", bot=talk.bot, retry_after=30, count=1)
    with pytest.raises(Postpone) as raised:
        _send(talk)
    assert 30 < raised.value.seconds < 32
    before = len(talk.telegram.calls(talk.bot))
    for chat in (LIN, LIN + 1, -100):
        with pytest.raises(Postpone):
            bot_for(talk.config).send_message(chat, "more")
    with pytest.raises(Postpone):
        bot_for(talk.config).answer_callback_query("1")
    assert len(talk.telegram.calls(talk.bot)) == before


def test_a_flood_in_a_group_parks_that_group_only(talk: Talk):
    group = talk.telegram.create_chat("group", "Friends", members={str(LIN): "member"})
    talk.telegram.set_member(group["id"], talk.bot["username"])
    talk.telegram.order_error(429, "Too Many Requests", bot=talk.bot, retry_after=30, count=1)
    for _ in range(2):
        with pytest.raises(Postpone):
            bot_for(talk.config).send_message(group["id"], "hello")
    assert _send(talk).text == "hello"


def test_perform_takes_plain_parameters(talk: Talk):
    keyboard = {"inline_keyboard": [[{"text": "好", "callback_data": "1:menu"}]]}
    answer = perform(
        Call(talk.config, "sendMessage"), {"chat_id": LIN, "text": "hello", "reply_markup": keyboard}
    )
    assert isinstance(answer["message_id"], int)
    assert talk.labels() == ["好"]


def test_button_data_comes_back_as_it_went():
    assert read(data("own", 17)).id() == 17
    assert read(data("menu")).arguments == ()
    for bad in (("menu", "a" * 60), ("Menu",), ("menu", "a:b"), ("menu", "ü")):
        with pytest.raises(ValueError, match="not fit"):
            data(*bad)
