"""What messages carry: text, captions, keyboards, photos and documents."""

import mimetypes

from sandbox.botapi.calls import Call
from sandbox.botapi.entities import read_text, units
from sandbox.botapi.errors import ApiError, bad_request
from sandbox.botapi.markup import inline_keyboard, reply_keyboard
from sandbox.conversations import Conversation
from sandbox.files import Stored, image_size, image_type
from sandbox.params import Params, Upload
from sandbox.shapes import Json

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LARGEST_PHOTO = 10 * 1024 * 1024
LARGEST_DOCUMENT = 50 * 1024 * 1024
PHOTO_EDGES = 10_000


def text_of(args: Params) -> Json:
    """The `text` and `entities` of a message; raises ApiError."""
    text = args.get("text", "")
    given = args.get("entities")
    entities: list[Json] = []
    if given is not None or "parse_mode" in args or "/" in text or "@" in text or "#" in text:
        text, entities = read_text(text, args.get("parse_mode", ""), given)
    if not text.strip():
        raise bad_request("message text is empty")
    if len(text) * 2 > LONGEST_TEXT and units(text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    return {"text": text, "entities": entities} if entities else {"text": text}


def caption_of(args: Params) -> Json:
    """The `caption` and `caption_entities` of a message; raises ApiError."""
    text, entities = read_text(
        args.get("caption", ""), args.get("parse_mode", ""), args.get("caption_entities")
    )
    if units(text) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    caption: Json = {"caption": text} if text else {}
    if text and entities:
        caption["caption_entities"] = entities
    return caption


def keyboard_of(args: Params) -> Json:
    """The inline keyboard for a message that is edited, as its `reply_markup`; raises ApiError."""
    keyboard = inline_keyboard(args.get("reply_markup"))
    return {"reply_markup": keyboard} if keyboard else {}


def split_markup(markup: Json | None) -> tuple[Json, Json | None, bool]:
    """Of any markup: what the message shows, the reply keyboard, and whether that keyboard changes."""
    if not markup:
        return {}, None, False
    if "inline_keyboard" in markup:
        keyboard = inline_keyboard(markup)
        return ({"reply_markup": keyboard} if keyboard else {}), None, False
    return {}, reply_keyboard(markup), True


def post(call: Call, conversation: Conversation, content: Json) -> Json:
    """Put a message of the bot into a conversation, with the keyboard and reply that the call asks for."""
    args = call.args
    shown, keyboard, changes = split_markup(args.get("reply_markup"))
    if "invoice" not in content and any("pay" in button for button in buttons_in(shown)):
        raise bad_request("BUTTON_TYPE_INVALID")
    sender = (
        {"sender_chat": conversation.chat}
        if conversation.chat["type"] == "channel"
        else {"from": call.bot.user()}
    )
    message = {**sender, "date": int(call.world.clock.now()), **content, **shown}
    reply = args.get("reply_parameters")
    if reply:
        message.update(replied_to(conversation, reply))
    if args.get("protect_content"):
        message["has_protected_content"] = True
    message = conversation.add(message)
    if changes:
        conversation.set_keyboard(keyboard)
    call.world.dirty = True
    return message


def buttons_in(shown: Json) -> list[Json]:
    """All buttons under a message."""
    return [button for row in shown.get("reply_markup", {}).get("inline_keyboard", []) for button in row]


def replied_to(conversation: Conversation, reply: Json) -> Json:
    """The answered message; raises ApiError when it is gone and the bot insists on it."""
    message = conversation.messages.get(int(reply.get("message_id", 0)))
    if message is not None:
        return {
            "reply_to_message": {key: value for key, value in message.items() if key != "reply_to_message"}
        }
    if reply.get("allow_sending_without_reply"):
        return {}
    raise bad_request("message to be replied not found")


def photo_of(call: Call, given: Upload | str) -> Json:
    """The `photo` of a message, from an upload or a known file id; raises ApiError."""
    stored = known_file(call, given, "photo")
    if stored is None:
        upload = attached(call, given)
        size = image_size(upload.data)
        if size is None or not all(size) or sum(size) > PHOTO_EDGES:
            raise bad_request("PHOTO_INVALID_DIMENSIONS" if size else "IMAGE_PROCESS_FAILED")
        refuse_large(upload, LARGEST_PHOTO)
        stored = call.world.shelf.add(
            "photo", upload.name or "photo.jpg", image_type(upload.data), upload.data, size
        )
    return {"photo": [stored.photo_size()]}


def document_of(call: Call, given: Upload | str) -> Json:
    """The `document` of a message, from an upload or a known file id; raises ApiError."""
    stored = known_file(call, given, "document")
    if stored is None:
        upload = attached(call, given)
        refuse_large(upload, LARGEST_DOCUMENT)
        kind = mimetypes.guess_type(upload.name)[0] or upload.content_type
        stored = call.world.shelf.add("document", upload.name or "file", kind, upload.data)
    return {"document": stored.document()}


def known_file(call: Call, given: Upload | str, kind: str) -> Stored | None:
    """The file with this id, or None for what has yet to be uploaded; raises ApiError.

    Files are not fetched from the Internet: a URL is refused as one that cannot be read.
    """
    if isinstance(given, Upload) or given.startswith("attach://"):
        return None
    stored = call.world.shelf.files.get(given)
    if stored is None:
        is_url = given.startswith(("http://", "https://"))
        raise bad_request(
            "failed to get HTTP URL content" if is_url else "wrong file identifier/HTTP URL specified"
        )
    if stored.kind != kind:
        raise bad_request(f"can't use file of type {stored.kind.capitalize()} as {kind.capitalize()}")
    return stored


def attached(call: Call, given: Upload | str) -> Upload:
    """An upload, also one that is named by "attach://name"; raises ApiError."""
    upload = call.raw.get(given.removeprefix("attach://")) if isinstance(given, str) else given
    if not isinstance(upload, Upload):
        raise bad_request("wrong file identifier/HTTP URL specified")
    if not upload.data:
        raise bad_request("file must be non-empty")
    return upload


def refuse_large(upload: Upload, limit: int) -> None:
    """Raise ApiError for a file above the limit."""
    if len(upload.data) > limit:
        raise ApiError(413, "Request Entity Too Large")
