"""How bots are, told to the database by a thread of its own, so that the loop never waits for it."""

import logging
import threading
from typing import Final

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.core.queue import transaction
from app.core.tenancy import system_scope
from app.domain.bots import NETWORK, BotConfig
from app.services import bots
from bots.telegram.polling.updates import Failed

log = logging.getLogger(__name__)

MANY: Final = 200
"""With so many reports waiting Telegram or the network is broken for everybody, and one bot more is no news."""


class Reporter:
    """The newest report of each bot waits for its turn; `close` gives up what still waits."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._waiting: dict[int, tuple[BotConfig, Failed | None]] = {}
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="poll-reports", daemon=True)
        self._thread.start()

    def well(self, config: BotConfig) -> None:
        """Telegram answers."""
        self._put(config, None)

    def failed(self, config: BotConfig, failure: Failed) -> None:
        """Telegram does not answer, or says no."""
        if failure.code != NETWORK or len(self._waiting) < MANY:
            self._put(config, failure)

    def close(self) -> None:
        """Ends the thread."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join(5)

    def _put(self, config: BotConfig, failure: Failed | None) -> None:
        with self._change:
            self._waiting[config.id] = (config, failure)
            self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                config, failure = self._waiting.pop(next(iter(self._waiting)))
            try:
                with self._app.app_context(), system_scope(), transaction():
                    _write(config, failure)
            except SQLAlchemyError as error:
                log.warning(
                    "report about a bot not written", extra={"bot_id": config.id, "reason": str(error)}
                )
            except Exception:
                # One odd report must not end those about all other bots.
                log.exception("report about a bot not understood", extra={"bot_id": config.id})


def _write(config: BotConfig, failure: Failed | None) -> None:
    if failure is None:
        bots.report_ok(config.id, version=config.version)
    else:
        code, description, retry_after = failure
        bots.report_failure(config.id, code, description, retry_after, version=config.version)
