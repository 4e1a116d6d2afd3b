"""sendMessage, sendPhoto, sendDocument, sendChatAction and getFile."""

from sandbox.botapi.access import conversation_for
from sandbox.botapi.calls import Call, method
from sandbox.botapi.content import caption_of, document_of, photo_of, post, text_of
from sandbox.botapi.errors import bad_request
from sandbox.shapes import Json

ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
LARGEST_DOWNLOAD = 20 * 1024 * 1024


@method("sendMessage")
def send_message(call: Call) -> Json:
    """Say something."""
    conversation = conversation_for(call)
    return post(call, conversation, text_of(call.args))


@method("sendPhoto")
def send_photo(call: Call) -> Json:
    """Show a picture."""
    conversation = conversation_for(call)
    return post(call, conversation, photo_of(call, call.args["photo"]) | caption_of(call.args))


@method("sendDocument")
def send_document(call: Call) -> Json:
    """Hand over a file."""
    conversation = conversation_for(call)
    return post(call, conversation, document_of(call, call.args["document"]) | caption_of(call.args))


@method("sendChatAction")
def send_chat_action(call: Call) -> bool:
    """Show "typing" or its like for a few seconds."""
    if call.args["action"] not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    conversation_for(call).note(
        {"type": "action", "action": call.args["action"], "at": call.world.clock.now()}
    )
    return True


@method("getFile")
def get_file(call: Call) -> Json:
    """Where a file can be downloaded: /file/bot<token>/<file_path>."""
    stored = call.world.shelf.files.get(call.args["file_id"])
    if stored is None:
        raise bad_request("invalid file_id")
    if stored.size > LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": stored.file_id, "file_unique_id": stored.unique_id, "file_size": stored.size,
        "file_path": stored.path,
    }  # fmt: skip
