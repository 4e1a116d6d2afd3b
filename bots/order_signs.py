"""What a buyer sees while his order is worked on: that somebody types, and how far it is.

Signs are worth little, so they never hold up the work: one that fails is left out, and they are given now and then only.
"""

import logging
import threading
import time
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import AppError
from app.core.queue import transaction
from app.domain.bots import BotConfig
from app.domain.orders import Step
from app.domain.sending import Priority
from app.services import directory, outbox
from app.services.fulfilment import telling
from app.services.fulfilment.calls import Stopped
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.wording import HTML, Words, words_of
from app.services.orders import lookup
from bots.telegram.errors import Postpone, SendError
from bots.telegram.sender import Call, perform

log = logging.getLogger(__name__)
EDIT_SECONDS: Final = 3.0
TYPE_SECONDS: Final = 4.5
"""Telegram shows for five seconds that somebody types."""
_SHARE: Final = {Step.CONFIRM: 0.05, Step.CHART: 0.1, Step.TEXT: 0.2, Step.PDF: 0.9}
_WRITING: Final = 0.7
"""The share of the whole that the chapters are."""


class Signs:
    """The signs of one order, given from the thread that works on it."""

    def __init__(self, claimed: Claimed) -> None:
        self._claimed = claimed
        self._stop = threading.Event()
        self._leave_by: float | None = None
        self._edited = self._typed = 0.0
        self._config: BotConfig | None = None
        self._words: Words | None = None
        self._message_id: int | None = None
        self._silent = False

    def stop(self) -> None:
        """The order is somebody else's by now."""
        self._stop.set()

    def leave_by(self, moment: float) -> None:
        """The process ends at this moment (monotonic)."""
        self._leave_by = moment

    def seconds_left(self) -> float:
        """How long the work may still take."""
        return max(0.0, self._leave_by - time.monotonic()) if self._leave_by is not None else float("inf")

    def check(self) -> None:
        """Between two steps. Raises Stopped when the process ends: this is where nothing is lost."""
        if self._stop.is_set() or self._leave_by is not None:
            raise Stopped

    def begin(self, step: Step) -> None:
        """A step begins."""
        # Steps that take no time need no sign.
        if step in {Step.TEXT, Step.PDF, Step.CHART}:
            self._show(_SHARE[step], step=step)

    def chapter(self, number: int, total: int, title: str) -> None:
        """Chapter `number` (from 1) is being written."""
        if self._stop.is_set() or not self.seconds_left():
            raise Stopped
        self._show(_SHARE[Step.TEXT] + _WRITING * (number - 1) / max(total, 1), title=title)

    def close(self) -> None:
        """No sign comes after this."""
        self._silent = True

    def _show(self, share: float, *, step: Step | None = None, title: str = "") -> None:
        if self._silent:
            return
        try:
            self._give(share, step, title)
        except (SendError, Postpone, AppError, SQLAlchemyError) as error:
            log.info("a sign was not given", extra={"order": self._claimed.id, "reason": str(error)})

    def _give(self, share: float, step: Step | None, title: str) -> None:
        now = time.monotonic()
        words = self._know()
        if now - self._typed >= TYPE_SECONDS:
            self._typed = now
            self._call("sendChatAction", {"action": "typing"})
        if now - self._edited >= EDIT_SECONDS:
            self._edited = now
            doing = words.doing(step) if step is not None else words.chapter(title)
            self._edit(words.progress(share, doing))

    def _edit(self, said: str) -> None:
        if self._message_id is None:
            key = telling.progress_key(self._claimed.id, self._claimed.turn)
            with transaction():
                self._message_id = outbox.find_message_id(self._claimed.tenant_id, key)
        if self._message_id is not None:
            self._call("editMessageText", {"message_id": self._message_id, "text": said, "parse_mode": HTML})

    def _know(self) -> Words:
        """Reads once who is told, and in which words."""
        if self._words is None:
            self._config = directory.find(self._claimed.bot_id)
            with transaction():
                self._words = words_of(lookup.get(self._claimed.id))
        return self._words

    def _call(self, method: str, params: dict[str, object]) -> None:
        if self._config is not None and self._config.enabled:
            call = Call(self._config, method, Priority.SPARE)
            perform(call, {"chat_id": self._claimed.telegram_id, **params})
