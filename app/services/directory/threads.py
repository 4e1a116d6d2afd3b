"""The directory of programs that work in threads: workers, and the web where only WSGI is spoken."""

import contextlib
import os
import threading
from functools import cache

from app.core.bells import Bell, Listener
from app.core.db import db
from app.domain.bots import BotConfig
from app.services.directory.snapshots import SELECT, SET_SCOPE, TRIES, UNKNOWN, Key, Snapshots, parameters


def find(bot_id: int) -> BotConfig | None:
    """The bot, or None where it does not exist or was removed."""
    return _find(bot_id)


def find_by_public_id(public_id: str) -> BotConfig | None:
    """The same by the name in its webhook's address."""
    return _find(public_id)


def _find(key: Key) -> BotConfig | None:
    snapshots = _snapshots(os.getpid())
    for attempt in range(1, TRIES + 1):
        config = snapshots.get(key)
        if config is not UNKNOWN:
            return config
        asked = snapshots.asking()
        # A connection of its own: the caller's transaction may have another scope, or be broken.
        with db.engine.begin() as connection:
            connection.exec_driver_sql(SET_SCOPE)
            rows = connection.exec_driver_sql(SELECT, parameters([key])).all()
        snapshots.put(asked, [key], [tuple(row) for row in rows], last=attempt == TRIES)
    config = snapshots.get(key)
    return None if config is UNKNOWN else config


@cache
def _snapshots(pid: int) -> Snapshots:
    """One cache per process, also after a fork, with a thread that drops what a bell names."""
    snapshots = Snapshots()
    threading.Thread(target=_listen, args=(snapshots,), name=f"directory-{pid}", daemon=True).start()
    return snapshots


def _listen(snapshots: Snapshots) -> None:
    listener = Listener(Bell.BOTS)
    while True:
        for _, message in listener.wait(30):
            with contextlib.suppress(ValueError):
                snapshots.drop(int(message))
