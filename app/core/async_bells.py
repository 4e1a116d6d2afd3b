"""Bells for programs that live in an asyncio loop: ring without waiting, hear for ever."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.core.bells import Bell

log = logging.getLogger(__name__)
BUDGET: Final = 0.2
# One ring speaks for everything that was committed meanwhile. Milliseconds are not felt by anybody, and where a ring
# speaks for many, those who hear it are awake anyway.
GAP: Final = 0.003
BUSY: Final = 12
BUSY_GAP: Final = 0.03
REST: Final = 1.0


def _client(url: str, timeout: float | None) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=BUDGET if timeout else 2,
        retry=Retry(NoBackoff(), 0),
    )


class Ringer:
    """Rings one bell with numbers, many at a time. Nobody waits for it, and a Redis that is away costs nothing."""

    def __init__(self, url: str, bell: Bell) -> None:
        self._redis = _client(url, BUDGET)
        self._bell = bell
        self._waiting: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def ring(self, numbers: Iterable[int]) -> None:
        """Returns at once; numbers that gather while a ring is under way share the next one."""
        self._waiting.update(numbers)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._publish())

    async def _publish(self) -> None:
        while self._waiting:
            numbers = sorted(self._waiting)
            self._waiting.clear()
            message = ",".join(map(str, numbers))
            try:
                async with asyncio.timeout(BUDGET):
                    await self._redis.publish(self._bell, message)
            except (RedisError, OSError, TimeoutError) as error:
                log.info("bell not rung", extra={"bell": self._bell, "reason": str(error)})
                await asyncio.sleep(REST)
            else:
                await asyncio.sleep(GAP if len(numbers) < BUSY else BUSY_GAP)

    async def close(self) -> None:
        """Rings what still waits, within the budget."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=BUDGET)
            self._task.cancel()
        await self._redis.aclose()


async def heard(url: str, *bells: Bell) -> AsyncIterator[tuple[Bell, str] | None]:
    """Every bell as it rings; None whenever some may have been missed (at the start and after a broken connection)."""
    redis = _client(url, None)
    try:
        while True:
            try:
                async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(*bells)
                    yield None
                    async for message in pubsub.listen():
                        yield Bell(message["channel"].decode()), message["data"].decode()
            except (RedisError, OSError) as error:
                log.info("bells not heard", extra={"reason": str(error)})
                await asyncio.sleep(REST)
    finally:
        await redis.aclose()
