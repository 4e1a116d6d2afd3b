"""The real pyTelegramBotAPI talks to the sandbox. Its sync client puts every parameter into the query string."""

import io

import pytest
import telebot
from telebot import apihelper
from telebot.apihelper import ApiTelegramException
from telebot.types import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaDocument, ReplyKeyboardMarkup

from tests.sandbox.test_messages import PIXEL
from tests.sandbox_client import LIN


@pytest.fixture
def client(sandbox, bot, monkeypatch):
    monkeypatch.setattr(apihelper, "API_URL", sandbox.url + "/bot{0}/{1}")
    # Our own sender, which other tests install for the whole process, takes other tokens than strings.
    monkeypatch.setattr(apihelper, "CUSTOM_REQUEST_SENDER", None)
    monkeypatch.setattr(apihelper, "FILE_URL", sandbox.url + "/file/bot{0}/{1}")
    yield telebot.TeleBot(bot["token"], threaded=False)
    apihelper._get_req_session(reset=True).close()
    apihelper._get_req_session(reset=True).close()


def test_a_whole_conversation(sandbox, bot, client):
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("参加抽奖", callback_data="join")]])
    client.register_message_handler(
        lambda message: client.send_message(message.chat.id, "欢迎", reply_markup=keyboard),
        commands=["start"],
    )
    client.register_callback_query_handler(
        lambda query: client.answer_callback_query(query.id, "已参加"),
        func=lambda query: query.data == "join",
    )
    sandbox.say(bot, LIN, "/start")
    client.process_new_updates(client.get_updates(timeout=1))
    assert sandbox.wait_for_text(bot, LIN, "欢迎")
    pressed = sandbox.press(bot, LIN, "参加抽奖")
    client.process_new_updates(client.get_updates(offset=client.last_update_id + 1, timeout=1))
    assert sandbox.wait_for_answer(bot, LIN, pressed["callback_query_id"])["text"] == "已参加"


def test_the_longest_chinese_text_fits_into_a_query(sandbox, client):
    assert client.send_message(LIN, "福" * 4096).text == "福" * 4096


def test_who_am_i(client):
    me = client.get_me()
    assert (me.username, me.is_bot, me.can_join_groups) == ("demo_bot", True, True)


def test_keyboards_files_edits_and_deletion(client):
    keyboard = ReplyKeyboardMarkup(resize_keyboard=True)
    keyboard.add("菜单", "帮助")
    sent = client.send_message(LIN, "<b>x</b>", parse_mode="HTML", reply_markup=keyboard)
    assert client.edit_message_text("y", LIN, sent.message_id).text == "y"
    assert client.send_photo(LIN, io.BytesIO(PIXEL), caption="pic").photo[0].width == 1
    document = client.send_document(LIN, io.BytesIO(b"report"), visible_file_name="报告.pdf")
    assert document.document.file_name == "报告.pdf"
    assert client.download_file(client.get_file(document.document.file_id).file_path) == b"report"
    media = InputMediaDocument(io.BytesIO(b"new"), caption="c")
    assert client.edit_message_media(media, LIN, document.message_id).caption == "c"
    assert client.delete_message(LIN, sent.message_id)


def test_chats_commands_and_webhook(sandbox, bot, client, receiver):
    sandbox.create_chat(
        "channel", "News", username="lin_news", members={"demo_bot": "administrator", str(LIN): "creator"}
    )
    assert client.get_chat("@lin_news").title == "News"
    assert client.get_chat_member("@lin_news", LIN).status == "creator"
    assert client.set_my_commands([telebot.types.BotCommand("help", "帮助")])
    assert client.get_my_commands()[0].command == "help"
    assert client.set_webhook(receiver.url, secret_token="abc", allowed_updates=["message"])
    assert client.get_webhook_info().allowed_updates == ["message"]
    assert client.delete_webhook()


def test_errors_arrive_as_its_exceptions(sandbox, bot, client):
    sandbox.order_error(429, retry_after=3, bot=bot, count=1)
    with pytest.raises(ApiTelegramException) as flood:
        client.send_message(LIN, "x")
    assert flood.value.error_code == 429
    assert flood.value.result_json["parameters"]["retry_after"] == 3
    sandbox.revoke(bot)
    with pytest.raises(ApiTelegramException) as gone:
        client.get_me()
    assert gone.value.error_code == 401
