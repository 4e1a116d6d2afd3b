"""A clock that tests move forward instead of sleeping."""

from datetime import timedelta

import pytest

from app.core import clock


class Clockwork:
    """Moves what `clock.now()` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = clock.now
        self.ahead = timedelta(0)
        monkeypatch.setattr(clock, "now", lambda: self._real() + self.ahead)

    def forward(self, **by: float) -> None:
        """Lets time pass: `forward(minutes=31)`."""
        self.ahead += timedelta(**by)
