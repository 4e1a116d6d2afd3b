"""Rules of the outbox: states, when to try again, and what may be sent twice."""

import random
from enum import StrEnum

MAX_ATTEMPTS = 8
MAX_UNCLEAR = 2
"""After this many sends without an answer to be seen, a message that would come twice is not sent again."""
UNCLEAR_SECONDS = 60.0
MAX_PAYLOAD = 64 * 1024
_LONGEST_WAIT = 64.0


class OutboxState(StrEnum):
    """queued -> sending -> sent | unknown | dead; held while the bot's token is revoked."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    HELD = "held"
    DEAD = "dead"


def repeatable(method: str) -> bool:
    """Whether doing it twice looks the same as doing it once: everything but what puts a new message into a chat."""
    return not method.startswith(("send", "copy", "forward"))


def wait_after(attempts: int) -> float:
    """Seconds until the next attempt: 1, 2, 4 ... 64, spread by a fifth so that many do not come back at once."""
    seconds = min(2.0 ** max(0, attempts - 1), _LONGEST_WAIT)
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
