"""What goes wrong with the embedded servers."""

from pathlib import Path

from app.core.errors import Misconfigured


class EmbeddedFailed(Misconfigured):
    """The program's own PostgreSQL or Redis can't be started here."""

    code = "embedded_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


def tail(log: Path, lines: int = 12) -> str:
    """The end of a server's log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return f"(no log: {error})"
