"""Redis clients. What is held here may vanish at any moment; nothing of value lives only in Redis."""

import os
from collections import deque
from functools import cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError
from redis.retry import Retry

from app.core.settings import get_settings


@cache
def quick() -> redis.Redis:
    """For the path of a request or an answer: gives up within a second, never retries. Values are bytes."""
    return redis.Redis.from_url(
        get_settings().redis_url,
        socket_timeout=1,
        socket_connect_timeout=0.5,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=25,
        # One per thread that talks with Redis at the same moment; the library's own 100 are fewer than our threads.
        max_connections=5_000,
    )


def patient() -> redis.Redis:
    """A client of its own for blocking reads (bells)."""
    return redis.Redis.from_url(
        get_settings().redis_url, socket_timeout=None, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )


class Wire:
    """Single commands for the hottest path, over redis-py's connections but without its client: a third of the cost.

    Same limits as `quick()`. A kept connection that turns out to be closed is replaced once, so commands that go
    this way must bear being done twice.
    """

    def __init__(self) -> None:
        self._make = quick().connection_pool.make_connection
        self._idle: deque[Any] = deque()

    def __call__(self, *command: str | bytes | float) -> Any:
        """Sends one command and returns the answer. Raises RedisError."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._ask(self._make(), command)
        try:
            return self._ask(connection, command)
        except ConnectionLost:
            self._idle.clear()
            return self._ask(self._make(), command)

    def _ask(self, connection: Any, command: tuple[str | bytes | float, ...]) -> Any:
        try:
            connection.send_command(*command)
            answer = connection.read_response()
        except ResponseError:
            self._idle.append(connection)
            raise
        except BaseException:
            connection.disconnect()
            raise
        self._idle.append(connection)
        return answer


def wire() -> Wire:
    """The wire of this process, also after a fork."""
    return _wire(os.getpid())


@cache
def _wire(pid: int) -> Wire:  # noqa: ARG001 - a connection must not be shared with a parent
    return Wire()
