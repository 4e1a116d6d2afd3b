"""Sends pictures: uploaded once per bot, after that by the name that Telegram gave them."""

import re
from collections.abc import Mapping
from typing import Any

from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.bots import BotConfig
from app.services import pictures
from bots.keyboards import Keyboard
from bots.telegram.errors import Refused
from bots.telegram.sender import Call, perform

_METHOD = "sendPhoto"
_UNKNOWN_FILE = re.compile("file identifier|file_id|wrong remote file|wrong type of the file", re.IGNORECASE)


def send_photo(
    config: BotConfig,
    chat: int | str,
    picture_id: int,
    caption: str = "",
    keyboard: Keyboard | None = None,
    *,
    parse_mode: str | None = "HTML",
) -> Any:
    """Shows a picture in answer to somebody; `caption` has at most 1,024 units. Returns Telegram's message.

    Needs a scope that sees the bot's tenant, and no open transaction. Raises what `perform` raises.
    """
    params = {"chat_id": chat, "caption": caption, "parse_mode": parse_mode}
    if keyboard is not None:
        params["reply_markup"] = keyboard.to_json()
    return send(Call(config, _METHOD), params, picture_id)


def send(call: Call, params: Mapping[str, object], picture_id: int) -> Any:
    """Makes a call of sendPhoto with a picture of ours as its `photo`."""
    bot_id = call.config.id
    with transaction():
        file_id = pictures.find_file(picture_id, bot_id)
    if file_id is not None:
        try:
            return perform(call, {**params, "photo": file_id})
        except Refused as error:
            if not _UNKNOWN_FILE.search(error.description):
                raise
        with transaction():
            pictures.forget_file(picture_id, bot_id, file_id)
    return _upload(call, params, picture_id)


def _upload(call: Call, params: Mapping[str, object], picture_id: int) -> Any:
    try:
        with transaction():
            kept = pictures.read(picture_id)
    except NotFound:
        raise Refused(call.method, 400, "the picture is not there any more") from None
    answer = perform(call, params, {"photo": (kept.name, kept.data)})
    file_id = _largest(answer)
    if file_id is not None:
        with transaction():
            pictures.keep_file(picture_id, call.config.id, file_id)
    return answer


def _largest(answer: object) -> str | None:
    """The name of the largest size in Telegram's message."""
    sizes = answer.get("photo") if isinstance(answer, dict) else None
    last = sizes[-1] if isinstance(sizes, list) and sizes else None
    found = last.get("file_id") if isinstance(last, dict) else None
    return found if isinstance(found, str) else None
