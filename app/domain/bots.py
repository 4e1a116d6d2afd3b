"""Rules about bots: the shape of a token, modes and states."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

TOKEN = re.compile(r"[1-9][0-9]{5,15}:[A-Za-z0-9_-]{30,64}", re.ASCII)


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


def telegram_id_of(token: str) -> int | None:
    """The bot's Telegram id inside a well-formed token, else None."""
    return int(token.partition(":")[0]) if TOKEN.fullmatch(token) else None


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
