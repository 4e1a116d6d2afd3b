"""Rules of the inbox: states, limits, and which queue an update belongs to."""

from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

import orjson

MAX_BYTES = 256 * 1024
MAX_ATTEMPTS = 5
MAX_DEATHS = 3
_INT64 = 2**63


class UpdateState(StrEnum):
    """new -> leased -> done | dead; leased -> new when its reader lets go or dies."""

    NEW = "new"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Head:
    """What intake reads of an update: its id and the chat whose order it keeps (0 where it has none)."""

    update_id: int
    chat_key: int


def read_head(raw: bytes) -> Head | None:
    """The head of a raw update, or None when it is no update (junk). Never raises, whatever the bytes."""
    try:
        update = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(update, dict):
        return None
    update_id = update.get("update_id")
    if not isinstance(update_id, int) or isinstance(update_id, bool) or not 0 <= update_id < _INT64:
        return None
    return Head(update_id, _chat_key(update))


def _chat_key(update: dict[str, object]) -> int:
    """The chat's id, else the user's: Telegram keeps both apart, we merge them so that order holds."""
    for name, payload in update.items():
        if name == "update_id" or not isinstance(payload, dict):
            continue
        message = payload.get("message")
        for holder in (payload, message if isinstance(message, dict) else {}):
            chat = holder.get("chat")
            if isinstance(chat, dict) and _is_id(chat.get("id")):
                return int(chat["id"])
        for name_of_user in ("from", "user"):
            user = payload.get(name_of_user)
            if isinstance(user, dict) and _is_id(user.get("id")):
                return int(user["id"])
    return 0


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64


def shard_of(bot_id: int, chat_key: int, shards: int) -> int:
    """The chat-shard of a chat, the same in every process."""
    return crc32(b"%d:%d" % (bot_id, chat_key)) % shards
