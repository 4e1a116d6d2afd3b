"""Rules about bots: the shape of a token, modes and states."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit

TOKEN = re.compile(r"[1-9][0-9]{5,15}:[A-Za-z0-9_-]{30,64}", re.ASCII)
_INSIDE = re.compile(rf"(?<![A-Za-z0-9_:-]){TOKEN.pattern}(?![A-Za-z0-9_:-])", re.ASCII)
ALLOWED_UPDATES: Final = (
    "message",
    "edited_message",
    "callback_query",
    "inline_query",
    "chosen_inline_result",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "pre_checkout_query",
)
"""What we ask Telegram for, polled or pushed; chat_member only comes when it is named."""
MAX_CONNECTIONS: Final = 40
SECRET_GRACE: Final = 600.0
"""Seconds for which the secret before the present one is still accepted."""


class Mode(StrEnum):
    """How updates reach us."""

    POLLING = "polling"
    WEBHOOK = "webhook"


class BotState(StrEnum):
    """What a bot really does right now, as against `enabled`, which is what the boss wants."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    REVOKED = "revoked"
    CONFLICT = "conflict"
    UNREACHABLE = "unreachable"


def find_token(text: str) -> str | None:
    """The one token in what somebody pasted, be it @BotFather's whole message; None where there is none or two."""
    found = set(_INSIDE.findall(text))
    return found.pop() if len(found) == 1 else None


def telegram_id_of(token: str) -> int | None:
    """The bot's Telegram id inside a well-formed token, else None."""
    return int(token.partition(":")[0]) if TOKEN.fullmatch(token) else None


NETWORK: Final = 0
"""The code of a failure without an answer."""
CONFLICT_CODE: Final = 409
FLOOD_CODE: Final = 429


def state_after(code: int) -> BotState | None:
    """The state that a failure means; None = it changes nothing (too many requests is no illness)."""
    if code in {401, 404}:
        return BotState.REVOKED
    if code == CONFLICT_CODE:
        return BotState.CONFLICT
    return None if code == FLOOD_CODE else BotState.UNREACHABLE


@dataclass(frozen=True, slots=True)
class BotConfig:
    """What running processes need to know of a bot; a snapshot, at most some seconds old."""

    id: int
    public_id: str
    tenant_id: int
    telegram_id: int | None
    username: str
    token: str = field(repr=False)
    secret: str = field(repr=False)
    """What Telegram sends as `X-Telegram-Bot-Api-Secret-Token`."""
    mode: Mode
    enabled: bool
    state: BotState
    version: int
    locale: str
    timezone: str
    webhook_ours: bool
    """Whether our webhook is set at Telegram, so that polling would be refused."""
    former_secret: str = field(default="", repr=False)
    """The secret before, accepted too while it is not empty."""


def webhook_path(public_id: str) -> str:
    """Where Telegram posts a bot's updates."""
    return f"/api/webhook/{public_id}/"


def is_our_webhook(url: str, public_id: str) -> bool:
    """Whether a webhook is ours under any host: nobody else can know the bot's public id."""
    return _parts(url).path == webhook_path(public_id)


def host_of(url: str | None) -> str:
    """The host of an address, all that is shown of somebody else's; empty where there is none."""
    return _parts(url or "").hostname or ""


def _parts(url: str) -> SplitResult:
    """Somebody else's webhook may stand under any address, also one that Python takes for none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def backoff(code: int) -> tuple[float, float]:
    """(first, longest) wait in seconds before Telegram is asked again; it doubles with each failure in a row.

    An invalid token or a refusal backs off to ten minutes. Another reader of the same bot is left alone for 30 s at a
    time. A broken network is tried again within the minute, so that a bot is back soon after Telegram is.
    """
    if code == CONFLICT_CODE:
        return 30.0, 30.0
    if code in {NETWORK, FLOOD_CODE} or code >= 500:
        return 1.0, 60.0
    return 15.0, 600.0
