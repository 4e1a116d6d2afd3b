"""Rules of the inbox: states, limits, and which queue an update belongs to."""

from enum import StrEnum
from typing import NamedTuple, TypeGuard
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


class Head(NamedTuple):
    """What intake reads of an update: its id and the chat whose order it keeps (0 where it has none)."""

    update_id: int
    chat_key: int


def read_head(raw: bytes) -> Head | None:
    """The head of a raw update, or None when it is no update (junk). Never raises, whatever the bytes."""
    try:
        update = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if type(update) is not dict:
        return None
    update_id = update.get("update_id")
    if not _is_int(update_id) or update_id < 0:
        return None
    return Head(update_id, _chat_key(update))


def _chat_key(update: dict[str, object]) -> int:
    """The chat's id, else the user's: Telegram keeps both apart, we merge them so that order holds."""
    for payload in update.values():
        if type(payload) is dict:
            for holder in (payload, payload.get("message")):
                chat = holder.get("chat") if type(holder) is dict else None
                if type(chat) is dict and _is_int(chat.get("id")):
                    return int(chat["id"])
            for name in ("from", "user"):
                user = payload.get(name)
                if type(user) is dict and _is_int(user.get("id")):
                    return int(user["id"])
    return 0


def _is_int(value: object) -> TypeGuard[int]:
    """Whether it is a whole number that fits into a bigint; `type`, because True is an instance of int."""
    return type(value) is int and -_INT64 <= value < _INT64


def shard_of(bot_id: int, chat_key: int, shards: int) -> int:
    """The chat-shard of a chat, the same in every process."""
    return crc32(b"%d:%d" % (bot_id, chat_key)) % shards
