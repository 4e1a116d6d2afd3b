"""Sending, editing and deleting: what is allowed and what the real server says otherwise."""

import pytest
import requests

from tests.sandbox_client import LIN, WANG, Json, Sandbox

BUTTONS = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
    "18dd8db00000000049454e44ae426082"
)


def refusal(answer: Json) -> str:
    assert answer["ok"] is False
    return f"{answer['error_code']} {answer['description'].partition(': ')[2]}"


def send(sandbox: Sandbox, bot: Json, text: str = "hello", **more) -> Json:
    return sandbox.api(bot, "sendMessage", chat_id=more.pop("chat_id", LIN), text=text, **more)


def upload(sandbox: Sandbox, bot: Json, method: str, files: Json, **fields) -> Json:
    return requests.post(
        f"{sandbox.url}/bot{bot['token']}/{method}", data=fields, files=files, timeout=10
    ).json()


def test_a_sent_message_comes_back_and_stands_in_the_chat(sandbox, bot):
    message = send(sandbox, bot, "welcome", reply_markup=BUTTONS)["result"]
    assert message["text"] == "welcome"
    assert message["from"]["username"] == "demo_bot"
    assert message["reply_markup"] == BUTTONS
    assert sandbox.messages(bot, LIN)[-1] == message


def test_private_chats_of_one_bot_share_their_message_ids(sandbox, bot):
    sandbox.say(bot, WANG, "/start")
    first, second = send(sandbox, bot)["result"], send(sandbox, bot, chat_id=WANG)["result"]
    assert second["message_id"] == first["message_id"] + 1


@pytest.mark.parametrize("text", ["x" * 4096, "福" * 4096, "🎁" * 2048])
def test_4096_units_fit(sandbox, bot, text):
    assert send(sandbox, bot, text)["ok"]


@pytest.mark.parametrize("text", ["x" * 4097, "福" * 4097, "🎁" * 2049])
def test_4097_units_do_not_fit(sandbox, bot, text):
    assert refusal(send(sandbox, bot, text)) == "400 message is too long"


def test_markup_does_not_count(sandbox, bot):
    answer = send(sandbox, bot, f"<b>{'x' * 4096}</b>", parse_mode="HTML")
    assert answer["result"]["entities"] == [{"offset": 0, "length": 4096, "type": "bold"}]


def test_html_becomes_text_and_entities_counted_in_utf16(sandbox, bot):
    answer = send(
        sandbox,
        bot,
        '🎁 <b>中&lt;<i>奖</i></b> <a href="https://x.cn/?a=1&amp;b=2">go</a> <code>/no</code>',
        parse_mode="HTML",
    )
    message = answer["result"]
    assert message["text"] == "🎁 中<奖 go /no"
    assert message["entities"] == [
        {"offset": 3, "length": 3, "type": "bold"},
        {"offset": 5, "length": 1, "type": "italic"},
        {"offset": 7, "length": 2, "type": "text_link", "url": "https://x.cn/?a=1&b=2"},
        {"offset": 10, "length": 3, "type": "code"},
    ]


def test_links_commands_and_mentions_are_found(sandbox, bot):
    message = send(sandbox, bot, "see https://x.cn/a, /help or @lin_bot #draw")["result"]
    assert [entity["type"] for entity in message["entities"]] == ["url", "bot_command", "mention", "hashtag"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("福<table>", 'Unsupported start tag "table" at byte offset 3'),
        ("1 < 2", 'Unsupported start tag "2" at byte offset 2'),
    ],
)
def test_bad_html_is_refused(sandbox, bot, text, problem):
    assert refusal(send(sandbox, bot, text, parse_mode="HTML")) == f"400 can't parse entities: {problem}"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"text": "x"}, "400 chat_id is empty"),
        ({"chat_id": LIN}, "400 message text is empty"),
        ({"chat_id": LIN, "text": " \n"}, "400 message text is empty"),
        ({"chat_id": 987654321, "text": "x"}, "400 chat not found"),
        ({"chat_id": "@nowhere", "text": "x"}, "400 chat not found"),
        (
            {"chat_id": LIN, "text": "x", "reply_markup": "{"},
            "400 can't parse reply keyboard markup JSON object",
        ),
        ({"chat_id": LIN, "text": "x", "reply_markup": []}, "400 object expected as reply markup"),
        (
            {"chat_id": LIN, "text": "x", "disable_notification": "maybe"},
            "400 parameter disable_notification must be a Boolean",
        ),
        (
            {"chat_id": LIN, "text": "x", "reply_parameters": {"message_id": 999}},
            "400 message to be replied not found",
        ),
    ],
)
def test_wrong_parameters_are_refused(sandbox, bot, fields, problem):
    assert refusal(sandbox.api(bot, "sendMessage", **fields)) == problem


@pytest.mark.parametrize(
    ("button", "problem"),
    [
        ({"text": "x", "callback_data": "a" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": "福" * 22}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "x"}, "Text buttons are unallowed in the inline keyboard"),
        ({"text": "", "callback_data": "a"}, "Text buttons are unallowed in the inline keyboard"),
        (
            {"text": "x", "url": "javascript:1"},
            "inline keyboard button URL 'javascript:1' is invalid: Wrong HTTP URL",
        ),
    ],
)
def test_bad_buttons_are_refused(sandbox, bot, button, problem):
    markup = {"inline_keyboard": [[button]]}
    assert problem in refusal(send(sandbox, bot, reply_markup=markup))


def test_64_bytes_of_callback_data_fit(sandbox, bot):
    markup = {"inline_keyboard": [[{"text": "x", "callback_data": "福" * 21 + "a"}]]}
    assert send(sandbox, bot, reply_markup=markup)["ok"]


def test_a_reply_keyboard_is_shown_and_taken_away(sandbox, bot):
    send(sandbox, bot, reply_markup={"keyboard": [["Menu", {"text": "Help"}]], "resize_keyboard": True})
    assert sandbox.get("messages", bot="demo_bot", chat=LIN)["keyboard"]["keyboard"] == [
        [{"text": "Menu"}, {"text": "Help"}]
    ]
    send(sandbox, bot, reply_markup={"remove_keyboard": True})
    assert sandbox.get("messages", bot="demo_bot", chat=LIN)["keyboard"] is None


def test_editing_changes_the_message_and_drops_its_keyboard(sandbox, bot):
    sent = send(sandbox, bot, "one", reply_markup=BUTTONS)["result"]
    edited = sandbox.api(bot, "editMessageText", chat_id=LIN, message_id=sent["message_id"], text="two")[
        "result"
    ]
    assert edited["text"] == "two"
    assert "reply_markup" not in edited
    assert edited["edit_date"] >= sent["date"]
    assert sandbox.texts(bot, LIN) == ["two"]


def test_an_edit_that_changes_nothing_is_refused(sandbox, bot):
    sent = send(sandbox, bot, "same", reply_markup=BUTTONS)["result"]
    again = {"chat_id": LIN, "message_id": sent["message_id"], "reply_markup": BUTTONS}
    assert refusal(sandbox.api(bot, "editMessageText", text="same", **again)).startswith(
        "400 message is not modified"
    )
    assert refusal(sandbox.api(bot, "editMessageReplyMarkup", **again)).startswith(
        "400 message is not modified"
    )
    assert sandbox.api(bot, "editMessageReplyMarkup", chat_id=LIN, message_id=sent["message_id"])["ok"]


def test_only_own_and_existing_messages_can_be_edited(sandbox, bot):
    said = sandbox.say(bot, LIN, "mine")["message_id"]
    edit = {"chat_id": LIN, "text": "x"}
    assert (
        refusal(sandbox.api(bot, "editMessageText", message_id=said, **edit)) == "400 message can't be edited"
    )
    assert (
        refusal(sandbox.api(bot, "editMessageText", message_id=9999, **edit))
        == "400 message to edit not found"
    )


def test_deleting(sandbox, bot):
    sent = send(sandbox, bot)["result"]["message_id"]
    assert sandbox.api(bot, "deleteMessage", chat_id=LIN, message_id=sent)["result"] is True
    answer = sandbox.api(bot, "deleteMessage", chat_id=LIN, message_id=sent)
    assert refusal(answer) == "400 message to delete not found"


def test_old_messages_cannot_be_deleted(sandbox, bot):
    sent = send(sandbox, bot)["result"]["message_id"]
    sandbox.post("clock", seconds=49 * 3600)
    answer = sandbox.api(bot, "deleteMessage", chat_id=LIN, message_id=sent)
    assert refusal(answer) == "400 message can't be deleted for everyone"


def test_a_document_can_be_sent_named_in_chinese_and_downloaded(sandbox, bot):
    answer = upload(
        sandbox,
        bot,
        "sendDocument",
        {"document": ("八字报告.pdf", b"%PDF-1.7 ...", "application/pdf")},
        chat_id=LIN,
        caption="报告",
    )
    document = answer["result"]["document"]
    assert (document["file_name"], document["file_size"], answer["result"]["caption"]) == (
        "八字报告.pdf",
        12,
        "报告",
    )
    path = sandbox.api(bot, "getFile", file_id=document["file_id"])["result"]["file_path"]
    assert requests.get(f"{sandbox.url}/file/bot{bot['token']}/{path}", timeout=5).content == b"%PDF-1.7 ..."
    page = requests.get(f"{sandbox.url}/media/{document['file_id']}", timeout=5)
    assert page.headers["Content-Disposition"].startswith("inline")


def test_a_photo_has_its_size_and_can_be_sent_again_by_id(sandbox, bot):
    first = upload(sandbox, bot, "sendPhoto", {"photo": ("p.png", PIXEL)}, chat_id=LIN)["result"]["photo"][0]
    assert (first["width"], first["height"]) == (1, 1)
    again = sandbox.api(bot, "sendPhoto", chat_id=LIN, photo=first["file_id"])["result"]["photo"][0]
    assert again == first
    wrong = sandbox.api(bot, "sendDocument", chat_id=LIN, document=first["file_id"])
    assert refusal(wrong) == "400 can't use file of type Photo as Document"


def test_what_is_no_picture_is_no_photo(sandbox, bot):
    assert (
        refusal(upload(sandbox, bot, "sendPhoto", {"photo": ("p.png", b"text")}, chat_id=LIN))
        == "400 IMAGE_PROCESS_FAILED"
    )


def test_captions_end_at_1024(sandbox, bot):
    file = {"document": ("a.txt", b"a")}
    assert upload(sandbox, bot, "sendDocument", file, chat_id=LIN, caption="福" * 1024)["ok"]
    long = upload(sandbox, bot, "sendDocument", file, chat_id=LIN, caption="福" * 1025)
    assert refusal(long) == "400 message caption is too long"


def test_captions_and_media_can_be_edited(sandbox, bot):
    sent = upload(sandbox, bot, "sendDocument", {"document": ("a.txt", b"a")}, chat_id=LIN)["result"]
    where = {"chat_id": LIN, "message_id": sent["message_id"]}
    assert sandbox.api(bot, "editMessageCaption", caption="new", **where)["result"]["caption"] == "new"
    assert (
        refusal(sandbox.api(bot, "editMessageText", text="x", **where))
        == "400 there is no text in the message to edit"
    )
    media = '{"type":"photo","media":"attach://pixel","caption":"now a picture"}'
    edited = upload(sandbox, bot, "editMessageMedia", {"pixel": ("p.png", PIXEL)}, media=media, **where)[
        "result"
    ]
    assert "document" not in edited
    assert edited["photo"][0]["width"] == 1


def test_chat_actions_are_known_ones(sandbox, bot):
    assert sandbox.api(bot, "sendChatAction", chat_id=LIN, action="typing")["result"] is True
    assert not sandbox.api(bot, "sendChatAction", chat_id=LIN, action="dancing")["ok"]


def test_replies_show_what_they_answer(sandbox, bot):
    said = sandbox.say(bot, LIN, "how much?")["message_id"]
    reply = send(sandbox, bot, "19.90", reply_parameters={"message_id": said})["result"]
    assert reply["reply_to_message"]["text"] == "how much?"
