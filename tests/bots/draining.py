"""A reader of the inbox with a scripted handler, for the tests of draining; its fixtures are in conftest.py."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable

import orjson

from app.core.bells import Bell, ring_now
from app.core.settings import Settings, get_settings
from app.domain.bots import BotConfig
from app.services import directory
from bots.drain.reader import Drain
from tests.inbox_tools import states


class Script:
    """A handler that notes what it was given, and does what a test wants at one update."""

    def __init__(self) -> None:
        self.handled: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.at: dict[int, float] = {}
        self.act: Callable[[int], None] = lambda _: None
        self.lock = threading.Lock()

    def __call__(self, config: BotConfig, raw: bytes) -> bool:
        update = orjson.loads(raw)
        update_id, chat = update["update_id"], update["message"]["chat"]["id"]
        self.act(update_id)
        with self.lock:
            self.handled[config.id, chat].append(update_id)
            self.at[update_id] = time.monotonic()
        return True

    @property
    def all(self) -> list[int]:
        with self.lock:
            return [update_id for ids in self.handled.values() for update_id in ids]


class Readers:
    """Drains on threads of the test's process."""

    def __init__(self, app, script: Script) -> None:
        self.app = app
        self.script = script
        self.running: list[tuple[threading.Thread, threading.Event, Drain]] = []
        self.sent: list[object] = []

    def start(self, **changes: object) -> Drain:
        settings = get_settings().model_copy(update={"drain_slices": 1, "drain_chats": 20, **changes})
        drain = Drain(settings, self.app, self.script, directory.find)
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(drain, stop))
        thread.start()
        self.running.append((thread, stop, drain))
        return drain

    def _run(self, drain: Drain, stop: threading.Event) -> None:
        with self.app.app_context():
            drain.run(stop)

    def stop(self) -> None:
        for _, stop, drain in self.running:
            stop.set()
            drain._wake.set()
        for thread, _, _ in self.running:
            thread.join(10)
            assert not thread.is_alive()
        self.running.clear()


def all_in_state(state: str, number: int) -> Callable[[], bool]:
    return lambda: list(states().values()).count(state) == number


def ring() -> None:
    ring_now(Bell.INBOX, ",".join(map(str, range(32))))


def settings_with(**changes: object) -> Settings:
    return get_settings().model_copy(update=changes)
