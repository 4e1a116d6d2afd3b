"""Group commit: concurrent requests of one process share one INSERT and one commit.

What gathers while a commit is under way is the next group; nothing waits for more to come. Everybody gets his answer
only after the commit that holds his row, and an error reaches exactly the requests of its group.
"""

import asyncio
import logging
from collections import Counter, deque
from typing import Any, Final, cast

import psycopg
from psycopg import AsyncConnection

from app.core import metrics
from app.core.async_bells import Ringer
from app.core.bells import Bell
from app.core.settings import Settings
from app.domain.bots import BotConfig
from app.services.inbox import intake
from app.services.inbox.caps import Caps
from app.services.inbox.intake import BOT, RAW, SHARD, Row
from app.services.inbox.statement import Statement

log = logging.getLogger(__name__)

GROUP_ROWS: Final = 256
GROUP_BYTES: Final = 4 * 1024 * 1024
WAITING_BYTES: Final = 64 * 1024 * 1024
JUNK_WAITING: Final = 100
STATEMENT_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5
REST: Final = 0.5
"""After a failed connection attempt nobody tries again for this long; requests fail at once meanwhile."""


class InboxUnavailable(Exception):
    """The row is not safe: PostgreSQL is away, or too much waits already. Whoever sent it has to send it again."""


_Waiting = tuple[tuple[Row, ...], int, asyncio.Future[None]]
"""Rows that arrived together, their size, and what their sender waits for."""


class GroupWriter:
    """One connection, one commit at a time. Belongs to one event loop; `transport` is what its rows are counted as."""

    def __init__(self, settings: Settings, transport: str) -> None:
        self._settings = settings
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._caps = Caps(settings.inbox_cap)
        self._bell = Ringer(settings.redis_url, Bell.INBOX)
        self._queue: deque[_Waiting] = deque()
        self._junk: deque[tuple[dict[str, object], asyncio.Future[None]]] = deque()
        self._bytes = 0
        self._connection: AsyncConnection | None = None
        self._statement: Statement | None = None
        self._rest_until = 0.0
        self._task: asyncio.Task[None] | None = None

    def admit(self, bot_id: int, updates: int = 1) -> bool:
        """Whether the bot has room for more open updates; what is admitted must be written."""
        admitted = self._caps.admit(bot_id, updates)
        if not admitted:
            # Otherwise the write that follows also brings the count that may be due.
            self._go()
        return admitted

    def is_full(self, bot_id: int) -> bool:
        """Whether the bot's transport should pause."""
        full = self._caps.is_full(bot_id)
        if full:
            self._go()
        return full

    def write(self, *rows: Row) -> asyncio.Future[None]:
        """Done when the rows are committed, or failed with InboxUnavailable."""
        done = self._loop.create_future()
        if self._bytes > WAITING_BYTES:
            done.set_exception(InboxUnavailable("too many updates wait to be written"))
            return done
        size = len(rows[0][RAW]) if len(rows) == 1 else sum(len(row[RAW]) for row in rows)
        self._bytes += size
        self._queue.append((rows, size, done))
        if self._task is None:
            self._go()
        return done

    async def keep_junk(self, config: BotConfig, raw: bytes) -> None:
        """Puts what is no update into the quarantine while there is room. Raises InboxUnavailable."""
        if len(self._junk) >= JUNK_WAITING:
            return
        done: asyncio.Future[None] = self._loop.create_future()
        self._junk.append((intake.junk_of(config, raw), done))
        self._go()
        await done

    async def close(self) -> None:
        """Writes what waits, then lets go of the connection."""
        while self._task is not None:
            await asyncio.wait([self._task])
        await self._bell.close()
        await self._disconnect()

    def _go(self) -> None:
        if self._task is None:
            self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._queue or self._junk or self._caps.due_bots:
                if self._queue:
                    await self._write_group(self._next_group())
                if self._junk:
                    await self._write_junk(*self._junk.popleft())
                if self._caps.due_bots:
                    await self._count()
        finally:
            self._task = None
            if self._queue:
                self._go()

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        count = bytes_ = 0
        while self._queue:
            rows, size, _ = self._queue[0]
            count += len(rows)
            bytes_ += size
            if group and (count > GROUP_ROWS or bytes_ > GROUP_BYTES):
                break
            self._bytes -= size
            group.append(self._queue.popleft())
        return group

    async def _write_group(self, group: list[_Waiting]) -> None:
        rows = [row for together, _, _ in group for row in together]
        error: InboxUnavailable | None = InboxUnavailable("writing broke down")
        written = 0
        try:
            written = await self._insert(rows)
            error = None
        except InboxUnavailable as failure:
            error = failure
        finally:
            # Whatever happened, nobody is left waiting.
            for _, _, done in group:
                _settle(done, error)
        if error:
            return
        self._bell.ring({row[SHARD] for row in rows})
        metrics.updates_accepted(self._transport, len(rows))
        if written < len(rows):
            await self._note_repeats(rows)

    async def _insert(self, rows: list[Row]) -> int:
        """The number of new rows. Raises InboxUnavailable."""
        parameters = intake.columns(rows)
        for fresh in (False, True):
            try:
                statement = self._statement or await self._connect()
                async with asyncio.timeout(STATEMENT_SECONDS):
                    return await statement.run(parameters)
            except (psycopg.Error, OSError, TimeoutError) as error:
                await self._disconnect()
                # A connection that died while nobody used it says nothing about the server: try a new one once.
                if fresh or isinstance(error, TimeoutError):
                    log.error("updates not written", extra={"reason": str(error)})
                    raise InboxUnavailable(str(error)) from error
        raise AssertionError("unreachable")

    async def _write_junk(self, junk: dict[str, object], done: asyncio.Future[None]) -> None:
        error = None
        try:
            await self._ask(intake.INSERT_JUNK, junk)
        except InboxUnavailable as failure:
            error = failure
        _settle(done, error)

    async def _count(self) -> None:
        bots = self._caps.due()
        try:
            counted = await self._ask(intake.COUNT_OPEN, (self._settings.inbox_cap, bots))
        except InboxUnavailable as error:
            log.info("open updates not counted", extra={"reason": str(error)})
            return
        on_their_way = Counter(row[BOT] for rows, _, _ in self._queue for row in rows)
        self._caps.learn(bots, on_their_way + Counter(dict(counted)))

    async def _note_repeats(self, rows: list[Row]) -> None:
        try:
            intake.note_repeats(await self._ask(intake.REPEATED, intake.columns(rows)))
        except InboxUnavailable as error:
            log.info("repeats not compared", extra={"reason": str(error)})

    async def _ask(self, sql: str, parameters: Any) -> list[Any]:
        """A statement that needs the scope beforehand, in a transaction of its own. Raises InboxUnavailable."""
        try:
            if self._connection is None:
                await self._connect()
            connection = cast("AsyncConnection", self._connection)
            async with asyncio.timeout(STATEMENT_SECONDS), connection.transaction():
                await connection.execute(intake.SET_SCOPE)
                cursor = await connection.execute(sql, parameters)
                return await cursor.fetchall() if cursor.description else []
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self._disconnect()
            raise InboxUnavailable(str(error)) from error

    async def _connect(self) -> Statement:
        if self._loop.time() < self._rest_until:
            raise InboxUnavailable("PostgreSQL did not answer a moment ago")
        pooler = self._settings.database_pooler
        try:
            self._connection = await AsyncConnection.connect(
                self._settings.libpq_url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                prepare_threshold=None if pooler else 0,
            )
        except psycopg.OperationalError as error:
            self._rest_until = self._loop.time() + REST
            raise InboxUnavailable(str(error)) from error
        self._statement = Statement(self._connection, intake.INSERT_ALONE, prepare=not pooler)
        return self._statement

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection, self._statement = self._connection, None, None
            await connection.close()


def _settle(done: asyncio.Future[None], error: InboxUnavailable | None) -> None:
    if done.done():
        # Whoever waited has gone.
        return
    if error:
        done.set_exception(error)
    else:
        done.set_result(None)
