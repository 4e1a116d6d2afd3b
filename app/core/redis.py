"""Redis clients. What is held here may vanish at any moment; nothing of value lives only in Redis."""

from functools import cache

import redis
from redis.backoff import NoBackoff
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
    )


def patient() -> redis.Redis:
    """A client of its own for blocking reads (bells)."""
    return redis.Redis.from_url(
        get_settings().redis_url, socket_timeout=None, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )
