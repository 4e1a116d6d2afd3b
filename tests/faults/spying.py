"""Everything that passes through a stack's Redis, task messages opened, for as long as a test module runs."""

import base64
import re
import threading
from typing import Self

import redis

from tests.e2e.stack import Stack

_BODY = re.compile(r'"body": ?"([A-Za-z0-9+/=]+)"')


class Spy:
    """Listens, also to a Redis that was restarted."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._over = threading.Event()
        self._heard: list[str] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def heard(self) -> str:
        """All of it."""
        said = "\n".join(self._heard)
        bodies = [base64.b64decode(one).decode() for one in _BODY.findall(said.replace("\\", ""))]
        return "\n".join([said, *bodies])

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                with self._stack.redis_client() as client, client.monitor() as monitor:
                    while not self._over.is_set():
                        self._heard.append(str(monitor.next_command()["command"]))
            except (redis.RedisError, OSError):
                self._over.wait(0.05)
