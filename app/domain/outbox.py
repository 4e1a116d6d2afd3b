"""Rules of the outbox."""

from enum import StrEnum

MAX_ATTEMPTS = 8


class OutboxState(StrEnum):
    """queued -> sending -> sent | unknown | dead; held while the bot's token is revoked."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    HELD = "held"
    DEAD = "dead"
