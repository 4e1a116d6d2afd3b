"""PostgreSQL's time, which all processes share whatever their own clocks say. Asked now and then, carried on between."""

import time
from threading import Lock

from sqlalchemy import text

from app.core.db import at_once

EVERY = 30.0
"""Seconds after which it is asked anew."""
_ASK = text("SELECT extract(epoch FROM clock_timestamp())")


class _Clock:
    """The database's time less this process's monotonic one, which nobody can set."""

    def __init__(self) -> None:
        self.offset: float | None = None
        self.asked_at = 0.0
        self.lock = Lock()


_clock = _Clock()


def now(at_most: float = EVERY) -> float:
    """Unix seconds, from a measurement at most `at_most` seconds old. Raises OperationalError."""
    offset = _clock.offset
    if offset is None or time.monotonic() - _clock.asked_at > at_most:
        offset = _ask(at_most)
    return time.monotonic() + offset


def last_known() -> float | None:
    """Unix seconds without asking; None before the first answer."""
    return None if _clock.offset is None else time.monotonic() + _clock.offset


def _ask(at_most: float) -> float:
    with _clock.lock:
        if _clock.offset is not None and time.monotonic() - _clock.asked_at <= at_most:
            return _clock.offset
        with at_once() as connection:
            before = time.monotonic()
            moment = float(connection.execute(_ASK).scalar_one())
        _clock.asked_at = time.monotonic()
        _clock.offset = moment - (before + _clock.asked_at) / 2
        return _clock.offset
