"""Where a bot may write: the chat that a call means, or the refusal of the real server."""

from sandbox.botapi.calls import Call
from sandbox.botapi.errors import ApiError, bad_request, forbidden
from sandbox.conversations import Conversation
from sandbox.models import Bot, Chat
from sandbox.shapes import Json

PRESENT = frozenset({"creator", "administrator", "member", "restricted"})
IN_CHARGE = frozenset({"creator", "administrator"})


def conversation_for(call: Call) -> Conversation:
    """The conversation to write to; raises ApiError."""
    chat_id = call.args["chat_id"]
    if isinstance(chat_id, int) and chat_id > 0:
        return private_for(call, chat_id)
    chat = chat_for(call, chat_id)
    refuse_outsider(call.bot, chat)
    return call.world.shared_conversation(chat)


def private_for(call: Call, person_id: int) -> Conversation:
    """The private chat with somebody who has started the bot and not blocked it."""
    world, bot = call.world, call.bot
    if person_id not in bot.known_people:
        if person_id in world.bots:
            raise forbidden("bot can't send messages to bots")
        raise bad_request("chat not found")
    person = world.person(person_id)
    if person.deactivated:
        raise forbidden("user is deactivated")
    if person_id in bot.blocked_by:
        raise forbidden("bot was blocked by the user")
    return world.private_conversation(bot, person)


def chat_for(call: Call, chat_id: int | str) -> Chat:
    """The group, supergroup or channel; raises ApiError when there is none or it has moved."""
    chat = call.world.find_chat(chat_id)
    if chat is None:
        raise bad_request("chat not found")
    if chat.migrated_to:
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, text, migrate_to_chat_id=chat.migrated_to)
    return chat


def refuse_outsider(bot: Bot, chat: Chat) -> None:
    """Raise ApiError unless the bot may write there."""
    status = chat.members.get(bot.id, "left")
    if status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.type} chat")
    if status not in PRESENT:
        if chat.type == "channel" and not chat.username:
            raise bad_request("chat not found")
        raise forbidden(f"bot is not a member of the {chat.type} chat")
    if chat.type == "channel" and status not in IN_CHARGE:
        raise bad_request("need administrator rights in the channel chat")


def own_message(call: Call, what: str) -> tuple[Conversation, Json]:
    """The conversation and message that a call wants to edit or delete; raises ApiError.

    `what` is the word for the error, "edit" or "delete".
    """
    if "inline_message_id" in call.args:
        raise bad_request("MESSAGE_ID_INVALID")
    if "chat_id" not in call.args:
        raise bad_request("chat_id is empty")
    if "message_id" not in call.args:
        raise bad_request("message identifier is not specified")
    conversation = conversation_for(call)
    message = conversation.messages.get(call.args["message_id"])
    if message is None:
        raise bad_request(f"message to {what} not found")
    if what == "edit" and not written_by(call.bot, message):
        raise bad_request("message can't be edited")
    return conversation, message


def written_by(bot: Bot, message: Json) -> bool:
    """Whether the bot wrote it; in channels any administrator may edit."""
    return bool(message.get("from", {}).get("id") == bot.id or "sender_chat" in message)


def member_object(user: Json, status: str) -> Json:
    """A ChatMember object of this status, with every right that it may carry."""
    member: Json = {"user": user, "status": status}
    if status == "creator":
        member["is_anonymous"] = False
    elif status == "administrator":
        member.update(dict.fromkeys(ADMIN_RIGHTS, True), can_be_edited=False, is_anonymous=False)
    elif status == "restricted":
        member.update(dict.fromkeys(MEMBER_RIGHTS, False), is_member=True, until_date=0)
    elif status == "kicked":
        member["until_date"] = 0
    return member


ADMIN_RIGHTS = (
    "can_manage_chat", "can_change_info", "can_post_messages", "can_edit_messages", "can_delete_messages",
    "can_invite_users", "can_restrict_members", "can_promote_members", "can_manage_video_chats", "can_post_stories",
    "can_edit_stories", "can_delete_stories",
)  # fmt: skip
MEMBER_RIGHTS = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_change_info", "can_invite_users",
    "can_pin_messages", "can_manage_topics",
)  # fmt: skip
