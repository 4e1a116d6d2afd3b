"""getChat, getChatMember and getUserChatBoosts."""

from sandbox.botapi.access import IN_CHARGE, PRESENT, chat_for, member_object
from sandbox.botapi.calls import Call, method
from sandbox.botapi.errors import bad_request, forbidden
from sandbox.models import Chat
from sandbox.shapes import Json

BOOST_LIFE = 30 * 24 * 3600
GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


@method("getChat")
def get_chat(call: Call) -> Json:
    """What a chat looks like to the bot."""
    chat_id = call.args["chat_id"]
    if isinstance(chat_id, int) and chat_id > 0:
        if chat_id not in call.bot.known_people:
            raise bad_request("chat not found")
        described = call.world.person(chat_id).chat()
    else:
        chat = chat_for(call, chat_id)
        refuse_unseen(call, chat)
        described = chat.chat()
    gifts = dict.fromkeys(GIFTS, False)
    return {**described, "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}


@method("getChatMember")
def get_chat_member(call: Call) -> Json:
    """Whether somebody belongs to a chat. Of a channel only its administrators learn that."""
    user_id, chat_id = call.args["user_id"], call.args["chat_id"]
    if isinstance(chat_id, int) and chat_id > 0:
        raise bad_request(
            "chat not found" if chat_id not in call.bot.known_people else "invalid user_id specified"
        )
    chat = chat_for(call, chat_id)
    refuse_unseen(call, chat)
    if chat.type == "channel" and chat.members.get(call.bot.id) not in IN_CHARGE:
        raise bad_request("member list is inaccessible")
    other = call.world.bots.get(user_id)
    if other is None and user_id not in call.world.people:
        raise bad_request("user not found")
    user = other.user() if other is not None else call.world.people[user_id].user()
    return member_object(user, chat.members.get(user_id, "left"))


@method("getUserChatBoosts")
def get_user_chat_boosts(call: Call) -> Json:
    """The boosts that somebody gives a chat. Only its administrators learn that."""
    user_id, chat_id = call.args["user_id"], call.args["chat_id"]
    if isinstance(chat_id, int) and chat_id > 0:
        raise bad_request("chat not found")
    chat = chat_for(call, chat_id)
    refuse_unseen(call, chat)
    if chat.members.get(call.bot.id) not in IN_CHARGE:
        raise bad_request("CHAT_ADMIN_REQUIRED")
    person = call.world.people.get(user_id)
    if person is None:
        raise bad_request("user not found")
    now = int(call.world.clock.now())
    return {
        "boosts": [
            {
                "boost_id": f"{chat.id}_{user_id}_{number}", "add_date": now, "expiration_date": now + BOOST_LIFE,
                "source": {"source": "premium", "user": person.user()},
            }
            for number in range(chat.boosts.get(user_id, 0))
        ]
    }  # fmt: skip


def refuse_unseen(call: Call, chat: Chat) -> None:
    """Raise ApiError for a chat that the bot was thrown out of, or that is private and not its own."""
    status = chat.members.get(call.bot.id, "left")
    if status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.type} chat")
    if status not in PRESENT and not chat.username:
        raise bad_request("chat not found")
