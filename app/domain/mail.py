"""Rules of outgoing e-mail."""

from dataclasses import dataclass, field

MAX_ATTEMPTS = 8


@dataclass(frozen=True)
class Letter:
    """An e-mail as a gateway sends it. The text may hold a one-time link."""

    id: int
    recipient: str
    subject: str
    body: str = field(repr=False)


def retry_after(attempts: int) -> int:
    """Seconds until the next attempt: half a minute, then twice as long each time, an hour at most."""
    return int(min(3600, 30 * 2 ** max(0, attempts - 1)))
