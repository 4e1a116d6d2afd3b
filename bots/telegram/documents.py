"""Sends files of ours: as a new message, or in place of what an earlier one shows."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.core.errors import NotFound
from app.core.queue import transaction
from app.services import files
from app.services.files import FileDamaged, Kept
from bots.telegram.errors import Refused
from bots.telegram.sender import Call, perform

_FIELD: Final = "document"
_EDIT: Final = "editMessageMedia"


def send(call: Call, params: Mapping[str, object], file_id: int) -> Any:
    """Makes a call of sendDocument or editMessageMedia with a kept file; its bytes are checked before they leave.

    Needs a scope that sees the bot's tenant, and no open transaction. Raises what `perform` raises.
    """
    kept = _read(call, file_id)
    if call.method == _EDIT:
        params = _as_media(params)
    return perform(call, params, {_FIELD: (kept.name, kept.data)})


def _read(call: Call, file_id: int) -> Kept:
    try:
        with transaction():
            return files.read(file_id)
    except NotFound:
        raise Refused(call.method, 400, "the file is not there any more") from None
    except FileDamaged:
        raise Refused(call.method, 400, "the file is damaged") from None


def _as_media(params: Mapping[str, object]) -> dict[str, object]:
    """Where a message is edited, the caption belongs to the file."""
    media: dict[str, object] = {"type": _FIELD, "media": f"attach://{_FIELD}"}
    media |= {name: params[name] for name in ("caption", "parse_mode") if name in params}
    rest = {name: value for name, value in params.items() if name not in {"caption", "parse_mode"}}
    return {**rest, "media": orjson.dumps(media).decode()}
