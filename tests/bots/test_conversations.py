"""What people see of a bot."""

import pytest
from redis.exceptions import ConnectionError as RedisGone

from app.core.bells import Bell, ring_now
from app.core.db import db
from app.core.i18n import EN, ZH
from app.core.queue import transaction
from app.domain.members import Person
from app.models import Bot, BotMember, Member, Membership
from app.services import bot_texts, members, people
from bots import state
from tests.cast import Cast
from tests.sandbox_client import LIN, WANG, Sandbox
from tests.talking import Talk, config_of, give, make_bot, message
from tests.waiting import wait_for


def test_start_greets_by_name_and_shows_the_menu(talk: Talk):
    assert talk.say("/start")[0].startswith("Hello Lin, welcome!")
    assert talk.labels() == [
        "🛒 Shop",
        "📦 My orders",
        "🎁 Lotteries",
        "🎊 My lotteries",
        "❓ Help",
        "🌐 Language",
    ]


def test_the_menu_leads_to_help_and_back_in_one_message(talk: Talk):
    talk.say("/start")
    assert "/language" in talk.press("❓ Help")
    assert talk.press("« Menu").startswith("Hello Lin")
    assert len(talk.texts()) == 1


def test_what_the_bot_does_not_understand_leads_to_the_menu(talk: Talk):
    assert talk.say("how much is the fish") == [
        "Sorry, I did not understand that. Please choose from the menu:"
    ]
    assert "❓ Help" in talk.labels()


def test_a_person_chooses_his_language_by_buttons(talk: Talk):
    talk.say("/language")
    talk.press("中文")
    assert db.session.query(Member).one().locale == ZH
    assert talk.say("/start")[0] != "Hello Lin"
    talk.press(talk.labels()[-1])
    assert talk.press("English").startswith("Hello Lin")


def test_another_process_hears_of_the_language_and_asks_anew(talk: Talk, cast: Cast):
    talk.say("/start")
    person = Person(LIN, "Lin", "", None, "en")
    assert members.find_known(talk.config.id, person, private=True) is not None

    # Whoever rings first may find nobody listening yet.
    def heard() -> bool:
        ring_now(Bell.MEMBERS, str(LIN))
        return members.find_known(talk.config.id, person, private=True) is None

    wait_for(heard)


def test_cancel_ends_what_the_person_was_in_the_middle_of(talk: Talk):
    talk.say("/link")
    assert talk.say("/cancel") == ["All right, cancelled."]
    assert talk.say("/cancel") == ["There is nothing to cancel."]


def test_a_command_ends_a_question(talk: Talk):
    talk.say("/link")
    talk.say("/help")
    assert talk.say("ABCDEFGHIJ")[0].startswith("Sorry, I did not understand")


def _code(cast: Cast, user) -> str:
    membership = db.session.query(Membership).filter_by(user_id=user.id).one()
    with transaction():
        return people.create_link_code(membership)


@pytest.mark.parametrize("way", ["/link {}", "/start link_{}", "/link|{}"])
def test_a_boss_links_his_telegram_account_by_a_code(talk: Talk, cast: Cast, way: str):
    *before, last = way.format(_code(cast, cast.owner)).split("|")
    for line in before:
        talk.say(line)
    assert "is linked" in talk.say(last)[0]
    assert db.session.query(Membership).filter_by(user_id=cast.owner.id).one().telegram_id == LIN
    assert "not valid any more" in talk.say(last if "/" in last else f"/link {last}")[0]


def test_a_code_of_another_tenant_does_not_work(talk: Talk, cast: Cast):
    assert "not valid any more" in talk.say(f"/link {_code(cast, cast.stranger)}")[0]


def test_admin_shows_figures_to_linked_staff_only(talk: Talk, cast: Cast):
    assert "people who run this bot" in talk.say("/admin")[0]
    talk.say(f"/link {_code(cast, cast.reader)}", WANG)
    assert "people who run this bot" in talk.say("/admin", WANG)[0]
    talk.say(f"/link {_code(cast, cast.owner)}")
    figures = talk.say("/admin")[0]
    assert f"@{talk.config.username}" in figures
    assert "Members: 2" in figures


def test_the_boss_is_linked_in_his_own_tenant_only(talk: Talk, cast: Cast, telegram: Sandbox):
    talk.say(f"/link {_code(cast, cast.owner)}")
    other = Talk(telegram, *make_bot(telegram, cast.other_tenant))
    assert "people who run this bot" in other.say("/admin")[0]


def test_who_blocks_the_bot_is_marked_until_he_comes_back(talk: Talk):
    talk.say("/start")
    talk.telegram.block(talk.bot, LIN)
    talk.feed()
    assert db.session.query(BotMember).one().blocked_at is not None
    talk.telegram.unblock(talk.bot, LIN)
    talk.feed()
    db.session.expire_all()
    assert db.session.query(BotMember).one().blocked_at is None


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("/help@{}", True),
        ("/help@someone_else_bot", False),
        ("/help", True),
        ("/unknown", False),
        ("hello everybody", False),
        ("@{} hello", False),
    ],
)
def test_in_a_group_it_answers_only_commands_for_it(talk: Talk, text: str, *, answers: bool):
    group = talk.telegram.create_chat("group", "Friends", members={str(LIN): "member"})
    talk.telegram.set_member(group["id"], talk.bot["username"])
    chat = {"id": group["id"], "type": "group", "title": "Friends"}
    assert give(talk.config, message=message(text.format(talk.config.username), chat=chat)) is answers
    assert bool(talk.texts(group["id"])) is answers


def test_codes_and_figures_are_not_for_groups(talk: Talk):
    group = talk.telegram.create_chat("group", "Friends", members={str(LIN): "member"})
    talk.telegram.set_member(group["id"], talk.bot["username"])
    chat = {"id": group["id"], "type": "group", "title": "Friends"}
    for text in ("/link ABCDEFGHIJ", "/admin"):
        give(talk.config, message=message(text, chat=chat))
    assert set(talk.texts(group["id"])) == {"Please send me this in a private chat."}


def test_the_boss_texts_and_buttons_are_shown_at_once(talk: Talk):
    talk.say("/start")
    bot = db.session.get_one(Bot, talk.config.id)
    with transaction():
        bot_texts.save_text(bot, "welcome", EN, "Welcome to Lao Wang's, {{name}}!")
        bot_texts.add_item(bot, "Opening hours", "From 9 to 5.", None)
        bot_texts.add_item(bot, "Our shop", None, "https://shop.example/")
    talk.config = config_of(bot.id)
    assert talk.say("/start") == ["Welcome to Lao Wang's, Lin!"]
    assert talk.labels()[:2] == ["Opening hours", "Our shop"]
    assert talk.press("Opening hours") == "From 9 to 5."


def test_a_removed_button_of_the_boss_has_expired(talk: Talk):
    bot = db.session.get_one(Bot, talk.config.id)
    with transaction():
        bot_texts.add_item(bot, "Opening hours", "From 9 to 5.", None)
    talk.config = config_of(bot.id)
    talk.say("/start")
    with transaction():
        bot_texts.remove_item(bot, bot_texts.load(bot.id).items[0].id)
    talk.config = config_of(bot.id)
    pressed = talk.telegram.press(talk.bot, LIN, "Opening hours")
    talk.feed()
    answer = talk.telegram.wait_for_answer(talk.bot, LIN, pressed["callback_query_id"])
    assert "expired" in answer["text"]


def test_conversation_state_is_small_and_forgotten_in_time(app):
    state.save(1, 2, 3, state.Step("address", {"city": "北京"}))
    assert state.load(1, 2, 3) == state.Step("address", {"city": "北京"})
    assert state.load(2, 2, 3) is None
    with pytest.raises(ValueError, match="too large"):
        state.save(1, 2, 3, state.Step("address", {"city": "x" * 5000}))
    assert state.clear(1, 2, 3) is True


def test_without_redis_the_menu_still_comes(talk: Talk, monkeypatch: pytest.MonkeyPatch):
    def away() -> None:
        raise RedisGone("away")

    monkeypatch.setattr("bots.state.wire", away)
    monkeypatch.setattr("app.core.scripts.wire", away)
    assert talk.say("/start")[0].startswith("Hello Lin")
