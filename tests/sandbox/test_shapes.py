"""Every answer and update has the fields that the Bot API description gives it, and no others."""

import pytest
import requests

from sandbox.botapi import api
from sandbox.botapi.calls import METHODS
from sandbox.botapi.checks import EXTRACT, faults_of
from tests.sandbox.test_messages import PIXEL
from tests.sandbox_client import LIN, WANG


def check(method, answer):
    assert answer["ok"], answer
    kinds = EXTRACT["methods"][method]["returns"]
    faults = [faults_of(kind, answer["result"]) for kind in kinds]
    assert [] in faults, faults
    return answer["result"]


def test_the_extract_and_the_register_name_the_same_methods(sandbox):
    assert api.AREAS, "loading them registers the methods"
    assert {method.name for method in METHODS.values()} == set(EXTRACT["methods"])


@pytest.mark.parametrize(
    "method", ["getMe", "getMyCommands", "getUpdates", "getWebhookInfo", "logOut", "close"]
)
def test_plain_methods(sandbox, bot, method):
    sandbox.api(bot, "setMyCommands", commands=[{"command": "help", "description": "x"}])
    check(method, sandbox.api(bot, method))


def test_messages(sandbox, bot):
    said = sandbox.say(bot, LIN, "hi")["message_id"]
    markup = {
        "inline_keyboard": [[{"text": "Go", "callback_data": "go"}, {"text": "See", "url": "https://x.cn"}]]
    }
    sent = check("sendMessage", sandbox.api(
        bot, "sendMessage", chat_id=LIN, text="<b>x</b> <pre>y</pre>", parse_mode="HTML", reply_markup=markup,
        reply_parameters={"message_id": said}, protect_content=True,
    ))  # fmt: skip
    edit = {"chat_id": LIN, "message_id": sent["message_id"]}
    check("editMessageText", sandbox.api(bot, "editMessageText", text="new", **edit))
    check("editMessageReplyMarkup", sandbox.api(bot, "editMessageReplyMarkup", reply_markup=markup, **edit))
    check("deleteMessage", sandbox.api(bot, "deleteMessage", **edit))
    check("sendChatAction", sandbox.api(bot, "sendChatAction", chat_id=LIN, action="typing"))


def test_files(sandbox, bot):
    def send(method, field):
        url = f"{sandbox.url}/bot{bot['token']}/{method}"
        fields = {"chat_id": LIN, "caption": "<i>x</i>", "parse_mode": "HTML"}
        return check(
            method, requests.post(url, data=fields, files={field: ("p.png", PIXEL)}, timeout=5).json()
        )

    photo, document = send("sendPhoto", "photo"), send("sendDocument", "document")
    check("getFile", sandbox.api(bot, "getFile", file_id=document["document"]["file_id"]))
    edit = {"chat_id": LIN, "message_id": photo["message_id"]}
    check("editMessageCaption", sandbox.api(bot, "editMessageCaption", caption="y", **edit))
    media = {"type": "document", "media": document["document"]["file_id"]}
    check("editMessageMedia", sandbox.api(bot, "editMessageMedia", media=media, **edit))


def test_chats_and_members(sandbox, bot, receiver):
    chat = sandbox.create_chat("channel", "News", username="lin_news", members={"demo_bot": "administrator"})
    for where in (LIN, chat["id"], "@lin_news"):
        check("getChat", sandbox.api(bot, "getChat", chat_id=where))
    for status in ("creator", "administrator", "member", "restricted", "left", "kicked"):
        sandbox.set_member(chat["id"], WANG, status)
        check("getChatMember", sandbox.api(bot, "getChatMember", chat_id=chat["id"], user_id=WANG))
    sandbox.give_boosts("@lin_news", WANG, 2)
    boosts = check(
        "getUserChatBoosts", sandbox.api(bot, "getUserChatBoosts", chat_id="@lin_news", user_id=WANG)
    )
    assert len(boosts["boosts"]) == 2
    check("setWebhook", sandbox.api(bot, "setWebhook", url=receiver.url))
    check("getWebhookInfo", sandbox.api(bot, "getWebhookInfo"))
    check("deleteWebhook", sandbox.api(bot, "deleteWebhook"))


def test_every_kind_of_update(sandbox, bot):
    kinds = ["message", "callback_query", "my_chat_member", "chat_member", "channel_post"]
    sandbox.api(bot, "getUpdates", allowed_updates=kinds)
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="menu", reply_markup=markup)
    sandbox.say(bot, LIN, "/help me at https://x.cn")
    query = sandbox.press(bot, LIN, "Go")["callback_query_id"]
    check("answerCallbackQuery", sandbox.api(bot, "answerCallbackQuery", callback_query_id=query))
    group = sandbox.create_chat("group", "Friends", members={"demo_bot": "administrator", str(LIN): "member"})
    sandbox.post("chats/migrate", chat=group["id"])
    sandbox.create_chat(
        "channel", "News", username="lin_news", members={"demo_bot": "administrator", str(LIN): "creator"}
    )
    sandbox.say(bot, LIN, "news", chat="@lin_news")
    sandbox.set_member("@lin_news", WANG)
    sandbox.block(bot, LIN)
    found = check("getUpdates", sandbox.api(bot, "getUpdates"))
    assert {kind for update in found for kind in update} - {"update_id"} == set(kinds)
