"""Bells: Redis signals that only say "look now". A lost one costs a second or so, never work."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from enum import StrEnum

import redis
from redis.exceptions import RedisError

from app.core.redis import patient, quick

log = logging.getLogger(__name__)


class Bell(StrEnum):
    """The channels. The message names what to look at."""

    INBOX = "laoban:bell:inbox"
    """New updates; message = comma-separated chat shards."""
    BOTS = "laoban:bell:bots"
    """A bot's configuration changed; message = bot id."""
    OUTBOX = "laoban:bell:outbox"
    """New outgoing messages; message = bot id."""
    LEASES = "laoban:bell:leases"
    """Somebody let go of shards; message = the kind of lease."""
    TENANTS = "laoban:bell:tenants"
    """A tenant, key or domain changed; message = tenant id."""
    MEMBERS = "laoban:bell:members"
    """A Telegram user chose another language; message = his Telegram id."""


def ring_now(bell: Bell, what: str = "") -> None:
    """Publishes; a Redis that is down is logged and otherwise ignored."""
    try:
        quick().publish(bell, what)
    except RedisError as error:
        log.info("bell not rung", extra={"bell": bell, "reason": str(error)})


class Listener:
    """Waits for bells on its own connection; when Redis is away it merely sleeps, so that callers keep looking."""

    def __init__(self, *bells: Bell) -> None:
        self._bells = bells
        self._pubsub: redis.client.PubSub | None = None

    def wait(self, seconds: float) -> list[tuple[Bell, str]]:
        """Returns the bells heard, waiting at most `seconds` for the first; an empty list after that."""
        deadline = time.monotonic() + seconds
        try:
            heard = list(self._hear(deadline))
        except (RedisError, OSError):
            self.close()
            time.sleep(min(max(0.0, deadline - time.monotonic()), 1.0))
            return []
        return heard

    def _hear(self, deadline: float) -> Iterator[tuple[Bell, str]]:
        if self._pubsub is None:
            pubsub = redis.client.PubSub(patient().connection_pool, ignore_subscribe_messages=True)
            pubsub.subscribe(*self._bells)
            self._pubsub = pubsub
        found = False
        while True:
            timeout = 0.0 if found else max(0.0, deadline - time.monotonic())
            message = self._pubsub.get_message(timeout=timeout)
            if message and message["type"] == "message":
                found = True
                yield Bell(message["channel"].decode()), message["data"].decode()
            elif found or time.monotonic() >= deadline:
                return

    def close(self) -> None:
        """Gives the connection back; the next wait() opens another."""
        if self._pubsub is not None:
            with closing(self._pubsub):
                self._pubsub = None


class Ear:
    """Calls `forget` whenever a bell rings, from a thread of this process that begins when it is first needed.

    One that began before a server forks would not survive it.
    """

    def __init__(self, bell: Bell, forget: Callable[[], None]) -> None:
        self._bell = bell
        self._forget = forget
        self._start = threading.Lock()
        self._open = False

    def open(self) -> None:
        """Begins to listen; from the second time on does nothing."""
        if self._open:
            return
        with self._start:
            if not self._open:
                threading.Thread(target=self._hear, name=str(self._bell), daemon=True).start()
                self._open = True

    def _hear(self) -> None:
        listener = Listener(self._bell)
        while True:
            if listener.wait(3600):
                self._forget()
