"""What can be chosen when the sandbox starts."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Settings:
    """`fast` is for load tests: no call log, few kept messages, nothing written to disk.

    `retry_scale` multiplies the waits between webhook attempts, so that tests need not wait for minutes.
    `strict` keeps the real server's brakes on clients in a hurry: the same offset polled again at once waits,
    and setWebhook works once a second.
    """

    host: str = "127.0.0.1"
    port: int = 8081
    data: Path | None = None
    fast: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    strict: bool = True
    retry_scale: float = 1.0
    webhook_timeout: float = 60.0

    @property
    def kept_messages(self) -> int:
        """How many messages of one chat are remembered."""
        return 20 if self.fast else 500

    @property
    def kept_calls(self) -> int:
        """How many Bot API calls the log holds."""
        return 0 if self.fast else 20_000
