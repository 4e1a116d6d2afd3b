"""A cache in two levels: a small memory of the process over Redis, for facts that many requests ask for.

Redis going away costs a query, nothing else. Values are JSON: whoever can write to Redis must not be able to make
us run code.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE
from dogpile.cache.proxy import ProxyBackend
from redis.exceptions import RedisError

from app.core.redis import quick

log = logging.getLogger(__name__)
MOST = 20_000


class _Bounded(dict[str, Any]):
    """Starts anew when it has grown too large."""

    def __setitem__(self, key: str, value: Any) -> None:
        if len(self) >= MOST:
            self.clear()
        super().__setitem__(key, value)


class _Forgiving(ProxyBackend):
    """A Redis that does not answer counts as empty."""

    def get_serialized(self, key: str) -> Any:
        try:
            return self.proxied.get_serialized(key)
        except RedisError as error:
            log.info("cache not read", extra={"reason": type(error).__name__})
            return NO_VALUE

    def set_serialized(self, key: str, value: Any) -> None:
        try:
            # The library's own way is deprecated by Redis's client.
            backend: Any = self.proxied
            backend.writer_client.set(key, value, ex=backend.redis_expiration_time)
        except RedisError as error:
            log.info("cache not written", extra={"reason": type(error).__name__})


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


class Cache:
    """Facts by key, `None` too. Values are what JSON holds. A value lives at most the sum of both times."""

    def __init__(self, name: str, *, memory_seconds: float, redis_seconds: int) -> None:
        self._memory = make_region()
        self._memory.configure(
            "dogpile.cache.memory", expiration_time=memory_seconds, arguments={"cache_dict": _Bounded()}
        )
        self._redis = make_region(
            key_mangler=lambda key: f"laoban:cache:{name}:{key}", serializer=_dump, deserializer=json.loads
        )
        self._redis.configure(
            "dogpile.cache.redis",
            expiration_time=redis_seconds,
            # Redis itself forgets a value a little later than it stops being used.
            arguments={
                "connection_pool": quick().connection_pool,
                "redis_expiration_time": redis_seconds * 2,
            },
            wrap=[_Forgiving],
        )

    def get(self, key: str, load: Callable[[], Any]) -> Any:
        """The fact; `load` is asked once however many threads want it."""
        return self._memory.get_or_create(key, lambda: self._redis.get_or_create(key, load))

    def drop(self) -> None:
        """What was remembered until now no longer counts in this process."""
        self._redis.invalidate()  # type: ignore[no-untyped-call]
        self._memory.invalidate()  # type: ignore[no-untyped-call]
