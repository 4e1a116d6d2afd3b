"""Calls to the Bot API: everything in the POST body, answers decoded. `wire` keeps the connections."""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote_plus, urlsplit

import orjson
from urllib3.filepost import encode_multipart_formdata

from app.core.settings import get_settings
from bots.telegram.errors import Unreachable
from bots.telegram.wire import BrokenAnswer, Lines, NotConnected

Json = dict[str, object]
Files = Mapping[str, tuple[str, bytes]]

_FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "laoban"}


def post(
    token: str, method: str, params: Mapping[str, object], files: Files | None = None
) -> tuple[int, Json]:
    """Calls a method and returns (HTTP status, decoded body). Redirects are not followed, nothing is repeated.

    Raises Unreachable when there is no answer, or one that the Bot API would not give.
    """
    base = get_settings().telegram_api_url
    body, headers = _encode(params, files)
    try:
        status, answer = _lines(base).post(f"{_prefix(base)}/bot{token}/{method}", headers, body)
    except (NotConnected, BrokenAnswer) as error:
        raise Unreachable(method, 0, str(error), unclear=isinstance(error, BrokenAnswer)) from None
    try:
        result = orjson.loads(answer)
    except orjson.JSONDecodeError:
        result = None
    if not isinstance(result, dict) or "ok" not in result:
        raise Unreachable(method, status, "not an answer of the Bot API", unclear=status in {200, 504})
    return status, result


@lru_cache(maxsize=4)
def _lines(base: str) -> Lines:
    settings = get_settings()
    return Lines(base, settings.telegram_connect_timeout, settings.telegram_read_timeout)


@lru_cache(maxsize=4)
def _prefix(base: str) -> str:
    return urlsplit(base).path


def _encode(params: Mapping[str, object], files: Files | None) -> tuple[bytes, dict[str, str]]:
    fields = {name: _text(value) for name, value in params.items() if value is not None}
    if not files:
        return "&".join([f"{name}={_quoted(value)}" for name, value in fields.items()]).encode(), _FORM
    body, content_type = encode_multipart_formdata({**fields, **files})
    return body, {**_FORM, "Content-Type": content_type}


@lru_cache(maxsize=2048)
def _quoted(value: str) -> str:
    """Keyboards and fixed texts come again and again; quoting them is slow."""
    return quote_plus(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return orjson.dumps(value).decode()
