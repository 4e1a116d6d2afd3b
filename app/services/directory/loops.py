"""The directory of programs that live in an asyncio loop: the webhook's hot path and the poller."""

import asyncio
import contextlib
import logging
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from app.core.async_bells import heard
from app.core.bells import Bell
from app.core.settings import Settings
from app.domain.bots import BotConfig
from app.services.directory.snapshots import (
    SELECT,
    SET_SCOPE,
    TRIES,
    UNKNOWN,
    Key,
    Snapshots,
    Unknown,
    parameters,
)

log = logging.getLogger(__name__)

GROUP: Final = 500
SECONDS: Final = 5.0


class DirectoryUnavailable(Exception):
    """PostgreSQL cannot be asked about a bot that is not in the cache."""


class AsyncDirectory:
    """One cache and one connection per event loop; those who wait for different bots share one query."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._snapshots = Snapshots()
        self._asked: dict[Key, list[asyncio.Future[None]]] = {}
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()
        self._loading: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to listen to the bell of bots."""
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def close(self) -> None:
        """Stops listening and lets go of the connection."""
        for task in (self._listening, self._loading):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._disconnect()

    def cached(self, key: Key) -> BotConfig | Unknown | None:
        """What is known without waiting; an ageing entry is loaded anew in the background."""
        config, ageing = self._snapshots.look(key)
        if ageing and config is not UNKNOWN:
            self._ask(key)
        return config

    async def find(self, key: Key) -> BotConfig | None:
        """The bot, or None where it does not exist or was removed. Raises DirectoryUnavailable."""
        while True:
            config = self.cached(key)
            if config is not UNKNOWN:
                return config
            await self._wait_for(key)

    async def load(self, bot_ids: list[int]) -> dict[int, BotConfig]:
        """Asks the database about these bots now. Raises DirectoryUnavailable."""
        found = {}
        for start in range(0, len(bot_ids), GROUP):
            group = bot_ids[start : start + GROUP]
            await self._load([*group])
            found.update({bot_id: self._snapshots.get(bot_id) for bot_id in group})
        return {bot_id: config for bot_id, config in found.items() if isinstance(config, BotConfig)}

    async def fetch(self, sql: str, values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query over all tenants. Raises DirectoryUnavailable."""
        try:
            async with asyncio.timeout(SECONDS), self._turn:
                connection = self._connection or await self._connect()
                async with connection.transaction():
                    await connection.execute(SET_SCOPE)
                    return await (await connection.execute(sql, values)).fetchall()
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self._disconnect()
            raise DirectoryUnavailable(str(error)) from error

    def _ask(self, key: Key) -> list[asyncio.Future[None]]:
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._load_asked())
        return self._asked.setdefault(key, [])

    async def _wait_for(self, key: Key) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ask(key).append(waiter)
        await waiter

    async def _load_asked(self) -> None:
        try:
            while self._asked:
                await self._load_group(list(self._asked)[:GROUP])
        finally:
            self._loading = None

    async def _load_group(self, keys: list[Key]) -> None:
        failed: DirectoryUnavailable | None = DirectoryUnavailable("looking up broke down")
        try:
            await self._load(keys)
            failed = None
        except DirectoryUnavailable as error:
            failed = error
        finally:
            # Whatever happened, nobody is left waiting.
            for waiter in [waiter for key in keys for waiter in self._asked.pop(key, [])]:
                if not waiter.done():
                    if failed:
                        waiter.set_exception(failed)
                    else:
                        waiter.set_result(None)

    async def _load(self, keys: list[Key]) -> None:
        for attempt in range(1, TRIES + 1):
            asked = self._snapshots.asking()
            rows = await self.fetch(SELECT, parameters(keys))
            if self._snapshots.put(asked, keys, rows, last=attempt == TRIES):
                return

    async def _listen(self) -> None:
        async for ring in heard(self._settings.redis_url, Bell.BOTS):
            if ring is None:
                self._snapshots.clear()
            elif ring[1].isdigit():
                self._snapshots.drop(int(ring[1]))

    async def _connect(self) -> AsyncConnection:
        self._connection = await AsyncConnection.connect(
            self._settings.libpq_url,
            autocommit=True,
            connect_timeout=int(SECONDS),
            prepare_threshold=None if self._settings.database_pooler else 0,
        )
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()
