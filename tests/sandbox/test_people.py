"""Buttons, groups and channels: what people do and what bots hear of it."""

import pytest

from tests.sandbox_client import LIN, WANG

BUTTONS = {"inline_keyboard": [[{"text": "Join the draw", "callback_data": "join:7"}]]}


def updates(sandbox, bot):
    return sandbox.api(bot, "getUpdates")["result"]


@pytest.fixture
def menu(sandbox, bot):
    """A message with a button."""
    return sandbox.api(bot, "sendMessage", chat_id=LIN, text="menu", reply_markup=BUTTONS)["result"]


@pytest.fixture
def channel(sandbox, bot):
    """A public channel that the bot administers and Lin belongs to."""
    members = {"demo_bot": "administrator", str(LIN): "member"}
    return sandbox.create_chat("channel", "News", username="lin_news", members=members)


@pytest.fixture
def group(sandbox, bot):
    """A group with Lin and the bot as plain members."""
    return sandbox.create_chat("supergroup", "Friends", members={"demo_bot": "member", str(LIN): "member"})


def test_a_pressed_button_arrives_and_its_answer_is_seen(sandbox, bot, menu):
    pressed = sandbox.press(bot, LIN, "Join")
    query = updates(sandbox, bot)[0]["callback_query"]
    assert (query["data"], query["message"]["message_id"], query["from"]["id"]) == (
        "join:7",
        menu["message_id"],
        LIN,
    )
    assert sandbox.api(
        bot, "answerCallbackQuery", callback_query_id=query["id"], text="You are in", show_alert=True
    )["ok"]
    answer = sandbox.wait_for_answer(bot, LIN, pressed["callback_query_id"])
    assert (answer["text"], answer["show_alert"], answer["user_id"]) == ("You are in", True, LIN)


def test_unknown_queries_cannot_be_answered(sandbox, bot):
    answer = sandbox.api(bot, "answerCallbackQuery", callback_query_id="123")
    assert (
        answer["description"]
        == "Bad Request: query is too old and response timeout expired or query ID is invalid"
    )


def test_answers_end_at_200_characters(sandbox, bot, menu):
    query = sandbox.press(bot, LIN, data="join:7")["callback_query_id"]
    assert not sandbox.api(bot, "answerCallbackQuery", callback_query_id=query, text="福" * 201)["ok"]
    assert sandbox.api(bot, "answerCallbackQuery", callback_query_id=query, text="福" * 200)["ok"]


def test_only_buttons_that_are_there_can_be_pressed(sandbox, bot, menu):
    with pytest.raises(AssertionError, match="no_such_button"):
        sandbox.press(bot, LIN, "Leave")
    with pytest.raises(AssertionError, match="no_such_button"):
        sandbox.press(bot, LIN, data="join:8")


def test_waiting_for_a_text_sees_only_what_came_after_the_mark(sandbox, bot, menu):
    said = sandbox.say(bot, LIN, "again")
    with pytest.raises(AssertionError, match=r"no message with 'menu'"):
        sandbox.wait_for_text(bot, LIN, "menu", after=said["revision"], seconds=0.1)
    sandbox.api(bot, "editMessageText", chat_id=LIN, message_id=menu["message_id"], text="menu, new")
    found = sandbox.wait_for_text(bot, LIN, "menu", after=said["revision"])
    assert found["text"] == "menu, new"


@pytest.mark.parametrize("status", ["creator", "administrator", "member", "restricted", "left", "kicked"])
def test_the_status_of_a_member(sandbox, bot, channel, status):
    sandbox.set_member("@lin_news", WANG, status)
    member = sandbox.api(bot, "getChatMember", chat_id="@lin_news", user_id=WANG)["result"]
    assert (member["status"], member["user"]["id"]) == (status, WANG)


def test_who_never_came_has_left(sandbox, bot, channel):
    sandbox.post("users", id=WANG)
    assert (
        sandbox.api(bot, "getChatMember", chat_id=channel["id"], user_id=WANG)["result"]["status"] == "left"
    )
    assert (
        sandbox.api(bot, "getChatMember", chat_id=channel["id"], user_id=1)["description"]
        == "Bad Request: user not found"
    )


def test_a_bot_that_is_no_administrator_learns_nothing_about_a_channel(sandbox, bot, channel):
    sandbox.set_member("@lin_news", "demo_bot", "member")
    asked = sandbox.api(bot, "getChatMember", chat_id="@lin_news", user_id=LIN)
    assert asked["description"] == "Bad Request: member list is inaccessible"
    sent = sandbox.api(bot, "sendMessage", chat_id="@lin_news", text="x")
    assert sent["description"] == "Bad Request: need administrator rights in the channel chat"


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ("left", "Forbidden: bot is not a member of the supergroup chat"),
        ("kicked", "Forbidden: bot was kicked from the supergroup chat"),
    ],
)
def test_a_bot_outside_cannot_write(sandbox, bot, group, status, problem):
    sandbox.set_member(group["id"], "demo_bot", status)
    assert sandbox.api(bot, "sendMessage", chat_id=group["id"], text="x")["description"] == problem


def test_in_groups_a_bot_hears_only_what_is_meant_for_it(sandbox, bot, group):
    for text in ("hello all", "/help", "/help@other_bot", "/help@demo_bot", "ask @demo_bot"):
        sandbox.say(bot, LIN, text, chat=group["id"])
    heard = [update["message"]["text"] for update in updates(sandbox, bot) if "message" in update]
    assert heard == ["/help", "/help@demo_bot", "ask @demo_bot"]


def test_an_administrator_hears_everything_and_of_members_if_it_asks(sandbox, bot, group):
    sandbox.set_member(group["id"], "demo_bot", "administrator")
    sandbox.api(bot, "getUpdates", offset=-1, allowed_updates=["message", "chat_member"])
    sandbox.set_member(group["id"], WANG, "member")
    sandbox.say(bot, WANG, "hello all", chat=group["id"])
    kinds = [next(kind for kind in update if kind != "update_id") for update in updates(sandbox, bot)]
    assert kinds[-2:] == ["chat_member", "message"]


def test_posts_in_a_channel(sandbox, bot, channel):
    sandbox.set_member("@lin_news", LIN, "creator")
    sandbox.say(bot, LIN, "big news", chat="@lin_news")
    posts = [update["channel_post"] for update in updates(sandbox, bot) if "channel_post" in update]
    assert posts[0]["sender_chat"]["username"] == "lin_news"
    sent = sandbox.api(bot, "sendMessage", chat_id="@lin_news", text="from the bot")["result"]
    assert "from" not in sent


def test_strangers_cannot_write_in_a_group(sandbox, bot, group):
    with pytest.raises(AssertionError, match="not_a_member"):
        sandbox.say(bot, WANG, "hi", chat=group["id"])


def test_commands_by_scope_and_language(sandbox, bot):
    commands = [{"command": "help", "description": "帮助"}]
    assert sandbox.api(bot, "setMyCommands", commands=commands, language_code="zh")["result"] is True
    assert sandbox.api(bot, "getMyCommands", language_code="zh")["result"] == commands
    assert sandbox.api(bot, "getMyCommands")["result"] == []
    sandbox.api(bot, "deleteMyCommands", language_code="zh")
    assert sandbox.api(bot, "getMyCommands", language_code="zh")["result"] == []
    assert not sandbox.api(bot, "setMyCommands", commands=[{"command": "Nope!", "description": "x"}])["ok"]


@pytest.mark.parametrize("username", ["bot", "no_suffix", "white space_bot", "x" * 30 + "bot", "机器人_bot"])
def test_usernames_must_be_as_botfather_wants_them(sandbox, username):
    with pytest.raises(AssertionError, match="username_"):
        sandbox.create_bot(username)


def test_a_bot_with_a_certain_token(sandbox):
    made = sandbox.create_bot("fixed_bot", token="424242:AAcertain")
    assert (made["id"], made["token"]) == (424242, "424242:AAcertain")
    assert sandbox.post("bots", username="fixed_bot", if_missing=True)["token"] == "424242:AAcertain"
    with pytest.raises(AssertionError, match="username_taken"):
        sandbox.create_bot("FIXED_bot")
    with pytest.raises(AssertionError, match="token_taken"):
        sandbox.create_bot("more_bot", token="424242:AAother")


def test_a_crowd_at_a_rate(sandbox, bot):
    result = sandbox.crowd("demo_bot", users=5, each=4, rate=200, text="n{n}")
    assert len(result["update_ids"]) == 20
    assert result["seconds"] >= 0.09
    assert len({update["message"]["from"]["id"] for update in updates(sandbox, bot)}) == 5


def test_raw_updates_go_out_as_they_came(sandbox, bot):
    payload = {"id": "q", "from": {"id": 1, "is_bot": False, "first_name": "x"}, "query": "", "offset": ""}
    (update_id,) = sandbox.inject(bot, {"inline_query": payload})
    assert updates(sandbox, bot) == [{"update_id": update_id, "inline_query": payload}]


def test_boosts_are_told_to_administrators_only(sandbox, bot, channel):
    sandbox.give_boosts("@lin_news", LIN, 2)
    found = sandbox.api(bot, "getUserChatBoosts", chat_id="@lin_news", user_id=LIN)["result"]["boosts"]
    assert len({boost["boost_id"] for boost in found}) == 2
    sandbox.give_boosts("@lin_news", LIN, 0)
    assert sandbox.api(bot, "getUserChatBoosts", chat_id="@lin_news", user_id=LIN)["result"] == {"boosts": []}
    sandbox.set_member("@lin_news", "demo_bot", "member")
    refused = sandbox.api(bot, "getUserChatBoosts", chat_id="@lin_news", user_id=LIN)
    assert "CHAT_ADMIN_REQUIRED" in refused["description"]
