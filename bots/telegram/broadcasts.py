"""Sends broadcasts of one bot: one thread waits for turns at the gate and writes to the database, a few others call.

For each recipient: a turn at the gate, then one transaction that marks him and writes what came of earlier calls, then
the call. So a sender that is killed leaves only the calls unclear that were under way. While the gate has no turn the
sender sleeps; nothing is asked for again through the queue.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import BoundedSemaphore, Event
from typing import TypeVar

from flask import Flask

from app.core.queue import transaction
from app.core.settings import get_settings
from app.core.tenancy import tenant_scope
from app.domain.bots import BotConfig
from app.domain.broadcasts import MAX_ATTEMPTS, RecipientState
from app.domain.outbox import wait_after
from app.domain.sending import Priority
from app.services import broadcasts, directory
from app.services.broadcasts import sending
from app.services.broadcasts.errors import NotOurs
from app.services.broadcasts.sending import Marked, Result, Turn
from bots.telegram import gate, photos
from bots.telegram.errors import Blocked, Postpone, SendError, TokenRevoked, Unreachable
from bots.telegram.sender import Call, perform

T = TypeVar("T")
log = logging.getLogger(__name__)

SLICE_SECONDS = 15.0
IN_FLIGHT = 8
"""Calls under way at once: enough for the bot's limit when an answer takes 300 ms, and the most that a kill leaves unclear."""
RENEWALS = 5
"""So often is a lease renewed before it could run out."""
NAP = 0.2
"""The longest sleep between two looks at whether to go on, in seconds."""
LONGEST_REST = 30.0
MOST_REFUSED = 20
"""So many in a row, and it is the message that Telegram does not take, not the people."""


class Caller:
    """Makes the calls and says what came of each."""

    def __init__(self, app: Flask, config: BotConfig, turn: Turn) -> None:
        self._app = app
        self._tenant_id = config.tenant_id
        self._call = Call(config, turn.content.method, Priority.BROADCAST, admitted=True)
        self._params = turn.content.payload()
        self._picture = self._params.pop("picture_id", None)
        self.revoked = False
        self.refused = 0
        self.reason = ""
        """Why Telegram refused the last one."""
        self.troubles = 0
        """Calls in a row that Telegram did not answer."""

    def send(self, marked: Marked) -> Result:
        """Sends to one person."""
        with self._app.app_context(), tenant_scope(self._tenant_id):
            try:
                answer = self._perform(marked.telegram_id)
            except Postpone as error:
                return Result(marked, RecipientState.PENDING, wait=error.seconds, free=True)
            except SendError as error:
                return self._failed(marked, error)
            except Exception:
                # Whatever went wrong in our own code, he may have got it.
                log.exception("a message of a broadcast broke")
                return Result(marked, RecipientState.UNKNOWN, error="internal error")
        self.refused, self.troubles = 0, 0
        message_id = answer.get("message_id") if isinstance(answer, dict) else None
        return Result(marked, RecipientState.SENT, message_id=message_id)

    def _failed(self, marked: Marked, error: SendError) -> Result:
        if isinstance(error, Unreachable):
            return self._unanswered(marked, error)
        self.troubles = 0
        if isinstance(error, TokenRevoked):
            self.revoked = True
            return Result(marked, RecipientState.PENDING, free=True)
        if isinstance(error, Blocked):
            self.refused = 0
            return Result(marked, RecipientState.BLOCKED, error=error.description)
        self.refused, self.reason = self.refused + 1, error.description
        return Result(marked, RecipientState.FAILED, error=error.description)

    def _perform(self, telegram_id: int) -> object:
        params = {**self._params, "chat_id": telegram_id}
        if isinstance(self._picture, int):
            return photos.send(self._call, params, self._picture)
        return perform(self._call, params)

    def _unanswered(self, marked: Marked, error: Unreachable) -> Result:
        self.troubles += 1
        if error.unclear:
            return Result(marked, RecipientState.UNKNOWN, error=str(error))
        if not error.code:
            return Result(marked, RecipientState.PENDING, wait=self.rest, free=True)
        if marked.attempts >= MAX_ATTEMPTS:
            return Result(marked, RecipientState.FAILED, error=str(error))
        return Result(marked, RecipientState.PENDING, wait=wait_after(marked.attempts))

    @property
    def rest(self) -> float:
        """Seconds to leave Telegram alone while it does not answer."""
        return min(2.0 ** min(self.troubles, 10), LONGEST_REST) if self.troubles else 0.0


class Sender:
    """One turn of one broadcast. Runs in an app context and a scope that sees the bot's tenant."""

    def __init__(self, app: Flask, config: BotConfig, turn: Turn, stopping: Event) -> None:
        self._config = config
        self._turn = turn
        self._stopping = stopping
        self._caller = Caller(app, config, turn)
        self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix=f"broadcast-{turn.id}")
        self._room = BoundedSemaphore(IN_FLIGHT)
        self._flying = 0
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._unwritten: list[Result] = []
        self._lot: deque[int] = deque()
        self._after = 0
        self._until = time.monotonic() + SLICE_SECONDS
        self._renewed = self._rested = time.monotonic()
        self._done = 0
        self._pace = 0.0

    def run(self) -> bool:
        """Sends until the time is over or nobody is due; True when there may be more to do at once."""
        try:
            self._fill()
            while self._goes_on() and self._refill():
                self._step()
        except NotOurs:
            log.info("broadcast stopped", extra={"broadcast": self._turn.id})
            return False
        finally:
            self._land()
        with transaction():
            finished = sending.finish(self._turn)
        return finished or self._stopping.is_set() or time.monotonic() > self._until

    def _fill(self) -> None:
        more = True
        while more and self._goes_on():
            with transaction():
                more = sending.fill(self._turn)

    def _goes_on(self) -> bool:
        """Renews the lease now and then; False when it is time to end. Raises NotOurs."""
        config = directory.find(self._config.id)
        if config is None or not config.enabled or self._caller.revoked:
            with transaction():
                broadcasts.halt_silent(self._config.id)
            return False
        if self._caller.refused >= MOST_REFUSED:
            with transaction():
                broadcasts.halt_refused(self._turn.id, self._caller.reason)
            return False
        now = time.monotonic()
        if now - self._renewed >= get_settings().lease_seconds / RENEWALS:
            fresh = self._done / (now - self._renewed)
            self._pace = fresh if not self._pace else self._pace * 0.8 + fresh * 0.2
            self._renewed, self._done = now, 0
            self._commit(lambda: sending.renew(self._turn, self._pace))
        return now < self._until and not self._stopping.is_set()

    def _refill(self) -> bool:
        """Whether somebody is due or under way."""
        if self._lot:
            return True
        self._lot.extend(self._commit(lambda: sending.list_due(self._turn, self._after)))
        if not self._lot and self._after:
            self._after = 0
            return True
        if not self._lot:
            self._nap(NAP)
            return self._flying > 0
        self._after = self._lot[-1]
        return True

    def _step(self) -> None:
        """One recipient: room, a turn at the gate, the mark, the call."""
        if not self._lot:
            return
        if self._caller.rest and time.monotonic() < self._rested:
            self._nap(NAP)
            return
        if not self._room.acquire(timeout=NAP):
            return
        chat = self._lot.popleft()
        marked = self._mark(chat)
        if marked is None:
            self._room.release()
            return
        self._rested = time.monotonic() + self._caller.rest
        self._flying += 1
        self._pool.submit(self._fly, marked)

    def _mark(self, chat: int) -> Marked | None:
        try:
            gate.wait_turn(self._config, chat, Priority.BROADCAST)
        except Postpone as error:
            # It may be this chat's affair: the others of the lot are asked first.
            self._lot.append(chat)
            self._nap(min(error.seconds, NAP))
            return None
        return self._commit(lambda: sending.mark(self._turn, chat))

    def _fly(self, marked: Marked) -> None:
        try:
            self._results.put(self._caller.send(marked))
        finally:
            self._room.release()

    def _nap(self, seconds: float) -> None:
        """Sleeps; a longer sleep is used to write what has come in."""
        if seconds >= NAP and not self._results.empty():
            self._commit(lambda: None)
        self._stopping.wait(seconds)

    def _commit(self, act: Callable[[], T]) -> T:
        """Writes what has come of calls, together with what `act` does; nothing of it is lost when that fails."""
        self._collect()
        with transaction():
            sending.write(self._turn.id, self._unwritten)
            found = act()
        self._unwritten.clear()
        return found

    def _collect(self) -> None:
        while not self._results.empty():
            self._unwritten.append(self._results.get())
            self._flying -= 1
            self._done += 1

    def _land(self) -> None:
        """Waits for the calls under way, writes what comes of them and lets go of the broadcast."""
        self._pool.shutdown(wait=False)
        self._collect()
        while self._flying:
            self._unwritten.append(self._results.get())
            self._flying -= 1
            self._commit(lambda: None)
        self._commit(lambda: sending.release(self._turn))


def send(app: Flask, config: BotConfig, stopping: Event) -> bool:
    """Gives one broadcast of a bot its turn; True when there may be more to send at once."""
    with transaction():
        turn = sending.take(config.id)
    return turn is not None and Sender(app, config, turn, stopping).run()
