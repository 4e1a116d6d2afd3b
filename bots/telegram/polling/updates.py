"""What getUpdates asks and answers."""

import json
from typing import Any, Final, NamedTuple

import orjson

from app.domain.bots import ALLOWED_UPDATES, NETWORK, BotConfig
from app.domain.inbox import MAX_BYTES, read_head
from app.services.inbox.intake import Row, row_of
from bots.telegram.polling.connection import Answer

LIMIT: Final = 100
_ALLOWED: Final = json.dumps(ALLOWED_UPDATES, separators=(",", ":"))


class Failed(NamedTuple):
    """Telegram said no, or something else answered in its place."""

    code: int
    description: str
    retry_after: float | None = None


class Batch(NamedTuple):
    """The updates of one answer; `offset` confirms them, 0 where there is nothing to confirm."""

    rows: list[Row]
    junk: list[bytes]
    offset: int


def request(netloc: str, path: str, token: str, offset: int, seconds: int) -> bytes:
    """A whole HTTP request. Without an offset Telegram gives what is not confirmed yet."""
    wanted = f'"offset":{offset},' if offset else ""
    body = f'{{{wanted}"timeout":{seconds},"limit":{LIMIT},"allowed_updates":{_ALLOWED}}}'
    return (
        f"POST {path}/bot{token}/getUpdates HTTP/1.1\r\nHost: {netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def read(answer: Answer, config: BotConfig, chat_shards: int) -> Batch | Failed:
    """The updates, or why there are none."""
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        content = _lenient(answer.body)
    result = content.get("result") if isinstance(content, dict) and content.get("ok") is True else None
    if answer.status != 200 or not isinstance(result, list):
        return _failure(answer.status, content)
    rows, junk, offset = [], [], 0
    for update in result:
        raw = _dump(update)
        head = read_head(raw) if len(raw) <= MAX_BYTES else None
        if head:
            rows.append(row_of(config, head, raw, chat_shards))
        else:
            junk.append(raw)
        update_id = update.get("update_id") if isinstance(update, dict) else None
        offset = max(offset, update_id + 1) if isinstance(update_id, int) else offset
    return Batch(rows, junk, offset)


def _failure(status: int, content: Any) -> Failed:
    if not isinstance(content, dict) or content.get("ok") is not False:
        # Not the Bot API: a proxy, or a page of somebody else's. Its status says nothing about the token.
        return Failed(status if status >= 500 else NETWORK, f"unexpected answer with status {status}")
    code, more = content.get("error_code"), content.get("parameters")
    retry_after = more.get("retry_after") if isinstance(more, dict) else None
    return Failed(
        code if isinstance(code, int) else status,
        str(content.get("description", "")),
        float(retry_after) if isinstance(retry_after, int | float) else None,
    )


def _lenient(body: bytes) -> Any:
    """Half a surrogate pair is valid JSON, though not for the fast parser; one such update must not stop the bot."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _dump(update: Any) -> bytes:
    try:
        return orjson.dumps(update)
    except TypeError:
        return json.dumps(update).encode()
