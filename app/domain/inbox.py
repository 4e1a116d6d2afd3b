"""Rules of the inbox: states, limits, and which queue an update belongs to."""

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


Head = tuple[int, int]
"""What intake reads of an update: its id, and the chat whose order it keeps (0 where it has none)."""


def read_head(raw: bytes) -> Head | None:
    """The head of a raw update, or None when it is no update (junk). Never raises, whatever the bytes."""
    try:
        update = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if type(update) is not dict:
        return None
    update_id = update.get("update_id")
    # `type`, because True is an instance of int.
    if type(update_id) is not int or not 0 <= update_id < _INT64:
        return None
    return update_id, _chat_key(update)


def _chat_key(update: dict[str, object]) -> int:
    """The chat's id, else the user's: Telegram keeps both apart, we merge them so that order holds."""
    for payload in update.values():
        if type(payload) is dict:
            for holder in (payload, payload.get("message")):
                key = _id_in(holder, "chat")
                if key is not None:
                    return key
            for name in ("from", "user"):
                key = _id_in(payload, name)
                if key is not None:
                    return key
    return 0


def _id_in(holder: object, name: str) -> int | None:
    """The id of the object called `name`, where it fits into a bigint."""
    inner = holder.get(name) if type(holder) is dict else None
    found = inner.get("id") if type(inner) is dict else None
    return found if type(found) is int and -_INT64 <= found < _INT64 else None


def shard_of(bot_id: int, chat_key: int, shards: int) -> int:
    """The chat-shard of a chat, the same in every process."""
    return crc32(b"%d:%d" % (bot_id, chat_key)) % shards
