"""editMessage… and deleteMessage."""

from sandbox.botapi.access import own_message, written_by
from sandbox.botapi.calls import Call, method
from sandbox.botapi.content import caption_of, document_of, keyboard_of, photo_of, text_of
from sandbox.botapi.errors import bad_request
from sandbox.conversations import Conversation
from sandbox.params import Params
from sandbox.shapes import Json

CONTENT = (
    "text",
    "entities",
    "caption",
    "caption_entities",
    "photo",
    "document",
    "reply_markup",
    "link_preview_options",
)
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
TWO_DAYS = 48 * 3600


@method("editMessageText")
def edit_message_text(call: Call) -> Json:
    """Another text; the inline keyboard goes unless it is given again."""
    conversation, message = own_message(call, "edit")
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return replace(call, conversation, message, {**text_of(call.args), **keyboard_of(call.args)})


@method("editMessageCaption")
def edit_message_caption(call: Call) -> Json:
    """Another caption under a photo or document."""
    conversation, message = own_message(call, "edit")
    if "text" in message:
        raise bad_request("there is no caption in the message to edit")
    media: Json = {name: message[name] for name in ("photo", "document") if name in message}
    return replace(call, conversation, message, {**media, **caption_of(call.args), **keyboard_of(call.args)})


@method("editMessageReplyMarkup")
def edit_message_reply_markup(call: Call) -> Json:
    """Another inline keyboard, or none."""
    conversation, message = own_message(call, "edit")
    rest = {name: message[name] for name in CONTENT if name in message and name != "reply_markup"}
    return replace(call, conversation, message, {**rest, **keyboard_of(call.args)})


@method("editMessageMedia")
def edit_message_media(call: Call) -> Json:
    """Another photo or document with its own caption."""
    conversation, message = own_message(call, "edit")
    media = call.args["media"]
    content = media_of(call, media)
    return replace(call, conversation, message, {**content, **caption_of(media), **keyboard_of(call.args)})


def media_of(call: Call, media: Params) -> Json:
    """The photo or document of an InputMedia; raises ApiError."""
    given = media.get("media")
    if not isinstance(given, str) or not given:
        raise bad_request("media not found")
    if media.get("type") == "photo":
        return photo_of(call, given)
    if media.get("type") == "document":
        return document_of(call, given)
    raise bad_request("type must be one of photo, document (the sandbox knows no other)")


@method("deleteMessage")
def delete_message(call: Call) -> bool:
    """Take a message away: the bot's own, or anybody's in a private chat or as administrator."""
    conversation, message = own_message(call, "delete")
    kind = conversation.chat["type"]
    if kind != "private" and not written_by(call.bot, message):
        chat = call.world.get_chat(conversation.chat["id"])
        if chat.members.get(call.bot.id) not in {"administrator", "creator"}:
            raise bad_request("message can't be deleted")
    if kind != "channel" and call.world.clock.now() - message["date"] > TWO_DAYS:
        raise bad_request("message can't be deleted for everyone")
    conversation.delete(message["message_id"])
    call.world.dirty = True
    return True


def replace(call: Call, conversation: Conversation, message: Json, content: Json) -> Json:
    """Put new content in place of the old; raises ApiError when nothing changes."""
    old = {name: message[name] for name in CONTENT if name in message}
    if content == old:
        raise bad_request(NOT_MODIFIED)
    frame = {name: value for name, value in message.items() if name not in CONTENT}
    edited = {**frame, "edit_date": int(call.world.clock.now()), **content}
    conversation.change(edited)
    call.world.dirty = True
    return edited
