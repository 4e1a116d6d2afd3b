"""The few Bot API calls that manage a bot. Sending messages is `bots/telegram/sender.py`'s business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from app.core.settings import get_settings
from app.domain.bots import ALLOWED_UPDATES, MAX_CONNECTIONS, NETWORK

MAX_ANSWER = 1024 * 1024


class TelegramFailed(Exception):
    """A call that did not succeed. `code` is Telegram's error code, or NETWORK (0) where no answer came."""

    code = NETWORK
    description = ""
    retry_after: float | None = None


class TelegramUnreachable(TelegramFailed):
    """No answer, or one that is not the Bot API's. Whether the call took effect is unknown."""

    def __init__(self, reason: str) -> None:
        self.description = reason
        super().__init__(reason)


class TelegramRefused(TelegramFailed):
    """Telegram said no."""

    def __init__(self, code: int, description: str, retry_after: float | None = None) -> None:
        self.code, self.description, self.retry_after = code, description, retry_after
        super().__init__(f"{code} {description}")


@dataclass(frozen=True)
class Me:
    """The bot that a token belongs to."""

    id: int
    username: str
    name: str


@dataclass(frozen=True)
class WebhookInfo:
    """`url` is empty where no webhook is set."""

    url: str
    pending: int
    error: str | None = None
    error_at: datetime | None = None


@dataclass(frozen=True)
class Command:
    """A line of the menu beside the input field."""

    name: str
    description: str


@dataclass(frozen=True)
class Chat:
    """A group or channel. `kind` is Telegram's type, `username` is empty for a private one, `invite` too where none is known."""

    id: int
    kind: str
    title: str
    username: str = ""
    invite: str = ""


@dataclass(frozen=True)
class ChatMember:
    """Somebody's place in a chat. `posts` = as an administrator he may post in a channel."""

    status: str
    inside: bool
    posts: bool = False


def get_me(token: str) -> Me:
    """Raises TelegramRefused (401 for an invalid token) or TelegramUnreachable, as every call here."""
    me = _object(_call(token, "getMe"))
    try:
        return Me(int(me["id"]), str(me.get("username", "")), str(me.get("first_name", "")))
    except (KeyError, TypeError, ValueError):
        raise TelegramUnreachable("the answer is not a bot") from None


def get_webhook_info(token: str) -> WebhookInfo:
    """Where Telegram delivers, what waits there, and its last complaint."""
    info = _object(_call(token, "getWebhookInfo"))
    happened = info.get("last_error_date")
    return WebhookInfo(
        url=str(info.get("url", "")),
        pending=int(info.get("pending_update_count", 0)),
        error=info.get("last_error_message"),
        error_at=datetime.fromtimestamp(happened, UTC) if isinstance(happened, int) else None,
    )


def set_webhook(token: str, url: str, secret: str) -> None:
    """Asks for deliveries to `url`; what waits is kept and delivered there."""
    _call(
        token,
        "setWebhook",
        url=url,
        secret_token=secret,
        max_connections=MAX_CONNECTIONS,
        allowed_updates=list(ALLOWED_UPDATES),
    )


def delete_webhook(token: str) -> None:
    """Ends deliveries; what waits is kept for polling."""
    _call(token, "deleteWebhook")


def set_my_commands(token: str, commands: Sequence[Command], language: str = "") -> None:
    """The menu for users of a two-letter language, or for all others."""
    lines = [{"command": command.name, "description": command.description} for command in commands]
    _call(token, "setMyCommands", commands=lines, language_code=language)


def get_chat(token: str, chat: str) -> Chat:
    """A chat by `@name` or number; TelegramRefused 400 for one that the bot can't see."""
    found = _object(_call(token, "getChat", chat_id=chat))
    try:
        return Chat(
            int(found["id"]),
            str(found.get("type", "")),
            str(found.get("title") or found.get("first_name") or ""),
            str(found.get("username", "")),
            str(found.get("invite_link", "")),
        )
    except (KeyError, TypeError, ValueError):
        raise TelegramUnreachable("the answer is not a chat") from None


def get_chat_member(token: str, chat: str, user_id: int) -> ChatMember:
    """Somebody's place in a chat; TelegramRefused 400 or 403 where the bot may not know."""
    found = _object(_call(token, "getChatMember", chat_id=chat, user_id=user_id))
    status = str(found.get("status", ""))
    inside = status in {"creator", "administrator", "member"} or (
        status == "restricted" and found.get("is_member") is True
    )
    posts = status == "creator" or (status == "administrator" and found.get("can_post_messages") is not False)
    return ChatMember(status, inside, posts)


def create_invoice_link(token: str, params: Mapping[str, object]) -> str:
    """A link that opens an invoice; `params` are those of the method."""
    found = _call(token, "createInvoiceLink", **params)
    if not isinstance(found, str):
        raise TelegramUnreachable("the answer is no link")
    return found


def refund_star_payment(token: str, user_id: int, charge_id: str) -> None:
    """Gives somebody his Stars back."""
    _call(token, "refundStarPayment", user_id=user_id, telegram_payment_charge_id=charge_id)


def get_star_transactions(token: str, offset: int, limit: int) -> list[dict[str, Any]]:
    """Movements of the bot's Stars as Telegram describes them, the oldest first."""
    found = _object(_call(token, "getStarTransactions", offset=offset, limit=limit)).get("transactions")
    if not isinstance(found, list):
        raise TelegramUnreachable("the answer has no transactions")
    return [one for one in found if isinstance(one, dict)]


@cache
def _pool() -> urllib3.PoolManager:
    settings = get_settings()
    return urllib3.PoolManager(
        maxsize=20,
        retries=False,
        timeout=urllib3.Timeout(
            connect=settings.telegram_connect_timeout, read=settings.telegram_read_timeout
        ),
    )


def _call(token: str, method: str, **params: object) -> Any:
    url = f"{get_settings().telegram_api_url}/bot{token}/{method}"
    try:
        response = _pool().request(
            "POST",
            url,
            body=orjson.dumps(params),
            headers={"Content-Type": "application/json"},
            redirect=False,
            preload_content=False,
        )
        try:
            body = response.read(MAX_ANSWER)
        finally:
            response.release_conn()
    except (HTTPError, OSError) as error:
        # The library's own text holds the address and so the token: only the kind of failure leaves this function.
        raise TelegramUnreachable(type(error).__name__) from None
    return _result(response.status, body)


def _result(status: int, body: bytes) -> Any:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        if status in {401, 404}:
            raise TelegramRefused(status, "")
        raise TelegramUnreachable(f"HTTP {status} without a Bot API answer")
    if answer.get("ok") is True:
        return answer.get("result")
    raw = answer.get("parameters")
    wait = raw.get("retry_after") if isinstance(raw, dict) else None
    code = answer.get("error_code")
    raise TelegramRefused(
        code if isinstance(code, int) else status,
        str(answer.get("description", ""))[:300],
        float(wait) if isinstance(wait, int | float) else None,
    )


def _object(result: Any) -> dict[str, Any]:
    if not isinstance(result, dict):
        raise TelegramUnreachable("the answer has no object")
    return result
