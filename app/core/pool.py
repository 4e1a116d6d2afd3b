"""Whether a pooled connection still leads somewhere, asked of the kernel where that will do.

SQLAlchemy's own test is a round trip before every transaction. A server that has ended or was killed has closed the
socket, which is then readable; only a network that fell silent shows nothing, so who has rested for a while is asked.
"""

import select
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg.pq import ExecStatus
from sqlalchemy.exc import InvalidatePoolError

RESTED: Final = 5.0
"""Seconds after which a connection is asked over the network."""
_USED: Final = "used"


def _give_back(_connection: psycopg.Connection[Any] | None, record: Any) -> None:
    record.info[_USED] = time.monotonic()


def _take_out(connection: psycopg.Connection[Any], record: Any, _proxy: Any) -> None:
    used = record.info.get(_USED)
    # One that was never given back has just been opened.
    if used is None or (time.monotonic() - used < RESTED and not _has_news(connection)):
        return
    if connection.pgconn.exec_(b"").status != ExecStatus.EMPTY_QUERY:
        raise InvalidatePoolError


def _has_news(connection: psycopg.Connection[Any]) -> bool:
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


EVENTS: Final[list[tuple[Callable[..., None], str]]] = [(_give_back, "checkin"), (_take_out, "checkout")]
"""For `create_engine(pool_events=...)`."""
