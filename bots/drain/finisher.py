"""Writes outcomes in batches on a thread of its own, so that no update waits for the commit of another."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import psycopg

from app.services.inbox.claims import Claimed, Outcome, Store

log = logging.getLogger(__name__)

BATCH: Final = 500
LINGER: Final = 0.01
REST: Final = 0.5

_Key = tuple[int, int]


class Finisher:
    """Keeps what PostgreSQL did not take yet and tries again until it does."""

    def __init__(self, store: Store, on_written: Callable[[], None]) -> None:
        self._store = store
        self._on_written = on_written
        self._waiting: dict[_Key, Outcome] = {}
        self._writing: dict[_Key, Outcome] = {}
        self._changed = threading.Condition()
        self._added = 0
        self._closed = False
        self.written = 0
        """Up to which ticket everything is safe."""
        self._thread = threading.Thread(target=self._run, name="drain-finisher", daemon=True)
        self._thread.start()

    def add(self, *outcomes: Outcome) -> int:
        """The ticket of the last one."""
        with self._changed:
            for outcome in outcomes:
                _merge(self._waiting, outcome)
            self._added += len(outcomes)
            self._changed.notify()
            return self._added

    def holds(self, update: Claimed) -> bool:
        """Whether the end of this update is not written yet."""
        key = (update.bot_id, update.update_id)
        return key in self._waiting or key in self._writing

    def flush(self, seconds: float) -> bool:
        """Waits until everything added so far is written; False when that took too long."""
        with self._changed:
            ticket = self._added
            return self._changed.wait_for(lambda: self.written >= ticket, seconds)

    def close(self) -> None:
        """Ends the thread after a last try; what is not written then will be handled again by the next owner."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout=REST * 4)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed and not self._waiting:
                    break
            # Some more are bound to end meanwhile, and one statement for all of them costs little more than for one.
            time.sleep(LINGER)
            failed = self._write_all()
            if failed and self._closed:
                break
        self._store.close()

    def _write_all(self) -> bool:
        with self._changed:
            batch = dict(list(self._waiting.items())[:BATCH])
            complete = len(batch) == len(self._waiting)
            ticket = self._added
            self._writing = batch
            for key in batch:
                del self._waiting[key]
        failed = self._write(list(batch.values()))
        with self._changed:
            self._writing = {}
            if failed:
                newer, self._waiting = self._waiting, {}
                for outcome in (*failed, *newer.values()):
                    _merge(self._waiting, outcome)
            elif complete:
                self.written = ticket
            self._changed.notify_all()
        self._on_written()
        if failed:
            time.sleep(REST)
        return bool(failed)

    def _write(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Returns what has to be tried again."""
        try:
            ours = self._store.finish(outcomes)
        except psycopg.OperationalError as error:
            log.warning(
                "outcomes wait for PostgreSQL", extra={"reason": str(error), "waiting": len(outcomes)}
            )
            return outcomes
        except psycopg.Error:
            if len(outcomes) == 1:
                log.exception("an outcome was refused", extra={"update_id": outcomes[0].update.update_id})
                return []
            return [left for outcome in outcomes for left in self._write([outcome])]
        if ours < len(outcomes):
            log.warning("updates were taken over meanwhile", extra={"number": len(outcomes) - ours})
        return []


def _merge(waiting: dict[_Key, Outcome], outcome: Outcome) -> None:
    """One outcome per update: the newest, with the attempts of both."""
    key = (outcome.update.bot_id, outcome.update.update_id)
    older = waiting.pop(key, None)
    waiting[key] = outcome if older is None else replace(outcome, attempts=outcome.attempts + older.attempts)
